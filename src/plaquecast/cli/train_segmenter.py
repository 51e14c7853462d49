"""`plaquecast train-segmenter`: learn tissues from annotated visits."""

from pathlib import Path
from typing import Annotated

import typer

from plaquecast.cli.options import Json, Overrides, SettingsFile, resolve, shipped_or
from plaquecast.cli.output import listener, speak_json, tell


def train_segmenter(
    dataset: Annotated[Path, typer.Argument(help="Folder of the BIDS dataset.")],
    annotations: Annotated[
        str, typer.Option("--annotations", help="Name of the folder in derivatives, such as truth.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the model; run again to go on where it stopped.")],
    visits: Annotated[str, typer.Option("--visits", help="baseline, follow-up or both.")] = "both",
    network: Annotated[str, typer.Option("--network", help="unet or mask-rcnn; the settings say if not given.")] = "",
    folds: Annotated[
        int, typer.Option("--folds", help="Train so many members, and segment each patient by one that never saw him.")
    ] = 0,
    start_from: Annotated[
        Path | None,
        typer.Option(
            "--start-from",
            parser=shipped_or("segment"),
            metavar="FOLDER",
            help="Go on from this trained model; `reference` is the package's own.",
        ),
    ] = None,
    settings: SettingsFile = None,
    overrides: Overrides = None,
    json: Json = False,
) -> None:
    """Train a network on annotated visits, validate it on patients it did not see, and save it with its card.

    Example: plaquecast train-segmenter cohort --annotations truth --out segmenter
    """
    from plaquecast.pipeline.train_segmenter import train_segmenter_on

    speak_json(json)
    with listener() as listen:
        resolved = resolve(settings, [*(overrides or ()), *([f"segment.network={network}"] if network else ())])
        facts = train_segmenter_on(dataset, annotations, visits, out, resolved, listen, folds, start_from)
    tell(f"Done: segmenter in {out}", {"model": str(out), **facts})
