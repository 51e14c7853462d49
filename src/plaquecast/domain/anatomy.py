"""Sides, weightings and tissues, and the label scheme that every label map follows."""

from enum import IntEnum, StrEnum


class Side(StrEnum):
    """The patient's own left or right; LPS +x is the patient's left.

    >>> Side.LEFT.letter, Side.of_x_mm(-20.0)
    ('L', <Side.RIGHT: 'right'>)
    """

    LEFT = "left"
    RIGHT = "right"

    @property
    def letter(self) -> str:
        """The letter used in file names: L or R."""
        return self.value[0].upper()

    @property
    def sign_x(self) -> int:
        """Sign of the LPS x coordinate on this side of the midline: +1 left, -1 right."""
        return 1 if self is Side.LEFT else -1

    @staticmethod
    def of_x_mm(x_mm: float) -> "Side":
        """Name the side on which an LPS x coordinate relative to the midline lies."""
        return Side.LEFT if x_mm > 0 else Side.RIGHT


class Weighting(StrEnum):
    """The contrast weightings of carotid MRI that the project knows."""

    T1W = "T1W"
    T2W = "T2W"
    PDW = "PDW"
    TOF = "TOF"
    MPRAGE = "MPRAGE"
    SNAP = "SNAP"
    CE_T1W = "CE_T1W"

    @property
    def shows_wall(self) -> bool:
        """Whether the vessel wall can be delineated on this weighting alone (black blood)."""
        return self in WALL_WEIGHTINGS

    @property
    def bids_suffix(self) -> str:
        """The BIDS entities and suffix of an image of this weighting, as the validator accepts them."""
        return _BIDS_SUFFIX[self]


WALL_WEIGHTINGS = (Weighting.T1W, Weighting.T2W, Weighting.PDW, Weighting.CE_T1W)
"""Any of these makes wall, plaque and components visible; preference order for the reference grid."""

_BIDS_SUFFIX = {
    Weighting.T1W: "T1w",
    Weighting.T2W: "T2w",
    Weighting.PDW: "PDw",
    Weighting.TOF: "acq-TOF_angio",
    Weighting.MPRAGE: "acq-MPRAGE_T1w",
    Weighting.SNAP: "acq-SNAP_T1w",
    Weighting.CE_T1W: "ce-gadolinium_T1w",
}


class Tissue(IntEnum):
    """The label scheme: the value of a tissue in every label map.

    The outer wall is the boundary of everything that is not background; the lipid-rich necrotic core
    of the field includes its hemorrhage, so it is `LIPID_RICH_NECROTIC_CORE` + `INTRAPLAQUE_HEMORRHAGE`.
    """

    BACKGROUND = 0
    LUMEN = 1
    WALL = 2
    CALCIFICATION = 3
    LIPID_RICH_NECROTIC_CORE = 4
    INTRAPLAQUE_HEMORRHAGE = 5
    FIBROUS_CAP = 6
    LOOSE_MATRIX = 7

    @property
    def label(self) -> str:
        """The name in lower case, as it stands in label tables and column names."""
        return self.name.lower()


NOT_ANNOTATED = 255
"""Value of a voxel that the annotator did not judge."""

COMPONENTS = (
    Tissue.CALCIFICATION,
    Tissue.LIPID_RICH_NECROTIC_CORE,
    Tissue.INTRAPLAQUE_HEMORRHAGE,
    Tissue.FIBROUS_CAP,
    Tissue.LOOSE_MATRIX,
)
"""Tissues that exist only inside plaque."""

CORE = (Tissue.LIPID_RICH_NECROTIC_CORE, Tissue.INTRAPLAQUE_HEMORRHAGE)
"""Tissues that together make the field's lipid-rich necrotic core."""

N_TISSUES = len(Tissue)
