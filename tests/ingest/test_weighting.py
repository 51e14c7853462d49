"""Which series is which weighting: right or asked, never wrong and sure."""

import copy
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.dicom_files import AXIAL, TAGS, datasets_of, pattern
from tests.dicom_protocols import Protocol, simulated_protocols

from plaquecast.domain.anatomy import Weighting
from plaquecast.ingest.dicom import read_folder
from plaquecast.ingest.dicom_frames import frames_of
from plaquecast.ingest.dicom_tags import tags_of
from plaquecast.ingest.weighting import Identification, identify
from plaquecast.settings import IngestSettings
from plaquecast.store.dicom import write_series

LIMIT = IngestSettings().min_weighting_confidence
BASE = datasets_of(pattern((1, 4, 4)))[0]


def identified(tags: dict[str, Any]) -> Identification:
    dataset = copy.deepcopy(BASE)
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    return identify(tags_of(next(frames_of(dataset, "file"))))


def test_headers_of_three_makers_are_right_or_asked(figure: Callable[[str], None]):
    found = [(protocol, identified(protocol.tags)) for protocol in simulated_protocols(2000, seed=7)]
    counts = _counted(found)
    figure(f"weightings of 2000 simulated headers of three makers: {dict(counts)}")
    assert counts["wrong"] == 0
    assert counts["asked"] <= 0.05 * 2000


def test_written_series_of_three_makers_are_right_or_asked(tmp_path: Path, figure: Callable[[str], None]):
    """Classic objects of each maker, and for every other weighting of Philips an enhanced one."""
    found: list[tuple[Protocol, Identification]] = []
    for number, protocol in enumerate(simulated_protocols(200, seed=8)):
        tags = TAGS | {"BitsStored": 12} | protocol.tags
        enhanced = protocol.maker == "philips" and protocol.truth is not None and number % 2 == 0
        write_series(tmp_path / f"{number}", pattern((3, 4, 4), number), np.array(AXIAL), tags, enhanced)
        (series,) = read_folder(tmp_path / f"{number}", IngestSettings()).series
        found.append((protocol, identify(series.tags)))
    counts = _counted(found)
    figure(f"weightings of 200 written DICOM series of three makers: {dict(counts)}")
    assert counts["wrong"] == 0
    assert counts["asked"] <= 0.05 * 200


def _counted(found: list[tuple[Protocol, Identification]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for protocol, identification in found:
        if identification.confidence < LIMIT:
            counts["asked"] += 1
        else:
            counts["right" if identification.weighting is protocol.truth else "wrong"] += 1
    return counts


@pytest.mark.parametrize(
    ("tags", "weighting"),
    [
        ({"SeriesDescription": "t1_tse", "EchoTime": 90, "RepetitionTime": 4000}, Weighting.T2W),
        ({"SeriesDescription": "t2_tse", "EchoTime": 10, "RepetitionTime": 700}, Weighting.T1W),
        ({"SeriesDescription": "", "EchoTime": 10, "RepetitionTime": 700}, Weighting.T1W),
        ({"SeriesDescription": "t1_tse", "EchoTime": None, "RepetitionTime": None}, Weighting.T1W),
        ({"SeriesDescription": "tof", "EchoTime": 10, "RepetitionTime": 700}, Weighting.T1W),
    ],
)
def test_a_contradiction_or_a_gap_is_asked(tags: dict[str, Any], weighting: Weighting):
    found = identified(tags)
    assert found.weighting is weighting
    assert found.confidence < LIMIT


PHILIPS = {
    "ScanningSequence": ["GR"],
    "MRAcquisitionType": "3D",
    "RepetitionTime": 9.0,
    "EchoTime": 4.0,
    "FlipAngle": 12,
}
"""An inversion-prepared gradient echo of a maker who gives no inversion time."""


@pytest.mark.parametrize(
    ("tags", "weighting", "is_sure"),
    [
        ({"SeriesDescription": "3D MPRAGE WATS"}, Weighting.MPRAGE, True),
        ({"SeriesDescription": "SNAP_WIP"}, Weighting.SNAP, True),
        ({"SeriesDescription": "3D_carotid", "SequenceVariant": ["MP"]}, Weighting.MPRAGE, False),
        ({"SeriesDescription": ""}, Weighting.MPRAGE, False),
        ({"SeriesDescription": "contrast MRA", "FlipAngle": 30}, None, True),
        ({"SeriesDescription": "", "ScanningSequence": [], "EchoTime": None}, None, False),
    ],
)
def test_without_an_inversion_time_the_name_decides(tags: dict[str, Any], weighting: Weighting | None, is_sure: bool):
    found = identified(PHILIPS | tags)
    assert found.weighting is weighting
    assert (found.confidence >= LIMIT) is is_sure


def test_the_reason_holds_numbers_and_our_own_words_only():
    found = identified({"SeriesDescription": "t1 of Jane Doe", "Manufacturer": "Doe", "ProtocolName": "Doe"})
    assert found == Identification(Weighting.T1W, 0.97, "spin echo, TR 800 ms, TE 10 ms; named T1W")
