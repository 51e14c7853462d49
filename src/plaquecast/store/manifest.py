"""`run.json`: what a run was — versions, settings, seeds, inputs, outcomes — and, apart from that, how long it took."""

import gc
import platform
import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from plaquecast import __version__
from plaquecast.domain.dataset import Finding
from plaquecast.store.atomic import write_json

_PACKAGES = (
    "numpy", "scipy", "scikit-image", "nibabel", "pydicom", "highdicom", "SimpleITK", "torch", "scikit-learn",
    "lightgbm", "pandas", "pyarrow", "pydantic", "joblib",
)  # fmt: skip
_KIB_PER_MIB = 1024.0


@dataclass(slots=True)
class StageCost:
    """What one stage of one case cost; filled in when the stage ends."""

    stage: str
    case: str
    seconds: float = 0.0
    peak_memory_mib: float = 0.0


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """What became of one case: `done`, `flagged` or `refused`, and why."""

    case: str
    status: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class RunManifest:
    """Everything that tells what a run was. Equal inputs, settings and versions give equal content but `timing`.

    `settings_from` maps a setting that somebody chose to where; all others are as they come. `input_sha256` maps a file
    (relative to its dataset) to its hash; `models` a model's name to the hash of its manifest; `seeds` what was random
    to its seed. `notes` holds further plain values.
    """

    command: str
    simulated: bool
    settings: Mapping[str, Any]
    seeds: Mapping[str, int]
    input_sha256: Mapping[str, str]
    outcomes: Sequence[CaseOutcome]
    findings: Sequence[Finding] = ()
    settings_from: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    costs: Sequence[StageCost] = ()
    device: str = "cpu"
    workers: int = 1


def write_run_manifest(folder: Path, manifest: RunManifest) -> Path:
    """Write `run.json` and give its path; everything that differs between equal runs stands under `timing`."""
    path = folder / "run.json"
    write_json(path, run_manifest_as_dict(manifest))
    return path


def run_manifest_as_dict(manifest: RunManifest) -> dict[str, Any]:
    """The content of `run.json` as plain values."""
    statuses = [outcome.status for outcome in manifest.outcomes]
    return {
        "program": "plaquecast",
        "purpose": "research use only",
        "command": manifest.command,
        "simulated": manifest.simulated,
        "versions": versions(),
        "settings": dict(manifest.settings),
        "settings_from": dict(manifest.settings_from),
        "seeds": dict(sorted(manifest.seeds.items())),
        "device": manifest.device,
        "models": dict(sorted(manifest.models.items())),
        "input_sha256": dict(sorted(manifest.input_sha256.items())),
        "counts": {status: statuses.count(status) for status in ("done", "flagged", "refused")},
        "outcomes": [asdict(outcome) for outcome in sorted(manifest.outcomes, key=lambda each: each.case)],
        "findings": [asdict(finding) for finding in manifest.findings],
        "notes": dict(manifest.notes),
        "timing": {
            "workers": manifest.workers,
            "machine": platform.machine(),
            "stages": [asdict(cost) for cost in sorted(manifest.costs, key=lambda each: (each.case, each.stage))],
        },
    }


def versions() -> dict[str, str]:
    """Versions of the program, of Python and of the packages its numbers depend on."""
    found = {"plaquecast": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


@contextmanager
def measured_stage(stage: str, case: str) -> Iterator[StageCost]:
    """Measure wall time and peak resident memory of a stage of a case in this process.

    >>> with measured_stage("align", "017") as cost:
    ...     _ = sum(range(10))
    >>> cost.seconds >= 0.0 and cost.peak_memory_mib > 1.0
    True
    """
    cost = StageCost(stage, case)
    gc.collect()
    if not gc.get_freeze_count():
        gc.freeze()  # packages stay; to look through their objects before each stage costs more than it finds
    _reset_peak_memory()
    start = time.perf_counter()
    try:
        yield cost
    finally:
        cost.seconds = time.perf_counter() - start
        cost.peak_memory_mib = _peak_memory_mib()


def _reset_peak_memory() -> None:
    """Start a new peak where the system allows it (Linux); elsewhere the peak is that of the process so far."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def _peak_memory_mib() -> float:
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / _KIB_PER_MIB
    except (OSError, StopIteration):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / _KIB_PER_MIB if sys.platform != "darwin" else peak / _KIB_PER_MIB**2
