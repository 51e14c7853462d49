"""Every choice a user can make: one frozen value per step, read from one TOML file and `--set step.name=value`."""

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from plaquecast.domain.lesion import PRESENT_MM3
from plaquecast.errors import InputError

Number = TypeVar("Number", int, float)


def within(least: float, most: float, default: Number) -> Number:
    """A field whose value lies between `least` and `most`, both included, wherever a user sets it."""
    return field(default=default, metadata={"limits": (least, most)})


@dataclass(frozen=True, slots=True)
class SimulateSettings:
    """The simulated cohort."""

    world: str = "default"
    """Which world: default, null, healthy, strong, treatment, shifted, harsh or contrast."""
    explained_share: float = within(0, 1, 0.30)
    """Share of the variance of true change that structured data and baseline can explain."""
    vendor: str = "generic"
    """Habits of the simulated scanner."""
    field_strength_tesla: float = within(1.5, 3, 3.0)
    """Field strength: 1.5 or 3.0."""


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """The door: what is read, and what is refused."""

    max_file_bytes: int = within(1, 1e15, 2_000_000_000)
    """Largest file that is opened."""
    max_image_bytes: int = within(1, 1e15, 4_000_000_000)
    """Largest image after decompression."""
    min_signal_to_noise: float = within(0, 1e6, 4.0)
    """Images below this signal-to-noise ratio are flagged."""
    max_saturated_share: float = within(0, 1, 0.01)
    """Images with a larger share of bright voxels at the top of the range are flagged."""
    max_ghost_share: float = within(0, 1, 0.05)
    """Images whose ghosts of motion or flow hold a larger share of the signal are flagged."""
    min_coverage_mm: float = within(0, 1000, 20.0)
    """Images that cover less of the neck from chest to head are flagged."""
    min_below_bifurcation_mm: float = within(0, 1000, 6.0)
    """Arteries found over less than this below their bifurcation are flagged; three slices of 2 mm."""
    min_above_bifurcation_mm: float = within(0, 1000, 6.0)
    """Arteries found over less than this above their bifurcation are flagged."""
    min_field_of_view_mm: float = within(0, 1000, 40.0)
    """Images with narrower slices are flagged."""
    max_archive_files: int = within(1, 1e9, 50_000)
    """Most files in an archive."""
    max_archive_bytes: int = within(1, 1e15, 20_000_000_000)
    """Most bytes of an archive after unpacking."""
    min_weighting_confidence: float = within(0, 1, 0.7)
    """Below this confidence a series is not taken for a weighting; the user is asked."""
    max_reader_bytes: int = within(1, 1e15, 1_000_000_000)
    """Most memory that the process which parses DICOM files may take."""


@dataclass(frozen=True, slots=True)
class RegisterSettings:
    """Alignment of weightings and of visits."""

    min_overlap: float = within(0, 1, 0.75)
    """Least share of the reference's slices that an image must cover."""
    histogram_bins: int = within(4, 256, 32)
    """Bins of the joint histogram in mutual information."""
    max_shift_mm: float = within(0, 1000, 15.0)
    """A found shift beyond this fails the gate."""
    max_rotation_degrees: float = within(0, 180, 25.0)
    """A found rotation beyond this fails the gate."""
    seed: int = within(0, 1e9, 0)
    """Seed of the sampled voxels."""


@dataclass(frozen=True, slots=True)
class SegmentSettings:
    """The segmentation networks and their training."""

    network: str = "unet"
    """Architecture: unet or mask-rcnn."""
    pixel_mm: float = within(0.05, 2, 0.3)
    """In-plane pixel of the region given to the network, mm."""
    region_pixels: int = within(16, 512, 80)
    """Edge of that square region, pixels."""
    base_channels: int = within(8, 128, 16)
    """Channels of the first level of the U-Net."""
    max_minutes: float = within(0, 1e6, 60.0)
    """Training stops at the end of the epoch in which this time is over."""
    max_epochs: int = within(1, 1e6, 60)
    """Training stops after this many epochs."""
    seed: int = within(0, 1e9, 0)
    """Seed of weights, order and augmentation."""


@dataclass(frozen=True, slots=True)
class MeasureSettings:
    """Measurement of slices and arteries."""

    plaque_thickness_mm: float = within(0, 10, 1.5)
    """Wall thicker than this over at least two slices is plaque."""
    cap_resolution_mm: float = within(0, 10, 0.5)
    """A fibrous cap thinner than this is reported as below resolution."""
    n_angles: int = within(12, 720, 72)
    """Rays around the artery in a wall map."""
    reach_mm: float = within(2, 1000, 16.0)
    """Artery further than this from the bifurcation does not count, so that every scan is measured over one stretch."""
    nascet_reference_mm: float = within(0, 1000, 0.0)
    """Position of the internal carotid that NASCET compares with, mm above the bifurcation; 0 lets it be chosen."""


@dataclass(frozen=True, slots=True)
class ChangeSettings:
    """Change per year."""

    shortest_interval_years: float = within(0, 100, 0.5)
    """Visits closer together than this are repeat scans: they tell the error of measurement, and no change per year."""
    detection_z: float = within(0, 10, 1.96)
    """A change is detectable beyond this many SDs of its error."""
    shortest_common_mm: float = within(0, 1000, 6.0)
    """Visits that share less artery than this are not compared, mm."""
    smallest_component_mm3: float = within(0, 1e6, PRESENT_MM3)
    """A component smaller than this counts as absent: new, vanished, and never a percent of nothing."""


@dataclass(frozen=True, slots=True)
class PredictSettings:
    """Training and validation of the prediction model."""

    outer_folds: int = within(2, 1000, 5)
    """Outer folds of the nested validation, grouped by patient."""
    inner_folds: int = within(2, 1000, 3)
    """Inner folds, in which options are chosen."""
    confidence_level: float = within(0.5, 0.99, 0.9)
    """Level of the intervals of a forecast."""
    bootstrap_samples: int = within(20, 1e6, 500)
    """Patients are drawn again this often for confidence intervals of scores."""
    seed: int = within(0, 1e9, 0)
    """Seed of folds, bootstrap and models."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How the work is spread."""

    workers: int = within(1, 10000, 2)
    """Cases that are worked on at the same time, each on one thread."""
    scheduler: str = ""
    """Address of a Dask scheduler (tcp://…); empty for processes of this machine."""
    shard: str = ""
    """Which share of the patients, as i/n; empty for all."""
    worker_memory_gib: float = within(0, 1e6, 0.0)
    """Most memory that one worker may allocate, GiB; 0 for an equal share of the machine's."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, one value per step; a step is given its own value only.

    `origins` says of each setting that somebody chose where that was done, by its key `step.name`.

    >>> Settings().with_overrides(["measure.plaque_thickness_mm=2.0"]).measure.plaque_thickness_mm
    2.0
    """

    simulate: SimulateSettings = field(default_factory=SimulateSettings)
    ingest: IngestSettings = field(default_factory=IngestSettings)
    register: RegisterSettings = field(default_factory=RegisterSettings)
    segment: SegmentSettings = field(default_factory=SegmentSettings)
    measure: MeasureSettings = field(default_factory=MeasureSettings)
    change: ChangeSettings = field(default_factory=ChangeSettings)
    predict: PredictSettings = field(default_factory=PredictSettings)
    run: RunSettings = field(default_factory=RunSettings)
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def with_overrides(self, overrides: Sequence[str]) -> "Settings":
        """Settings with each `step.name=value` applied in order.

        Raises:
            InputError: if a key is unknown (a near one that is known is named), or a value is not of its type or beyond
                its limits.
        """
        settings = self
        for override in overrides:
            key, equals, text = override.partition("=")
            if not equals:
                raise InputError(
                    expected="a setting and its value", found=f"'{override}'", where="--set",
                    remedy="Write it like measure.plaque_thickness_mm=2.0.", code="setting-form",
                )  # fmt: skip
            settings = settings._with_value(key.strip(), text.strip(), f"--set {override}", "--set")
        return settings

    def _with_value(self, key: str, value: object, where: str, origin: str) -> "Settings":
        known = [f"{step}.{name}" for step, values in settings_as_dict(self).items() for name in values]
        if key not in known:
            raise _unknown(key, known, where)
        step, _, name = key.partition(".")
        group = getattr(self, step)
        entry = next(each for each in fields(group) if each.name == name)
        fitted = _fitted(value, type(getattr(group, name)), entry.metadata.get("limits"), key, where)
        return replace(self, **{step: replace(group, **{name: fitted})}, origins={**self.origins, key: origin})


def _unknown(key: str, known: Sequence[str], where: str) -> InputError:
    named_so = [each for each in known if each.partition(".")[2] == key]
    near = named_so or difflib.get_close_matches(key, known, n=1)
    question = f"Did you mean '{near[0]}'? " if near else ""
    return InputError(
        expected="the name of a setting, as step.name", found=f"'{key}'", where=where,
        remedy=f"{question}`plaquecast config show` lists them all.", code="unknown-setting",
    )  # fmt: skip


_KINDS = {int: "a whole number", float: "a number", str: "a text"}


def _fitted(value: object, kind: type, limits: tuple[float, float] | None, key: str, where: str) -> Any:
    try:
        if isinstance(value, bool) or (kind is int and isinstance(value, float)):
            raise ValueError(value)
        converted = kind(value)  # type: ignore[call-arg]
        if limits is not None and not limits[0] <= converted <= limits[1]:  # refuses what is not a number, too
            raise ValueError(value)
        return converted
    except (ValueError, TypeError) as problem:
        within_limits = f" from {limits[0]:g} to {limits[1]:g}" if limits else ""
        raise InputError(
            expected=f"{_KINDS[kind]}{within_limits} for {key}", found=repr(value), where=where,
            remedy="Mend the value; `plaquecast config show` prints the usual one.", code="setting-type",
        ) from problem  # fmt: skip


def load_settings(path: Path | None = None, overrides: Sequence[str] = ()) -> Settings:
    """Resolve settings: defaults, then the TOML file, then the overrides.

    Raises:
        InputError: if the file cannot be read, or a key or value does not fit.
    """
    chosen = Settings() if path is None else _read_settings(path)
    return chosen.with_overrides(overrides)


def _read_settings(path: Path) -> Settings:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise InputError(
            expected="a readable TOML file",
            found=problem.strerror.lower() if isinstance(problem, OSError) and problem.strerror else str(problem),
            where=path.name,
            remedy="Name or mend the file; `plaquecast config show` prints one that is valid.",
            code="settings-file",
        ) from problem
    settings = Settings()
    for step, table in tables.items():
        entries = {f"{step}.{name}": value for name, value in table.items()} if isinstance(table, dict) else {step: ""}
        for key, value in entries.items():
            settings = settings._with_value(key, value, path.name, path.name)
    return settings


def settings_as_dict(settings: Settings) -> dict[str, dict[str, object]]:
    """All settings as nested plain values, for `config show`."""
    steps = [each.name for each in fields(settings) if each.name != "origins"]
    return {step: asdict(getattr(settings, step)) for step in steps}


def deciding_settings(settings: Settings) -> dict[str, dict[str, object]]:
    """All settings that can change a number, for manifests; how the work is spread over processes cannot."""
    return {step: values for step, values in settings_as_dict(settings).items() if step != "run"}


def deciding_origins(settings: Settings) -> dict[str, str]:
    """Where each of those was chosen that somebody chose, by its key; all others are as they come."""
    return {key: origin for key, origin in sorted(settings.origins.items()) if not key.startswith("run.")}
