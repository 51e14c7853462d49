"""`plaquecast run`: a whole cohort, both visits of everybody."""

from pathlib import Path
from typing import Annotated

import typer

from plaquecast.cli.options import Json, Overrides, Scheduler, Segmenter, SettingsFile, Shard, Workers, resolve
from plaquecast.cli.output import listener, speak_json, tell


def run(
    dataset: Annotated[Path, typer.Argument(help="Folder of the BIDS dataset.")],
    segmenter: Segmenter,
    out: Annotated[Path, typer.Option("--out", help="Folder of the run; run again to go on where it stopped.")],
    workers: Workers = None,
    scheduler: Scheduler = "",
    shard: Shard = "",
    settings: SettingsFile = None,
    overrides: Overrides = None,
    json: Json = False,
) -> None:
    """Examine every visit of every patient, compute change per year, write tables and reports.

    A patient who is refused never stops the others. Ends with exit code 3 if anybody was refused. Another terminal can
    `plaquecast watch` it. The jobs of an array work on one share each (`--shard 1/8`, `2/8`, …) in the same folder;
    the same command without `--shard` then makes tables and reports, and does nothing anew.

    Example: plaquecast run cohort --segmenter segmenter --out run --workers 2
    """
    from plaquecast.pipeline.cohort import run_cohort

    speak_json(json)
    chosen = resolve(settings, overrides, workers, scheduler, shard)
    with listener() as listen:
        summary = run_cohort(dataset, segmenter, out, chosen, listen)
    for sentence in summary.refusals:
        tell(f"refused: {sentence}", {"refused": sentence})
    tell(summary.last_line(), summary.as_dict())
    if summary.refused:
        raise typer.Exit(3)
