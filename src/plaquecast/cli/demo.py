"""`plaquecast demo`: the whole road on a simulated cohort."""

from pathlib import Path
from typing import Annotated

import typer

from plaquecast.cli.options import Json, Overrides, SettingsFile, Workers, resolve
from plaquecast.cli.output import listener, speak_json, tell


def demo(
    size: Annotated[str, typer.Option("--size", help="small (minutes) or full (an hour or more).")] = "small",
    out: Annotated[Path, typer.Option("--out", help="New folder for everything that is made.")] = Path("demo"),
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the simulated cohort.")] = 1,
    workers: Workers = None,
    settings: SettingsFile = None,
    overrides: Overrides = None,
    json: Json = False,
) -> None:
    """Simulate a cohort, train a segmenter, examine unseen patients, train the predictor, forecast a new patient.

    Prints a scoreboard against the known truth and writes it to OUT/scoreboard.json and OUT/report.html.
    Everything in it is simulated; nothing is clinical.

    Example: plaquecast demo --size small --out demo
    """
    from plaquecast.pipeline.demo import run_demo

    speak_json(json)
    with listener() as listen:
        board = run_demo(out, size, seed, resolve(settings, overrides, workers), listen)
    for line in board.lines():
        tell(line)
    tell(f"Done. Report: {board.report}", {"scoreboard": board.as_dict(), "report": str(board.report)})
