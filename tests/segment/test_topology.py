"""Laws of a cross-section: whatever a network says, there is one vessel, and one lumen inside it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from plaquecast.domain.anatomy import N_TISSUES, Tissue
from plaquecast.segment.topology import clean_slice


@st.composite
def wild_fractions(draw: st.DrawFn) -> np.ndarray:
    """Any smooth or noisy shares, as of an untrained network."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    smooth = draw(st.floats(0.0, 3.0))
    raw = ndimage.gaussian_filter(rng.normal(0.0, 1.0, (N_TISSUES, 24, 26)), (0, smooth, smooth)) * (1 + 4 * smooth)
    raw[Tissue.LUMEN] += draw(st.floats(-2.0, 2.0))
    shares = np.exp(raw)
    return (shares / shares.sum(axis=0)).astype(np.float32)


@given(wild_fractions())
def test_the_vessel_is_one_piece_with_one_lumen_inside(shares: np.ndarray) -> None:
    cleaned = clean_slice(shares, (12.0, 13.0))
    vessel = cleaned[Tissue.BACKGROUND] < 0.5
    lumen = cleaned[Tissue.LUMEN] > 0.5
    assert ndimage.label(vessel)[1] <= 1
    assert ndimage.label(lumen)[1] <= 1
    np.testing.assert_array_equal(ndimage.binary_fill_holes(lumen), lumen)
    assert not (lumen & ~ndimage.binary_erosion(vessel)).any()


@given(wild_fractions())
def test_shares_stay_shares(shares: np.ndarray) -> None:
    cleaned = clean_slice(shares, (12.0, 13.0))
    # eight float32 shares are summed, and moved between tissues at most five times
    np.testing.assert_allclose(cleaned.sum(axis=0), 1.0, atol=1e-5)
    assert cleaned.min() >= -1e-6


def test_a_possible_slice_is_left_alone() -> None:
    rows, columns = np.mgrid[:31, :31]
    radius = np.hypot(rows - 15, columns - 15)
    shares = np.zeros((N_TISSUES, 31, 31), dtype=np.float32)
    shares[Tissue.LUMEN] = np.clip(6.4 - radius, 0.0, 1.0)
    shares[Tissue.WALL] = np.clip(10.4 - radius, 0.0, 1.0) - shares[Tissue.LUMEN]
    shares[Tissue.BACKGROUND] = 1.0 - shares[Tissue.LUMEN] - shares[Tissue.WALL]
    np.testing.assert_allclose(clean_slice(shares, (15.0, 15.0)), shares, atol=1e-6)


def test_the_vessel_nearest_to_the_center_stays() -> None:
    shares = np.zeros((N_TISSUES, 20, 40), dtype=np.float32)
    shares[Tissue.BACKGROUND] = 1.0
    for column in (8, 30):
        shares[Tissue.BACKGROUND, 6:14, column - 4 : column + 5] = 0.0
        shares[Tissue.WALL, 6:14, column - 4 : column + 5] = 1.0
    cleaned = clean_slice(shares, (10.0, 29.0))
    assert cleaned[Tissue.WALL, 10, 30] == 1.0
    assert cleaned[Tissue.WALL, 10, 8] == 0.0


def test_background_everywhere_stays_background() -> None:
    shares = np.zeros((N_TISSUES, 8, 8), dtype=np.float32)
    shares[Tissue.BACKGROUND] = 1.0
    np.testing.assert_array_equal(clean_slice(shares, (4.0, 4.0)), shares)
