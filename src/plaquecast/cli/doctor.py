"""`plaquecast doctor`: is this machine fit for the work."""

import typer

from plaquecast.cli.options import Json
from plaquecast.cli.output import speak_json, tell


def doctor(json: Json = False) -> None:
    """Look at Python, packages, decoders, cores, memory, disk and accelerator; one line and one remedy each.

    Ends with exit code 2 if something that is needed is missing.

    Example: plaquecast doctor
    """
    from plaquecast.pipeline.doctor import examine_machine

    speak_json(json)
    lines = examine_machine()
    for line in lines:
        tell(line.sentence(), line.as_dict())
    if any(not line.fit for line in lines):
        raise typer.Exit(2)
