"""Which series is which weighting: right or asked, never wrong and sure."""

import copy
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from tests.dicom_files import datasets_of, pattern
from tests.dicom_protocols import simulated_protocols

from plaquecast.domain.anatomy import Weighting
from plaquecast.ingest.dicom_frames import frames_of
from plaquecast.ingest.dicom_tags import tags_of
from plaquecast.ingest.weighting import Identification, identify
from plaquecast.settings import IngestSettings

LIMIT = IngestSettings().min_weighting_confidence
BASE = datasets_of(pattern((1, 4, 4)))[0]


def identified(tags: dict[str, Any]) -> Identification:
    dataset = copy.deepcopy(BASE)
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    return identify(tags_of(next(frames_of(dataset, "file"))))


def test_simulated_protocols_of_three_vendors_are_right_or_asked(figure: Callable[[str], None]):
    counts: Counter[str] = Counter()
    for protocol in simulated_protocols(2000, seed=7):
        found = identified(protocol.tags)
        if found.confidence < LIMIT:
            counts["asked"] += 1
        else:
            counts["right" if found.weighting is protocol.truth else "wrong"] += 1
    figure(f"weightings of 2000 simulated series: {dict(counts)}")
    assert counts["wrong"] == 0
    assert counts["asked"] <= 0.05 * 2000


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


def test_the_reason_holds_numbers_and_our_own_words_only():
    found = identified({"SeriesDescription": "t1 of Jane Doe", "Manufacturer": "Doe", "ProtocolName": "Doe"})
    assert found == Identification(Weighting.T1W, 0.97, "spin echo, TR 800 ms, TE 10 ms; named T1W")
