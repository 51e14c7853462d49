"""`plaquecast export-nnunet`: annotated visits for the strongest outsider, on the same split."""

from pathlib import Path
from typing import Annotated

import typer

from plaquecast.cli.options import Json, Overrides, SettingsFile, resolve
from plaquecast.cli.output import listener, speak_json, tell


def export_nnunet(
    dataset: Annotated[Path, typer.Argument(help="Folder of the BIDS dataset.")],
    annotations: Annotated[
        str, typer.Option("--annotations", help="Name of the folder in derivatives, such as truth.")
    ],
    out: Annotated[Path, typer.Option("--out", help="New folder, such as nnUNet_raw/Dataset501_Carotid.")],
    settings: SettingsFile = None,
    overrides: Overrides = None,
    json: Json = False,
) -> None:
    """Write annotated visits as a raw nnU-Net dataset (version 2), aligned, with train-segmenter's split as fold 0.

    Example: plaquecast export-nnunet cohort --annotations truth --out nnUNet_raw/Dataset501_Carotid
    """
    from plaquecast.pipeline.export_nnunet import export_nnunet as run

    speak_json(json)
    with listener() as listen:
        made = run(dataset, annotations, out, resolve(settings, overrides), listen)
    left_out = f"; not in every visit, so left out: {', '.join(each.value for each in made.left_out)}"
    tell(
        f"Done: {len(made.train)} visits to learn from, {len(made.validation)} to validate on, in {out}"
        + (left_out if made.left_out else ""),
        {
            "dataset": str(out), "train": len(made.train), "validation": len(made.validation),
            "channels": [each.value for each in made.channels], "left_out": [each.value for each in made.left_out],
        },
    )  # fmt: skip
