"""`plaquecast evaluate`: how good a run is."""

from pathlib import Path
from typing import Annotated

import typer

from plaquecast.cli.options import Json, Overrides, SettingsFile, resolve
from plaquecast.cli.output import speak_json, tell


def evaluate(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    truth: Annotated[
        Path | None, typer.Option("--truth", help="The simulated dataset that the run was made of.")
    ] = None,
    segmenter: Annotated[
        Path | None, typer.Option("--segmenter", help="Keep the error seen in repeat scans in this segmenter's card.")
    ] = None,
    settings: SettingsFile = None,
    overrides: Overrides = None,
    json: Json = False,
) -> None:
    """Compare repeat scans with each other and, with --truth, masks, measurements and change with the truth.

    Two visits of one patient within half a year are repeat scans. Scores are also written to RUN/evaluation.

    Example: plaquecast evaluate run --truth cohort
    """
    from dataclasses import asdict

    from plaquecast.pipeline.evaluate import evaluate_run
    from plaquecast.pipeline.score_tables import as_text

    speak_json(json)
    tables, page = evaluate_run(run, truth, segmenter, resolve(settings, overrides))
    for table in tables:
        tell("\n".join(as_text(table)), asdict(table))
    tell(f"Done. Report: {page}", {"report": str(page)})
