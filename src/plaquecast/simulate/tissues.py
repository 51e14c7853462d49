"""What the simulated neck is made of, and which label each kind of matter carries in truth."""

from enum import IntEnum

from plaquecast.domain.anatomy import Tissue


class Matter(IntEnum):
    """Kinds of matter with their own MR parameters; the first group lies in or on the artery that is labelled."""

    OUTSIDE = 0
    LUMEN = 1
    WALL = 2
    CALCIFICATION = 3
    LIPID_RICH_NECROTIC_CORE = 4
    HEMORRHAGE_TYPE_I = 5
    HEMORRHAGE_TYPE_II = 6
    FIBROUS_CAP = 7
    LOOSE_MATRIX = 8
    ECA_LUMEN = 9
    ECA_WALL = 10
    MUSCLE = 11
    FAT = 12
    SKIN = 13
    GLAND = 14
    LYMPH_NODE = 15
    VEIN = 16
    AIRWAY = 17
    BONE_MARROW = 18
    CORTICAL_BONE = 19
    CORD = 20
    CEREBROSPINAL_FLUID = 21
    CARTILAGE = 22
    AIR = 23


LABEL_OF_MATTER: dict[Matter, Tissue] = {
    Matter.LUMEN: Tissue.LUMEN,
    Matter.WALL: Tissue.WALL,
    Matter.CALCIFICATION: Tissue.CALCIFICATION,
    Matter.LIPID_RICH_NECROTIC_CORE: Tissue.LIPID_RICH_NECROTIC_CORE,
    Matter.HEMORRHAGE_TYPE_I: Tissue.INTRAPLAQUE_HEMORRHAGE,
    Matter.HEMORRHAGE_TYPE_II: Tissue.INTRAPLAQUE_HEMORRHAGE,
    Matter.FIBROUS_CAP: Tissue.FIBROUS_CAP,
    Matter.LOOSE_MATRIX: Tissue.LOOSE_MATRIX,
}
"""Labels of the matter of the artery; every other kind is background."""
