"""`plaquecast examine`: one visit, from a dataset or from loose files."""

from pathlib import Path
from typing import Annotated

import typer

from plaquecast.cli.options import Json, Overrides, Segmenter, SettingsFile, resolve
from plaquecast.cli.output import speak_json, tell


def examine(
    source: Annotated[Path, typer.Argument(help="A BIDS dataset, or with --weighting a folder of loose images.")],
    out: Annotated[Path, typer.Option("--out", help="New folder for the results.")],
    patient: Annotated[str, typer.Option("--patient", help="The patient's code; for loose images, the code to use.")],
    visit: Annotated[str, typer.Option("--visit", help="The visit; the first if left out.")] = "",
    segmenter: Segmenter = Path("reference"),
    weighting: Annotated[
        list[str] | None,
        typer.Option("--weighting", help="A loose NIfTI file or DICOM folder and its weighting.", metavar="FILE=NAME"),
    ] = None,
    settings: SettingsFile = None,
    overrides: Overrides = None,
    json: Json = False,
) -> None:
    """Read, align, segment and measure one visit, and write its tables, masks and report.

    Bright-blood images alone (TOF) need no segmenter: they show lumen and centerline, and the wall is reported as
    not shown.

    Example: plaquecast examine cohort --patient sim0001 --visit baseline --segmenter segmenter --out visit
    Example: plaquecast examine scans --patient neck1 --weighting t2star.nii.gz=TOF --out visit
    """
    from plaquecast.pipeline.visit import examine_one

    speak_json(json)
    resolved = resolve(settings, overrides)
    result = examine_one(source, patient, visit, weighting or [], segmenter, out, resolved)
    for line in result.lines:
        tell(line)
    tell(f"Done. Report: {result.report}", {"report": str(result.report), "flags": result.flags})
