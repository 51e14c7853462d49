"""The scanner and the course of a scan: resolution, coil, noise and artifacts, as each world draws them."""

from dataclasses import dataclass

import numpy as np

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.grid import Grid
from plaquecast.domain.transform import RigidTransform
from plaquecast.errors import InputError
from plaquecast.settings import SimulateSettings

WORLDS = ("default", "null", "healthy", "strong", "treatment", "shifted", "harsh", "contrast")

_VENDORS = {
    "generic": (0.0, 0.0, 300.0),
    "ge": (0.25, 0.6, 2500.0),
    "philips": (0.35, 0.7, 900.0),
    "siemens": (0.1, 0.4, 350.0),
}
"""Ringing filter, share of the coil's shading that is divided out, and intensity of muscle, per vendor."""

# Lower and upper wall SNR at 3 T; T1W, T2W and PDW as published, the others from experience.
_WALL_SNR = {
    Weighting.T1W: (15.0, 30.0),
    Weighting.T2W: (12.0, 25.0),
    Weighting.PDW: (20.0, 35.0),
    Weighting.CE_T1W: (20.0, 35.0),
    Weighting.TOF: (12.0, 20.0),
    Weighting.MPRAGE: (6.0, 10.0),
    Weighting.SNAP: (8.0, 14.0),
}
_SLICES = {Weighting.TOF: (40, 1.0, 1.0), Weighting.MPRAGE: (40, 1.0, 1.09), Weighting.SNAP: (40, 1.0, 1.27)}
"""Number of slices, their distance in mm, and the acquired pixel as a multiple of that of the 2-D weightings."""

FIELD_OF_VIEW_MM = (112.2, 128.7)


@dataclass(frozen=True, slots=True)
class Scanner:
    """A scanner as it is set up for one study.

    `pixel_mm` is the acquired pixel; images are shown at half of it. `edge_filter` and `shading_removed` are the
    vendor's habits. `snr_share` scales the published SNR. `artifact_share` scales how often and how strong
    artifacts are. `random_contrast` draws tissue intensities without regard to physics.
    """

    field_strength_tesla: float
    pixel_mm: float
    muscle_intensity: float
    edge_filter: float
    shading_removed: float
    coil_depth_mm: float
    snr_share: float
    artifact_share: float
    random_contrast: bool
    timing_share: float

    def grid(self, weighting: Weighting, center_mm: tuple[float, float, float]) -> Grid:
        """Shown grid of a weighting, its field of view centered at `center_mm` of the scanner's space."""
        n_slices, slice_mm, factor = _SLICES.get(weighting, (18, 2.0, 1.0))
        shown = self.pixel_mm * factor / 2
        rows, columns = (2 * round(extent / shown / 2) for extent in FIELD_OF_VIEW_MM)
        half = ((n_slices - 1) * slice_mm / 2, (rows - 1) * shown / 2, (columns - 1) * shown / 2)
        origin = (center_mm[0] - half[2], center_mm[1] - half[1], center_mm[2] - half[0])
        return Grid.axis_aligned((n_slices, rows, columns), (slice_mm, shown, shown), origin)

    def draw_wall_snr(self, rng: np.random.Generator, weighting: Weighting) -> float:
        """SNR of the wall for one scan; one scan in ten has half or less."""
        low, high = _WALL_SNR[weighting]
        weak = rng.uniform(0.35, 0.5) if rng.random() < 0.1 else 1.0
        return float(rng.uniform(low, high)) * self.snr_share * weak


def draw_scanner(settings: SimulateSettings) -> Scanner:
    """The scanner of a world, vendor and field strength.

    Raises:
        InputError: if the world, the vendor or the field strength is not known.
    """
    _check("world", settings.world, WORLDS)
    _check("vendor", settings.vendor, tuple(_VENDORS))
    _check("field strength in tesla", settings.field_strength_tesla, (1.5, 3.0))
    edge_filter, shading_removed, intensity = _VENDORS[settings.vendor]
    shifted, harsh = settings.world == "shifted", settings.world == "harsh"
    field_share = 1.0 if settings.field_strength_tesla == 3.0 else 1.0 / 2.1
    return Scanner(
        field_strength_tesla=settings.field_strength_tesla,
        pixel_mm=0.62 if shifted else 0.55,
        muscle_intensity=intensity * (2.2 if shifted else 1.0),
        edge_filter=0.45 if shifted else edge_filter,
        shading_removed=0.8 if shifted else shading_removed,
        coil_depth_mm=50.0 if shifted else 32.0,
        snr_share=field_share * (0.5 if harsh else 0.75 if shifted else 1.0),
        artifact_share=2.5 if harsh else 1.0,
        random_contrast=settings.world == "contrast",
        timing_share=1.25 if shifted else 1.0,
    )


def _check(name: str, found: object, known: tuple[object, ...]) -> None:
    if found not in known:
        raise InputError(
            expected=f"a {name} out of {', '.join(map(str, known))}",
            found=str(found),
            where="settings of the simulation",
            remedy="Choose one of these.",
            code="unknown-choice",
        )


def draw_pose(rng: np.random.Generator) -> RigidTransform:
    """How the neck lies at a visit: turned by up to 10° (SD 4° per axis) and some mm away from where it was aimed."""
    angles = np.clip(rng.normal(0.0, 4.0, 3) * (1.0, 0.6, 1.0), -10.0, 10.0)
    shift = np.clip(rng.normal(0.0, (3.0, 3.0, 2.0)), -8.0, 8.0)
    shift[2] = np.clip(shift[2], -4.0, 4.0)
    return RigidTransform.from_euler(angles, shift, center_mm=(0.0, 10.0, 0.0))


def draw_move(rng: np.random.Generator, artifact_share: float) -> RigidTransform:
    """How the neck moved between the reference and another weighting: mostly below 1 mm and 1°."""
    spread = min(artifact_share, 1.8)
    shift = np.clip(rng.normal(0.0, (0.35, 0.35, 0.4)) * spread, -2.0, 2.0)
    angles = np.clip(rng.normal(0.0, 0.4, 3) * spread, -1.5, 1.5)
    return RigidTransform.from_euler(angles, shift, center_mm=(0.0, 25.0, 0.0))
