"""`plaquecast doctor`: is this machine fit for the work."""

from pathlib import Path
from typing import Annotated

import typer

from plaquecast.cli.options import Json
from plaquecast.cli.output import speak_json, tell


def doctor(
    folder: Annotated[Path, typer.Argument(help="Where runs are to be written.", exists=True)] = Path(),
    json: Json = False,
) -> None:
    """Look at Python, packages, decoders, cores, memory, disk and accelerator; one line and one remedy each.

    Ends with exit code 2 if something is to be mended.

    Example: plaquecast doctor /data/runs
    """
    from plaquecast.pipeline.doctor import examine_machine

    speak_json(json)
    lines = examine_machine(folder)
    for line in lines:
        tell(line.sentence(), line.as_dict())
    unfit = [line.subject for line in lines if not line.fit]
    tell(f"To be mended: {', '.join(unfit)}." if unfit else "This machine is fit.", {"unfit": unfit})
    if unfit:
        raise typer.Exit(2)
