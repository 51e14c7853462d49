"""`plaquecast import-annotation`: what a reader drew in another tool becomes a label map of the dataset."""

from pathlib import Path
from typing import Annotated

import typer

from plaquecast.cli.options import Json, Overrides, SettingsFile, resolve
from plaquecast.cli.output import speak_json, tell
from plaquecast.domain.anatomy import Side


def import_annotation(
    dataset: Annotated[Path, typer.Argument(help="Folder of the BIDS dataset.")],
    file: Annotated[Path, typer.Argument(help="NIfTI labels, .seg.nrrd, .QVS, DICOM SEG or RTSTRUCT.")],
    patient: Annotated[str, typer.Option("--patient", help="The patient's code.")],
    visit: Annotated[str, typer.Option("--visit", help="The visit.")],
    side: Annotated[Side, typer.Option("--side", help="The patient's own side.")],
    reader: Annotated[str, typer.Option("--reader", help="Who annotated; names the folder in derivatives.")],
    name: Annotated[
        list[str] | None, typer.Option("--name", help="What a region's name means.", metavar="NAME=TISSUE")
    ] = None,
    bifurcation: Annotated[
        tuple[float, float, float] | None,
        typer.Option("--bifurcation", help="Tip of the flow divider: x y z in LPS mm."),
    ] = None,
    padded: Annotated[
        bool | None, typer.Option("--padded/--own-edges", help="A .QVS scaled by the longer edge, or by each edge.")
    ] = None,
    from_chest: Annotated[
        bool | None, typer.Option("--from-chest/--from-head", help="Where slice 1 of a .QVS lies.")
    ] = None,
    settings: SettingsFile = None,
    overrides: Overrides = None,
    json: Json = False,
) -> None:
    """Read one annotated artery, check that it fits the visit's image, and write it below derivatives.

    Example: plaquecast import-annotation cohort left.seg.nrrd --patient 001 --visit baseline --side left --reader r1
    """
    from plaquecast.ingest.annotation_files import CascadeHabits
    from plaquecast.pipeline.import_annotations import import_annotation as run

    speak_json(json)
    cascade = None if padded is None or from_chest is None else CascadeHabits(padded, from_chest)
    resolved = resolve(settings, overrides)
    path = run(dataset, file, patient, visit, side, reader, name or [], bifurcation, cascade, resolved)
    tell(f"Done: {path}", {"label_map": str(path)})
