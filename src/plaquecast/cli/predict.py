"""`plaquecast predict`: the forecast for one new patient, from one visit."""

from pathlib import Path
from typing import Annotated

import typer

from plaquecast.cli.options import Json, Overrides, Segmenter, SettingsFile, resolve, shipped_or
from plaquecast.cli.output import speak_json, tell


def predict(
    dataset: Annotated[Path, typer.Argument(help="Folder of the BIDS dataset.")],
    patient: Annotated[str, typer.Option("--patient", help="The patient's code, with or without sub-.")],
    segmenter: Segmenter,
    predictor: Annotated[
        Path,
        typer.Option(
            "--predictor",
            parser=shipped_or("predict"),
            metavar="FOLDER",
            help="Folder of a trained predictor, or `reference`: the package's own, taught by simulated patients only.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="New folder for the forecast.")],
    visit: Annotated[str, typer.Option("--visit", help="The visit to forecast from; the first if left out.")] = "",
    horizon: Annotated[float, typer.Option("--horizon", min=0.5, max=10.0, help="Years to look ahead.")] = 2.0,
    settings: SettingsFile = None,
    overrides: Overrides = None,
    json: Json = False,
) -> None:
    """Forecast the change of every factor for one patient from one visit, with intervals, chances and reasons.

    Example: plaquecast predict cohort --patient sim0007 --segmenter segmenter --predictor predictor --out forecast
    """
    from plaquecast.pipeline.forecast import forecast_patient

    speak_json(json)
    result = forecast_patient(dataset, patient, visit, segmenter, predictor, horizon, out, resolve(settings, overrides))
    for line in result.lines:
        tell(line)
    tell(f"Done. Report: {result.report}", {"report": str(result.report), "forecast": str(result.table)})
