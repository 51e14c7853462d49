"""A simulated scan shows what is there, where it is, and moves as it says."""

import numpy as np
import pytest

from plaquecast.domain.anatomy import Side, Tissue, Weighting
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.volume import ArterySegmentation, Volume
from plaquecast.settings import SimulateSettings
from plaquecast.simulate import kspace
from plaquecast.simulate.cohort import simulate_labels, simulate_patient, simulate_repeat
from plaquecast.simulate.people import SimulatedVisit

SEED = 2
INDEX = 3
"""A patient with plaque on both sides, hemorrhage in it, and a stenosis."""
SEEN = (Weighting.T1W, Weighting.TOF, Weighting.MPRAGE)


@pytest.fixture(scope="module")
def visit() -> SimulatedVisit:
    return simulate_patient(INDEX, SEED, SimulateSettings(), SEEN, n_visits=1).visits[0]


def intensity(volume: Volume, points_mm: np.ndarray) -> np.ndarray:
    """Intensities at the voxels nearest to points (n, 3)."""
    index = np.rint(volume.grid.to_index(points_mm)).astype(int)
    inside = ((index >= 0) & (index < np.array(volume.grid.shape))).all(axis=1)
    return volume.array[tuple(index[inside].T)]


def places(segmentation: ArterySegmentation, tissue: Tissue) -> np.ndarray:
    """Points of the reference (n, 3) where a voxel is all of one tissue."""
    assert segmentation.probabilities is not None
    return segmentation.grid.to_mm(np.argwhere(segmentation.probabilities[tissue] > 0.99))


@pytest.mark.parametrize("side", Side)
def test_blood_is_black_on_t1w_and_bright_on_tof(visit: SimulatedVisit, side: Side) -> None:
    truth = visit.truth[side]
    for weighting, sign in ((Weighting.T1W, -1.0), (Weighting.TOF, 1.0)):
        volume, move = visit.visit.volumes[weighting], visit.transforms[weighting]
        lumen, wall = (
            np.median(intensity(volume, move.apply(places(truth, tissue)))) for tissue in (Tissue.LUMEN, Tissue.WALL)
        )
        assert sign * (lumen - wall) > 0.5 * max(lumen, wall)


def test_hemorrhage_is_bright_on_mprage(visit: SimulatedVisit) -> None:
    volume, move = visit.visit.volumes[Weighting.MPRAGE], visit.transforms[Weighting.MPRAGE]
    for side in Side:
        bled, wall = (
            np.median(intensity(volume, move.apply(places(visit.truth[side], tissue))))
            for tissue in (Tissue.INTRAPLAQUE_HEMORRHAGE, Tissue.WALL)
        )
        assert bled > 1.5 * wall


def test_the_stated_move_fits_the_image_better_than_none_or_twice_as_much(visit: SimulatedVisit) -> None:
    """Bright blood on TOF lies where the truth, moved as stated, has its lumen."""
    volume, stated = visit.visit.volumes[Weighting.TOF], visit.transforms[Weighting.TOF]
    edge = np.concatenate([places(visit.truth[side], Tissue.WALL) for side in Side])
    lumen = np.concatenate([places(visit.truth[side], Tissue.LUMEN) for side in Side])

    def contrast(move: RigidTransform) -> float:
        return float(intensity(volume, move.apply(lumen)).mean() - intensity(volume, move.apply(edge)).mean())

    # a millimeter to any side puts wall on blood
    shifts = [RigidTransform.from_euler((0.0, 0.0, 0.0), shift) for shift in ((1.0, 0.0, 0.0), (0.0, -1.0, 0.0))]
    assert all(contrast(stated) > contrast(shift @ stated) for shift in shifts)


def test_truth_agrees_with_the_integrated_geometry(visit: SimulatedVisit) -> None:
    """Voxel sums against integrals: two roads from one artery.

    Volumes are compared, not slices: where an artery with an eccentric plaque leans or bends, one axial slice mixes
    several millimeters of it. Slices are 2 mm thick and positions are interpolated, which is 3 % of a volume.
    """
    for side in Side:
        truth, artery = visit.truth[side], visit.morphology[side]
        assert truth.probabilities is not None
        inside = np.abs(truth.slice_position_mm) < 12.0
        position = truth.slice_position_mm[inside]
        # an axial slice of the thickness dz stands for dz/cos of the tilt along the axis
        cosine = truth.centerline.tangent(position)[:, 2]
        positions = [section.position_mm for section in artery.slices]
        for first, name in ((Tissue.LUMEN, "vessel_area_mm2"), (Tissue.WALL, "wall_area_mm2")):
            area = truth.probabilities[first:, inside].sum(axis=(0, 2, 3)) * truth.grid.pixel_area_mm2
            expected = np.interp(position, positions, [getattr(section, name) for section in artery.slices])
            assert area.sum() == pytest.approx((expected / cosine).sum(), rel=0.03)


def test_noise_is_the_scanners_and_not_the_objects(visit: SimulatedVisit) -> None:
    """Two scans of one neck differ by noise and pose; a scan made twice does not differ at all."""
    again = simulate_patient(INDEX, SEED, SimulateSettings(), (Weighting.T1W,), n_visits=1).visits[0]
    assert np.array_equal(again.visit.volumes[Weighting.T1W].array, visit.visit.volumes[Weighting.T1W].array)
    rescan = simulate_repeat(INDEX, SEED, SimulateSettings(), weightings=(Weighting.T1W,))
    assert rescan.visit.session_id == "rescan"
    assert (rescan.visit.acquired - visit.visit.acquired).days == 14  # type: ignore[operator]
    assert not np.array_equal(rescan.visit.volumes[Weighting.T1W].array, visit.visit.volumes[Weighting.T1W].array)
    for side in Side:
        assert rescan.morphology[side].wall_volume_mm3 == visit.morphology[side].wall_volume_mm3
    labels = simulate_labels(INDEX, SEED, SimulateSettings(), repeat=1)
    for side in Side:
        assert np.array_equal(labels[side].labels.array, rescan.truth[side].labels.array)


def test_k_space_gives_back_what_it_can_hold() -> None:
    """A wave below the acquired resolution survives acquisition and zero-filling exactly."""
    rows, columns = np.mgrid[0:64, 0:80]
    wave = (5.0 + np.cos(2.0 * np.pi * 6.0 * rows / 64.0) + np.sin(2.0 * np.pi * 9.0 * columns / 80.0)).astype(
        np.float32
    )
    shown = kspace.show(kspace.acquire(wave, (32, 40), 0.5), (64, 80))
    # averaging over rendered pixels is undone on purpose: waves gain 1/sinc of their frequency
    gain = [1.0 / np.sinc(6.0 / 64.0), 1.0 / np.sinc(9.0 / 80.0)]
    expected = (
        5.0 + gain[0] * np.cos(2.0 * np.pi * 6.0 * rows / 64.0) + gain[1] * np.sin(2.0 * np.pi * 9.0 * columns / 80.0)
    )
    assert np.abs(shown.real - expected).max() < 1e-4
    assert np.abs(shown.imag).max() < 1e-4


def test_complex_noise_has_the_stated_sd() -> None:
    shown = kspace.show(kspace.noise(np.random.default_rng(0), (100, 100), 3.0), (100, 100))
    # 10 000 samples: the SD of an SD is 0.7 %
    assert shown.real.std() == pytest.approx(3.0, rel=0.03)
    assert shown.imag.std() == pytest.approx(3.0, rel=0.03)
