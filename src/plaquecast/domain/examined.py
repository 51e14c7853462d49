"""One visit, and one pair of visits, after they were aligned, segmented and measured."""

from collections.abc import Mapping
from dataclasses import dataclass

from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import ChangeFactor
from plaquecast.domain.missing import Measured, Missing
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.domain.visit import AlignedVisit, VisitAlignment
from plaquecast.domain.volume import ArterySegmentation


@dataclass(frozen=True, slots=True, eq=False)
class ExaminedVisit:
    """A visit with, for each side, its segmentation and measurements, or the reason why there are none."""

    aligned: AlignedVisit
    segmentations: Mapping[Side, ArterySegmentation | Missing]
    arteries: Mapping[Side, ArteryMorphology | Missing]


@dataclass(frozen=True, slots=True, eq=False)
class ExaminedPair:
    """Two examined visits of one patient, how they lie on each other, and the change between them."""

    baseline: ExaminedVisit
    follow_up: ExaminedVisit
    alignment: VisitAlignment | Missing
    interval_years: Measured
    changes: tuple[ChangeFactor, ...]
