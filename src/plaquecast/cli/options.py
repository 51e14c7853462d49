"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

import plaquecast
from plaquecast.settings import Settings, load_settings

Json = Annotated[bool, typer.Option("--json", help="Speak in lines of JSON, for machines.")]
SettingsFile = Annotated[Path | None, typer.Option("--settings", help="TOML file of settings.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", help="One setting, as step.name=value; may be repeated.", metavar="KEY=VALUE"),
]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="Cases worked on at the same time.")]
Scheduler = Annotated[str, typer.Option("--scheduler", help="Address of a Dask scheduler, tcp://host:port.")]
Shard = Annotated[str, typer.Option("--shard", help="Work on this share of the patients, i/n, beside other shares.")]
PACKAGE = Path(plaquecast.__file__).parent


def shipped_or(step: str) -> Callable[[str], Path]:
    """What reads the folder of a model: the word `reference` is the one that comes with the package.

    >>> shipped_or("segment")("reference").is_dir(), shipped_or("segment")("./reference")
    (True, PosixPath('reference'))
    """
    return lambda text: PACKAGE / step / "reference" if str(text) == "reference" else Path(text)


Segmenter = Annotated[
    Path,
    typer.Option(
        "--segmenter",
        parser=shipped_or("segment"),
        metavar="FOLDER",
        help="Folder of a trained segmenter, or `reference`: the package's own, taught by simulated patients only.",
    ),
]


def resolve(
    file: Path | None, overrides: list[str] | None, workers: int | None = None, scheduler: str = "", shard: str = ""
) -> Settings:
    """Settings from defaults, then the file, then `--set`, then the options of their own."""
    extra = list(overrides or [])
    if workers is not None:
        extra.append(f"run.workers={workers}")
    if scheduler:
        extra.append(f"run.scheduler={scheduler}")
    if shard:
        extra.append(f"run.shard={shard}")
    return load_settings(file, extra)
