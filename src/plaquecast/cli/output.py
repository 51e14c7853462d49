"""How the command line speaks: a progress bar for people, lines of JSON for machines, one last line for both."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from plaquecast.errors import PlaquecastError

if TYPE_CHECKING:
    from plaquecast.pipeline.progress import Listener, Progress

_state = {"json": False}


def speak_json(wanted: bool) -> None:
    """Say everything as lines of JSON from now on."""
    _state["json"] = wanted


def tell(sentence: str, facts: Mapping[str, object] | None = None) -> None:
    """Print the sentence, or the facts as one line of JSON."""
    if _state["json"]:
        typer.echo(json.dumps({"message": sentence, **(facts or {})}, default=str))
    else:
        typer.echo(sentence)


def tell_error(error: PlaquecastError) -> None:
    """Print an error on the error stream, with its code for machines."""
    if _state["json"]:
        parts = ("code", "expected", "found", "where", "remedy", "exit_code")
        typer.echo(json.dumps({"error": {name: getattr(error, name) for name in parts}}), err=True)
    else:
        typer.secho(str(error), err=True, fg="red" if sys.stderr.isatty() else None)


def tell_stop() -> None:
    """Say that the work was stopped from outside, and what to do about it."""
    sentence = "Stopped. What is finished is kept; the same command goes on where it stopped."
    typer.echo(json.dumps({"stopped": sentence}) if _state["json"] else sentence, err=True)


@contextmanager
def listener() -> "Iterator[Listener]":
    """Give a listener that shows progress in the way that fits: bars, JSON lines, or nothing when piped."""
    if _state["json"]:
        yield _as_json
    elif sys.stderr.isatty():
        with _bars() as listen:
            yield listen
    else:
        yield _as_lines


def _as_json(progress: "Progress") -> None:
    facts = {"stage": progress.stage, "done": progress.done, "total": progress.total, "note": progress.note,
             "seconds_left": progress.seconds_left}  # fmt: skip
    typer.echo(json.dumps(facts))


def _as_lines(progress: "Progress") -> None:
    """One line per stage when it is complete, so that a log stays readable."""
    if progress.done >= progress.total:
        typer.echo(f"{progress.stage}: {progress.done}/{progress.total} {progress.note}".rstrip(), err=True)


@contextmanager
def _bars() -> "Iterator[Listener]":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:<22}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )  # fmt: skip
    with Bars(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, object] = {}

        def listen(progress: "Progress") -> None:
            if progress.stage not in tasks:
                tasks[progress.stage] = bars.add_task(progress.stage, total=progress.total, note="")
            task = tasks[progress.stage]
            bars.update(task, completed=progress.done, total=progress.total, note=progress.note)  # type: ignore[arg-type]

        yield listen
