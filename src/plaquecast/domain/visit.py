"""A visit, an aligned visit, and two visits face to face."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from plaquecast.domain.anatomy import Side, Weighting
from plaquecast.domain.clinical import ClinicalRecord
from plaquecast.domain.grid import Grid
from plaquecast.domain.missing import Measured, Missing, Reason
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.volume import Volume
from plaquecast.errors import InputError

DAYS_PER_YEAR = 365.25
SHORTEST_INTERVAL_YEARS = 0.5
"""Below half a year the error of an annual rate swamps it (facts: annualization multiplies noise by 1/interval)."""


@dataclass(frozen=True, slots=True, eq=False)
class Visit:
    """The images and the structured data of one patient at one visit; `acquired` may be `Missing`."""

    patient_id: str
    session_id: str
    acquired: date | Missing
    volumes: Mapping[Weighting, Volume]
    clinical: ClinicalRecord

    def __post_init__(self) -> None:
        if not self.volumes:
            raise InputError(
                expected="at least one image",
                found="none",
                where=f"sub-{self.patient_id} ses-{self.session_id}",
                remedy="Add the images of this visit, or leave the visit out of the dataset.",
                code="no-images",
            )
        object.__setattr__(self, "volumes", MappingProxyType(dict(self.volumes)))


@dataclass(frozen=True, slots=True)
class RegistrationQuality:
    """How well an image lies on its reference: `score` in 0–1 (1 best), the verdict of the gate, and why."""

    score: float
    passed: bool
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class AlignedVisit:
    """A visit with every weighting on one grid.

    `transforms[w]` takes points of the reference space to points of weighting `w`'s own space (mm).
    `volumes` holds only weightings whose alignment passed; the others stand in `quality` with their reason.
    `arteries[w][side]`, only where the neck bent between two weightings, does the same near one artery.
    """

    patient_id: str
    session_id: str
    acquired: date | Missing
    reference: Weighting
    volumes: Mapping[Weighting, Volume]
    transforms: Mapping[Weighting, RigidTransform]
    quality: Mapping[Weighting, RegistrationQuality]
    clinical: ClinicalRecord
    arteries: Mapping[Weighting, Mapping[Side, RigidTransform]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("volumes", "transforms", "quality", "arteries"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def grid(self) -> Grid:
        """The grid of the reference weighting, shared by all volumes."""
        return self.volumes[self.reference].grid

    @property
    def shows_wall(self) -> bool:
        """Whether any of the aligned weightings shows the vessel wall."""
        return any(weighting.shows_wall for weighting in self.volumes)


@dataclass(frozen=True, slots=True, eq=False)
class VisitAlignment:
    """How the follow-up lies on the baseline.

    `neck` takes baseline points to follow-up points (mm); `arteries[side]` does the same near one artery,
    or is `Missing` with its reason. `ahead_mm[side]` is by how much more the follow-up's position along the artery
    counts at the same place: each visit looks for the bifurcation by itself, and errs by millimeters.
    """

    neck: RigidTransform
    arteries: Mapping[Side, RigidTransform | Missing]
    ahead_mm: Mapping[Side, Measured]
    quality: RegistrationQuality


def interval_years(baseline: date | Missing, follow_up: date | Missing) -> float | Missing:
    """Time between two visits in years of 365.25 days, or why it cannot be used for annual rates.

    >>> from datetime import date
    >>> interval_years(date(2020, 1, 1), date(2021, 1, 1))
    1.002053388090349
    >>> str(interval_years(date(2020, 1, 1), Missing(Reason.ABSENT)))
    'absent from input: no usable date of the follow-up visit'
    """
    if isinstance(baseline, Missing):
        return Missing(Reason.ABSENT, "no usable date of the baseline visit")
    if isinstance(follow_up, Missing):
        return Missing(Reason.ABSENT, "no usable date of the follow-up visit")
    return (follow_up - baseline).days / DAYS_PER_YEAR
