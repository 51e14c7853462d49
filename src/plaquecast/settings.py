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

    def with_overrides(self, overrides: Sequence[str]) -> "Settings":
        """Settings with each `step.name=value` applied in order.

        Raises:
            InputError: if a key is unknown (the nearest known key is named), or a value is not of its type or beyond
                its limits.
        """
        settings = self
        for override in overrides:
            key, _, text = override.partition("=")
            step, _, name = key.strip().partition(".")
            settings = settings._with_value(step, name, text.strip(), where=f"--set {override}")
        return settings

    def _with_value(self, step: str, name: str, value: object, where: str) -> "Settings":
        known = [f"{group.name}.{entry.name}" for group in fields(self) for entry in fields(getattr(self, group.name))]
        key = f"{step}.{name}"
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
            raise InputError(
                expected="the name of a setting",
                found=f"'{key}'",
                where=where,
                remedy=f"Did you mean '{near}'? `plaquecast config show` lists them all.",
                code="unknown-setting",
            )
        group = getattr(self, step)
        converted = _convert(value, type(getattr(group, name)), key, where)
        _check_limits(group, name, converted, where)
        return replace(self, **{step: replace(group, **{name: converted})})


def _check_limits(group: Any, name: str, value: Any, where: str) -> None:
    limits = next(entry.metadata.get("limits") for entry in fields(group) if entry.name == name)
    if limits is not None and not limits[0] <= value <= limits[1]:  # NaN is refused too
        raise InputError(
            expected=f"{name} between {limits[0]:g} and {limits[1]:g}",
            found=str(value),
            where=where,
            remedy="Mend the value; `plaquecast config show` prints the usual one.",
            code="setting-range",
        )


def _convert(value: object, kind: type, key: str, where: str) -> Any:
    try:
        if kind is bool:
            return {"true": True, "false": False}[str(value).lower()]
        if kind is int and isinstance(value, float):
            raise ValueError(value)
        return kind(value)  # type: ignore[call-arg]
    except (ValueError, TypeError, KeyError) as problem:
        raise InputError(
            expected=f"a value of type {kind.__name__} for {key}",
            found=repr(value),
            where=where,
            remedy="Mend the value.",
            code="setting-type",
        ) from problem


def load_settings(path: Path | None = None, overrides: Sequence[str] = ()) -> Settings:
    """Resolve settings: defaults, then the TOML file, then the overrides.

    Raises:
        InputError: if the file cannot be read, or a key or value does not fit.
    """
    settings = Settings()
    if path is not None:
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
            raise InputError(
                expected="a readable TOML file",
                found=str(problem),
                where=path.name,
                remedy="Mend the file; `plaquecast config show` prints one that is valid.",
                code="settings-file",
            ) from problem
        for step, table in tables.items():
            entries = table.items() if isinstance(table, Mapping) else [("", table)]
            for name, value in entries:
                settings = settings._with_value(step, name, value, where=path.name)
    return settings.with_overrides(overrides)


def settings_as_dict(settings: Settings) -> dict[str, dict[str, object]]:
    """All settings as nested plain values, for `config show`."""
    return asdict(settings)


def deciding_settings(settings: Settings) -> dict[str, dict[str, object]]:
    """All settings that can change a number, for manifests; how the work is spread over processes cannot."""
    return {step: values for step, values in settings_as_dict(settings).items() if step != "run"}
