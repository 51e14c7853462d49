"""What the door costs, what it makes of the public data, and what other readers make of the same defects: as tables."""

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import SimpleITK
from tests.bombs import BOMBS
from tests.dicom_files import picture
from tests.malformed import Malformed
from tests.malformed_dicom import MALFORMED_DICOM
from tests.malformed_nifti import MALFORMED_NIFTI
from tests.small_dataset import DAYS

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.clinical import CLINICAL_COLUMNS, ClinicalRecord, Sex
from plaquecast.domain.missing import Missing
from plaquecast.domain.visit import Visit
from plaquecast.domain.volume import Volume
from plaquecast.errors import PlaquecastError
from plaquecast.ingest.clinical_table import read_clinical_table
from plaquecast.ingest.dataset import check_dataset
from plaquecast.ingest.dicom import read_folder
from plaquecast.ingest.dicom_tags import shown
from plaquecast.ingest.dicom_volumes import read_files_here
from plaquecast.ingest.door import files_below
from plaquecast.ingest.nifti import read_nifti
from plaquecast.ingest.table_mapping import load_mapping
from plaquecast.ingest.weighting import identify
from plaquecast.settings import IngestSettings, SimulateSettings
from plaquecast.simulate.cohort import FIVE_WEIGHTINGS
from plaquecast.simulate.scanner import draw_scanner
from plaquecast.store.bids import write_dataset_description, write_image, write_participants, write_sessions

SETTINGS = IngestSettings()
DATA = Path(os.environ.get("PLAQUECAST_SHARED_DATA", Path(__file__).parents[2] / "shared/data"))


def main() -> None:
    """Print every table."""
    if DATA.is_dir():
        public_data()
        public_tables()
    other_readers()
    bombs()
    speed()


def public_data() -> None:
    """Each public DICOM folder: what is read, how far from its reference, or the named reason."""
    print("\n| folder | read as | difference from reference | weighting, confidence | refused |\n|---|---|---|---|---|")
    roots = ("dicom-vendors", "dicom-pd-t2-dual-echo", "dicom-enhanced-multiframe", "neck-uih/dicom_slab_A")
    for folder in sorted({Path(at) for root in roots for at, _, files in os.walk(DATA / root) if _has_dicom(files)}):
        content = read_folder(folder, SETTINGS)
        series = [f"{shown(each.tags)}, {'x'.join(map(str, each.grid.shape))}" for each in content.series]
        weightings = [identify(each.tags) for each in content.series]
        named = [f"{found.weighting or 'none'} {found.confidence:.2f}" for found in weightings]
        reasons = sorted({finding.code for finding in content.findings})
        undated = sorted(
            {str(each.tags.acquired) for each in content.series if not hasattr(each.tags.acquired, "year")}
        )
        cells = ("; ".join(series), _difference(folder), "; ".join(named), "; ".join((*reasons, *undated)))
        name = folder.relative_to(DATA).as_posix().replace("tests/data/", "")
        print(f"| {name} | " + " | ".join(cells) + " |")


def public_tables() -> None:
    """Each public table as its mapping file says: every flag with its rule, and how many values are missing."""
    for name in ("smart_arterial_patients", "carotid_plaque_cta"):
        mapping = Path(__file__).parents[1] / f"docs/how-to/mappings/{name}.toml"
        table = read_clinical_table(DATA / f"tables/{name}.csv", load_mapping(mapping))
        print(f"\n{name}: {len(table.rows)} rows, {len(table.findings)} flags")
        print("\n| where | found | expected |\n|---|---|---|")
        for finding in table.findings:
            print(f"| {finding.where.partition(' of ')[0]} | {finding.found.strip(chr(39))} | {finding.expected} |")
        counts = {
            column: sum(isinstance(getattr(row.clinical, column), Missing) for row in table.rows)
            for column in CLINICAL_COLUMNS
        }
        told = [f"{column} {count}" for column, count in counts.items() if 0 < count < len(table.rows)]
        print(f"\nmissing values kept as missing, of mapped columns: {', '.join(told)}")


def _has_dicom(files: list[str]) -> bool:
    return any(
        name.endswith((".dcm", ".IMA")) or "." not in name[-5:] for name in files if not name.startswith("LICEN")
    )


def _difference(folder: Path) -> str:
    truth = folder.with_name(f"{folder.name}_ground_truth.nii.gz")
    content = read_folder(folder, SETTINGS)
    if not truth.is_file() or len(content.series) != 1:
        return "no reference" if not truth.is_file() else ""
    volume, series = read_nifti(truth, Weighting.T1W, SETTINGS), content.series[0]
    voxels = np.abs(volume.array - series.array).max() / np.abs(volume.array).max()
    return f"voxels {voxels:.0e}, affine {np.abs(volume.grid.affine - series.grid.affine).max():.0e}"


def other_readers() -> None:
    """The classes of wrong geometry, and damaged NIfTI files, in this door and in the readers that others use."""
    print("\n| defect | this door | other reader |\n|---|---|---|")
    counts = {"refused": 0, "read without a word": 0}
    for malformed in (*MALFORMED_NIFTI, *(each for each in MALFORMED_DICOM if each.is_geometry)):
        if any(word in malformed.name for word in ("pipe", "sparse", "huge")):
            continue  # these would wait for ever, or fill the memory
        with _made(malformed) as path:
            ours = _ours(malformed, path)
            reader = "nibabel" if malformed.name.startswith("NIfTI") else "SimpleITK"
            theirs = _theirs(_nibabel if reader == "nibabel" else _simpleitk, path)
        counts[theirs] += 1
        print(f"| {malformed.name} | {ours} | {reader}: {theirs} |")
    print(f"\nother readers: {counts}")


@contextlib.contextmanager
def _made(malformed: Malformed) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield malformed.make(Path(folder), np.random.default_rng(1))


def _ours(malformed: Malformed, path: Path) -> str:
    try:
        malformed.read(path)
    except PlaquecastError as error:
        return error.code
    return "read without a word"


def _theirs(read: Callable[[Path], object], path: Path) -> str:
    try:
        read(path)
    except Exception:
        return "refused"
    return "read without a word"


def _nibabel(path: Path) -> object:
    return np.asarray(nib.load(path).dataobj)  # type: ignore[attr-defined]


def _simpleitk(folder: Path) -> object:
    SimpleITK.ProcessObject_SetGlobalWarningDisplay(False)
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return SimpleITK.GetArrayFromImage(reader.Execute())


def bombs() -> None:
    """How long each bomb takes to be refused."""
    print("\n| bomb | refused as | seconds |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for bomb in BOMBS:
            path = bomb.make(Path(folder))
            start = time.perf_counter()
            try:
                bomb.read(path)
                code = "ACCEPTED"
            except PlaquecastError as error:
                code = error.code
            print(f"| {bomb.name} | {code} | {time.perf_counter() - start:.2f} |")


def speed() -> None:
    """Seconds of work (CPU) of `check` on a case of full size, and of reading a series and an image."""
    print("\n| what | CPU seconds |\n|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        root = _full_size_case(Path(folder) / "dataset")
        for read_images in (False, True):
            seconds = _seconds(lambda read_images=read_images: check_dataset(root, SETTINGS, read_images))
            print(f"| `check` of a case, {'with' if read_images else 'without'} pixels | {seconds:.3f} |")
    if DATA.is_dir():
        series = [(path, path.name) for path in files_below(DATA / "neck-uih/dicom_slab_A")]
        brain = DATA / "two-visit-brain/raw/study1_T1W.nii.gz"
        print(f"| 25 DICOM slices of 512 x 460 | {_seconds(lambda: read_files_here(series, SETTINGS)):.2f} |")
        print(f"| NIfTI of 48 x 256 x 256, gzip | {_seconds(lambda: read_nifti(brain, Weighting.T1W, SETTINGS)):.2f} |")


def _full_size_case(root: Path) -> Path:
    """A patient with two visits of five weightings, of the sizes that the simulated scanner shows, noise and all."""
    write_dataset_description(root, "a case of full size", simulated=True)
    write_participants(root, {"01": Sex.FEMALE})
    visits = []
    for number, (name, day) in enumerate(DAYS.items()):
        volumes = {}
        for seed, weighting in enumerate(FIVE_WEIGHTINGS):
            grid = draw_scanner(SimulateSettings()).grid(weighting, (0.0, 0.0, 0.0))
            image = picture(grid.shape, 10 * number + seed).astype(np.float32)
            volumes[weighting] = Volume(grid, image, weighting)
            write_image(root, "01", name, volumes[weighting])
        visits.append(Visit("01", name, day, volumes, ClinicalRecord(sex=Sex.FEMALE)))
    write_sessions(root, "01", visits)
    return root


def _seconds(function: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


if __name__ == "__main__":
    main()
