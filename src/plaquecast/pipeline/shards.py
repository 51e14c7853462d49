"""Shares of a cohort for plain job arrays: every so-and-so-many-th patient, so that all shares take equally long."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from plaquecast.domain.dataset import Dataset, PatientSource
from plaquecast.errors import InputError


@dataclass(frozen=True, slots=True)
class Shard:
    """Share `index` (from 1) of `count`; of one share only, all patients.

    >>> Shard(2, 3).of(["a", "b", "c", "d", "e"])
    ['b', 'e']
    """

    index: int = 1
    count: int = 1
    part: str = ""
    """Name of its journal; empty for a run that is no shard."""

    @staticmethod
    def parse(text: str) -> "Shard":
        """Read `i/n`; an empty text is the whole cohort.

        Raises:
            InputError: if it is anything else, or i is not one of 1 to n.

        >>> Shard.parse("2/4")
        Shard(index=2, count=4, part='2-of-4')
        """
        if not text:
            return Shard()
        found = re.fullmatch(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})", text)
        if found is None or int(found[1]) > int(found[2]):
            raise InputError(
                expected="a share such as 1/4, 2/4, 3/4 or 4/4", found=f"'{text}'", where="--shard",
                remedy="Give the number of this share, counted from 1, and how many there are.", code="no-such-shard",
            )  # fmt: skip
        return Shard(int(found[1]), int(found[2]), f"{found[1]}-of-{found[2]}")

    def of(self, patients: Sequence[PatientSource]) -> list[PatientSource]:
        """The patients of this share."""
        return list(patients[self.index - 1 :: self.count])

    def share_of(self, dataset: Dataset) -> Dataset:
        """The dataset as if it held these patients only; what is wrong with it as a whole is not asked of a shard."""
        return dataset if not self.part else replace(dataset, patients=tuple(self.of(dataset.patients)), findings=())
