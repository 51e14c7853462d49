"""Cross-fitted segmentation: one member per fold, and every patient segmented by a member that never saw him."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from plaquecast.domain.anatomy import Side
from plaquecast.domain.missing import Missing
from plaquecast.domain.visit import AlignedVisit
from plaquecast.domain.volume import ArterySegmentation
from plaquecast.errors import InputError
from plaquecast.segment.localizer_training import Report
from plaquecast.segment.network import NetworkSegmenter, load_segmenter
from plaquecast.segment.regions import TrainingCase
from plaquecast.segment.training import train_segmenter
from plaquecast.segment.weights import CARD_FILE, read_segmenter, write_whole
from plaquecast.settings import SegmentSettings


def fold_of_patients(patients: Sequence[str], n_folds: int) -> dict[str, int]:
    """The fold (from 1) of each patient: folds of equal size, in an order that depends on the codes only.

    Raises:
        InputError: if there are fewer than two folds, or fewer patients than folds.

    >>> fold_of_patients(["a", "b", "c", "d"], 2)
    {'a': 2, 'b': 1, 'c': 2, 'd': 1}
    """
    ranked = sorted(set(patients), key=lambda patient: hashlib.sha256(patient.encode()).digest())
    if not 2 <= n_folds <= len(ranked):
        raise InputError(
            expected=f"2 to {len(ranked)} folds, as many as there are annotated patients", found=str(n_folds),
            where="--folds", remedy="Choose fewer folds, or leave --folds away.", code="folds",
        )  # fmt: skip
    return dict(sorted((patient, 1 + index % n_folds) for index, patient in enumerate(ranked)))


def train_folds(
    cases: Sequence[TrainingCase],
    settings: SegmentSettings,
    out: Path,
    n_folds: int,
    report: Report | None = None,
    origin: str = "annotated visits",
    start: Path | None = None,
) -> dict[str, Any]:
    """Train one member per fold on the patients of the other folds, in `out/fold-1`, …; give the card of all.

    The card's `members` says for every patient which member never saw him, neither to learn from nor to stop by.

    Raises:
        InputError: as `fold_of_patients` and `train_segmenter` do, or if the model to start from has seen the patients.
        ModelError: as `train_segmenter` does.
    """
    folds = fold_of_patients([case.visit.patient_id for case in cases], n_folds)
    known = sorted({*folds} & {*read_segmenter(start)[1]["train_patients"]}) if start else []
    if known:
        raise InputError(
            expected="patients that the model to start from never learned from", found=f"{len(known)}, as {known[0]}",
            where="--start-from", remedy="Start from another model, or leave --start-from away.", code="folds",
        )  # fmt: skip
    cards = []
    for fold in range(1, n_folds + 1):
        others = [case for case in cases if folds[case.visit.patient_id] != fold]
        member = out / _name(fold)
        if (member / CARD_FILE).exists():  # finished by an earlier run
            cards.append(json.loads((member / CARD_FILE).read_text(encoding="utf-8")))
        else:
            cards.append(train_segmenter(others, settings, member, report, origin, start=start))
    digest = hashlib.sha256("".join(card["weights_sha256"] for card in cards).encode()).hexdigest()
    shared = ("kind", "network", "weightings_seen", "pixel_mm", "region_pixels")
    card = {name: cards[0][name] for name in shared} | {
        "model_id": f"{settings.network}-{n_folds}-fold-{digest[:8]}",
        "weights_sha256": digest,
        "n_train": len(folds),
        "origin": origin,
        "members": {patient: _name(fold) for patient, fold in folds.items()},
        "validation_patients": sorted(folds),
    }
    write_whole(out / CARD_FILE, (json.dumps(card, indent=2, ensure_ascii=False) + "\n").encode())
    return card


def _name(fold: int) -> str:
    return f"fold-{fold}"


class FoldedSegmenter:
    """Members of a cross-fitted segmenter; a `Segmenter`.

    A patient of the training is segmented by the member that never saw him, anybody else by the first member.
    """

    def __init__(self, folder: Path, card: Mapping[str, Any]) -> None:
        self.card = card
        self._members = {name: load_segmenter(folder / name) for name in sorted(set(card["members"].values()))}

    @property
    def model_id(self) -> str:
        """Name and version of all members together."""
        return str(self.card["model_id"])

    def segment(self, visit: AlignedVisit) -> Mapping[Side, ArterySegmentation | Missing]:
        """As the member does that is meant for this patient."""
        name = self.card["members"].get(visit.patient_id, min(self._members))
        return self._members[name].segment(visit)


def open_model(folder: Path) -> NetworkSegmenter | FoldedSegmenter:
    """Load whatever segmenter a folder holds: a single one, or the members of a cross-fitted one.

    Raises:
        ModelError: if it holds none that fits this version.
    """
    try:
        card = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return load_segmenter(folder)  # which says what is wrong with it
    is_folded = isinstance(card, dict) and isinstance(card.get("members"), dict)
    return FoldedSegmenter(folder, card) if is_folded else load_segmenter(folder)
