"""`plaquecast config`: the settings that are in force."""

import typer

from plaquecast.cli.options import Json, Overrides, SettingsFile, resolve

app = typer.Typer(help="Settings: show what is in force.", no_args_is_help=True)


@app.command("show")
def show(json: Json = False, settings: SettingsFile = None, overrides: Overrides = None) -> None:
    """Print every setting as TOML that `--settings` reads back, with where it was chosen if it is not as it comes.

    Example: plaquecast config show --set measure.plaque_thickness_mm=2.0 > settings.toml
    """
    from json import dumps

    from plaquecast.settings import settings_as_dict

    resolved = resolve(settings, overrides)
    values = settings_as_dict(resolved)
    if json:
        typer.echo(dumps(values))
        return
    for step, entries in values.items():
        typer.echo(f"[{step}]")
        for name, value in entries.items():
            origin = resolved.origins.get(f"{step}.{name}")
            typer.echo(f"{name} = {dumps(value)}" + (f"  # {origin}" if origin else ""))
        typer.echo("")
