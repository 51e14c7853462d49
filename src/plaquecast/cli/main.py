"""The command line: one app, its commands, and what becomes of errors."""

import sys

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
    from plaquecast.cli.output import tell_error

    commands.register(app)
    try:
        app()
    except PlaquecastError as error:
        tell_error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
