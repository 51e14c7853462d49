"""`plaquecast watch`: look at a run from another terminal."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plaquecast.cli.options import Json
from plaquecast.cli.output import speak_json, tell

if TYPE_CHECKING:
    from plaquecast.pipeline.progress import Progress


def watch(
    run: Annotated[Path, typer.Argument(help="Folder of the run.")],
    every: Annotated[float, typer.Option("--every", min=0.1, help="Seconds between two looks.")] = 2.0,
    json: Json = False,
) -> None:
    """Tell how far a run is, until it has ended: patients and visits with time left, and how many stages are done.

    It only reads; the run need not know. Works on the shards of a job array too.

    Example: plaquecast watch run
    """
    from plaquecast.pipeline.watch import watch_run

    speak_json(json)
    for sight in watch_run(run, every):
        for progress in sight.progress:
            tell(_sentence(progress), {"stages": sight.stages} | _facts(progress))
        if sight.last_line is not None:
            tell(sight.last_line, {"stages": sight.stages, "ended": True})


def _facts(progress: "Progress") -> dict[str, object]:
    from dataclasses import asdict

    return asdict(progress)


def _sentence(progress: "Progress") -> str:
    from plaquecast.pipeline.progress import in_words

    left = "" if progress.seconds_left is None else f", {in_words(progress.seconds_left)} left"
    return f"{progress.stage}: {progress.done}/{progress.total}{left} {progress.note}".rstrip()
