"""How the weightings of a visit, and two visits, lie on each other: our JSON, and ITK text for other tools."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from plaquecast.domain.anatomy import Side, Weighting
from plaquecast.domain.missing import Missing
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.visit import RegistrationQuality, VisitAlignment
from plaquecast.store.bids import visit_folder, visit_stem
from plaquecast.store.morphology_files import read_thing, write_thing
from plaquecast.store.transforms import write_transform


@dataclass(frozen=True, slots=True, eq=False)
class VisitTransforms:
    """All of an aligned visit but its images, as `AlignedVisit` describes it."""

    reference: Weighting
    transforms: Mapping[Weighting, RigidTransform]
    quality: Mapping[Weighting, RegistrationQuality]
    arteries: Mapping[Weighting, Mapping[Side, RigidTransform]]


def write_visit_transforms(root: Path, patient_id: str, session_id: str, found: VisitTransforms) -> tuple[Path, ...]:
    """Write the transforms of one visit below a derivatives folder, and give the paths of all files."""
    folder, stem = visit_folder(root, patient_id, session_id), visit_stem(patient_id, session_id)
    paths = []
    for weighting, transform in found.transforms.items():
        if weighting is not found.reference:
            path = folder / f"{stem}_from-{found.reference.value}_to-{weighting.value.replace('_', '')}_xfm.txt"
            write_transform(path, transform)
            paths.append(path)
    whole = folder / f"{stem}_alignment.json.gz"
    write_thing(whole, found)
    return (*paths, whole)


def read_visit_transforms(root: Path, patient_id: str, session_id: str) -> VisitTransforms:
    """Read back what `write_visit_transforms` wrote.

    Raises:
        InputError: if the file is missing or damaged.
    """
    name = f"{visit_stem(patient_id, session_id)}_alignment.json.gz"
    return read_thing(visit_folder(root, patient_id, session_id) / name, VisitTransforms)


def write_visit_alignment(
    root: Path, patient_id: str, sessions: tuple[str, str], found: VisitAlignment
) -> tuple[Path, ...]:
    """Write how the follow-up (`sessions[1]`) lies on the baseline (`sessions[0]`), and give the paths of all files."""
    folder = visit_folder(root, patient_id, sessions[1])
    stem = f"{visit_stem(patient_id, sessions[1])}_from-{sessions[0]}_to-{sessions[1]}"
    paths = [folder / f"{stem}_xfm.txt"]
    write_transform(paths[0], found.neck)
    for side, transform in found.arteries.items():
        if not isinstance(transform, Missing):
            paths.append(folder / f"{stem}_desc-carotid{Side(side).letter}_xfm.txt")
            write_transform(paths[-1], transform)
    return tuple(paths)
