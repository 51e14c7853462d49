"""Is this machine fit for the work: one line and one remedy for each thing that matters."""

import importlib
import importlib.metadata
import locale
import os
import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import psutil

GIB = 2**30
NEEDED = [
    "numpy",
    "scipy",
    "scikit-image",
    "pydantic",
    "nibabel",
    "pydicom",
    "highdicom",
    "SimpleITK",
    "torch",
    "safetensors",
    "scikit-learn",
    "lightgbm",
    "skops",
    "matplotlib",
    "jinja2",
    "pandas",
    "pyarrow",
    "joblib",
]
_NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "fuse.sshfs", "9p", "lustre", "gpfs", "ceph", "glusterfs")
DECODERS = {"JPEG 2000": "openjpeg", "JPEG-LS": "jpeg_ls"}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing looked at: whether it is fit, what was found, and what to do if it is not."""

    subject: str
    fit: bool
    found: str
    remedy: str = ""

    def sentence(self) -> str:
        """The line as it is printed."""
        return f"{'ok' if self.fit else 'MEND':<5}{self.subject}: {self.found}" + (
            "" if self.fit else f". {self.remedy}"
        )

    def as_dict(self) -> dict[str, object]:
        """The line as plain values."""
        return asdict(self)


def examine_machine(folder: Path = Path()) -> tuple[Line, ...]:
    """Look at everything that decides whether a run into this folder can work; changes nothing."""
    here = (
        _python(),
        *_packages(),
        *_decoders(),
        _cores(),
        _processor(),
        _memory(),
        _disk(folder),
        _file_system(folder),
    )
    return (*here, _locale(), _cluster(), _detection(), _accelerator(), _browser())


def _python() -> Line:
    return Line("Python", sys.version_info >= (3, 11), platform.python_version(), "Install Python 3.11 or newer.")


def _packages() -> list[Line]:
    lines = []
    for name in NEEDED:
        try:
            lines.append(Line(name, True, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            lines.append(Line(name, False, "not installed", "Install plaquecast again with its constraints."))
    return lines


def _decoders() -> list[Line]:
    return [
        Line(
            f"{name} decoder", find_spec(module) is not None, module,
            f"Install the package that provides {module}; DICOM compressed so cannot be read without it.",
        )
        for name, module in DECODERS.items()
    ]  # fmt: skip


def _cores() -> Line:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Line("cores", cores >= 2, str(cores), "A cohort works on one patient per core; more cores are faster.")


def _memory() -> Line:
    free = psutil.virtual_memory().available / GIB
    return Line("free memory", free >= 3, f"{free:.1f} GiB", "Close programs, or run with --workers 1.")


def _disk(folder: Path) -> Line:
    free = shutil.disk_usage(folder).free / GIB
    return Line("free disk here", free >= 2, f"{free:.1f} GiB", "Make room, or write to another disk.")


def _processor() -> Line:
    """Half precision and wide vectors make training and inference two to three times as fast; nothing needs them."""
    wanted = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split())
    except OSError:
        return Line("processor", True, f"{platform.machine()}; its features cannot be told here")
    return Line("processor", True, ", ".join(name for name in wanted if name in flags) or platform.machine())


def _file_system(folder: Path) -> Line:
    """SQLite's locks, and with them the journal, do not hold on a network file system."""
    here = folder.resolve()
    mounts = [each for each in psutil.disk_partitions(all=True) if here.is_relative_to(each.mountpoint)]
    kind = max(mounts, key=lambda each: len(each.mountpoint)).fstype if mounts else "unknown"
    is_local = not kind.startswith(_NETWORK_FILE_SYSTEMS)
    return Line(
        "file system here",
        is_local,
        kind,
        "Write to a local disk, or let each machine do one --shard.",
    )


def _locale() -> Line:
    encoding = locale.getpreferredencoding(False)
    is_utf8 = encoding.lower().replace("-", "") == "utf8"
    return Line(
        "locale", True, encoding if is_utf8 else f"{encoding}; files are read and written as UTF-8 all the same"
    )


def _detection() -> Line:
    """Mask R-CNN needs torchvision; the U-Net does not."""
    if find_spec("torchvision") is None or find_spec("torch") is None:
        return Line("torchvision", True, "not installed; --network mask-rcnn is not available")
    from plaquecast.segment.mask_rcnn_shim import own_operators_load  # imports torch

    load = own_operators_load()
    found = "its operators run" if load else "its operators do not load beside this torch; ours stand in, slower"
    return Line("torchvision", True, found)


def _cluster() -> Line:
    found = find_spec("distributed") is not None
    return Line("Dask", True, "installed" if found else "not installed; --scheduler is not available")


def _browser() -> Line:
    return Line("reports", True, "plain HTML without script; no WebGL is needed to read them")


def _accelerator() -> Line:
    if find_spec("torch") is None:
        return Line("accelerator", True, "cannot be told without torch")
    torch = importlib.import_module("torch")
    found = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none; training and inference use the CPU"
    return Line("accelerator", True, found)
