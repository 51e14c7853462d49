"""The command line: one app, its commands, and what becomes of errors."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import typer

from plaquecast.errors import PlaquecastError

app = typer.Typer(
    name="plaquecast",
    help="Forecast of carotid plaque from multi-contrast MRI and structured data. Research use only.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line; a refused input ends with its sentence and its exit code, never with a traceback."""
    from plaquecast.cli import commands
    from plaquecast.cli.output import tell_error, tell_stop

    commands.register(app)
    try:
        with _stopped_in_words():
            app()
    except PlaquecastError as error:
        tell_error(error)
        sys.exit(error.exit_code)
    except Stopped as stop:
        tell_stop()
        sys.exit(128 + stop.number)


class Stopped(BaseException):
    """The user or the system asked the program to end; no part of it may take this for an error of its own."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)


@contextmanager
def _stopped_in_words() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the work as an error would: files closed, workers ended, a last sentence."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
