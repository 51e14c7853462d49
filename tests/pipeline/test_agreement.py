"""Agreement of two series against hand-made numbers."""

import numpy as np
import pytest

from plaquecast.pipeline.agreement import agreement, intraclass


def test_intraclass_of_the_published_example() -> None:
    """Six subjects, four judges: ICC(A,1) = 0.29 (Shrout and Fleiss 1979, table 2; their ICC(2,1))."""
    ratings = np.array(
        [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=np.float64
    )
    assert intraclass(ratings) == pytest.approx(0.29, abs=0.005)


def test_bias_lowers_agreement_but_not_spread() -> None:
    true = np.array([1.0, 2.0, 4.0, 7.0])
    same, shifted = agreement(true, true), agreement(true + 1.0, true)
    assert (same.bias, same.sd, same.icc) == (0.0, 0.0, 1.0)
    assert shifted.bias == 1.0
    assert shifted.sd == 0.0
    assert shifted.icc < 1.0


def test_what_is_missing_on_either_side_does_not_count() -> None:
    nan = float("nan")
    found = agreement(np.array([1.0, nan, 3.0, 4.0]), np.array([1.0, 2.0, nan, 5.0]))
    assert (found.n, found.bias) == (2, -0.5)
    assert found.as_dict() == {"n": 2, "bias": -0.5, "sd": None, "icc": None}
