"""`plaquecast train-predictor`: learn change from a run."""

from pathlib import Path
from typing import Annotated

import typer

from plaquecast.cli.options import Json, Overrides, SettingsFile, resolve
from plaquecast.cli.output import speak_json, tell


def train_predictor(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    out: Annotated[Path, typer.Option("--out", help="New folder of the model.")],
    settings: SettingsFile = None,
    overrides: Overrides = None,
    json: Json = False,
) -> None:
    """Learn change per year from structured data and baseline measurements, and say honestly how well that works.

    Every model stands beside no change, the mean change and the baseline value alone, in a nested validation that
    never splits a patient.

    Example: plaquecast train-predictor run --out predictor
    """
    from plaquecast.pipeline.train_predictor import train_predictor_on

    speak_json(json)
    lines, facts = train_predictor_on(run, out, resolve(settings, overrides))
    for line in lines:
        tell(line)
    tell(f"Done: predictor in {out}", {"model": str(out), **facts})
