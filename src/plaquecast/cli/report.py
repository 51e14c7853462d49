"""`plaquecast report`: a page on the tables of a run or registry."""

from pathlib import Path
from typing import Annotated

import typer

from plaquecast.cli.options import Json
from plaquecast.cli.output import speak_json, tell


def report(
    run: Annotated[Path, typer.Argument(help="Folder with `tables` in it: a run, or a registry without images.")],
    out: Annotated[Path, typer.Option("--out", help="The page to write.")],
    json: Json = False,
) -> None:
    """Write one page on what changed in all patients, from the tables alone.

    Example: plaquecast report registry --out registry.html
    """
    from plaquecast.pipeline.registry import report_registry

    speak_json(json)
    found = report_registry(run, out)
    tell(f"{found.patients} patients, {found.visits} visits → {found.report}", found.as_dict())
