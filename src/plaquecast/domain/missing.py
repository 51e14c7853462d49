"""The answer "no number, and this is why", which is never NaN."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeGuard


class Reason(StrEnum):
    """Why a number is missing; the values are what tables and reports print."""

    ABSENT = "absent from input"
    NOT_COVERED = "not covered"
    BELOW_RESOLUTION = "below resolution"
    FAILED_QUALITY = "failed quality"
    NOT_SHOWN = "not shown by these weightings"
    NO_CORE = "no core"
    NOT_APPLICABLE = "not applicable"
    OUT_OF_COHORT = "unlike what was learned"


@dataclass(frozen=True, slots=True)
class Missing:
    """A missing number with its reason and, where it helps, a detail for the reader.

    >>> str(Missing(Reason.NOT_COVERED))
    'not covered'
    >>> str(Missing(Reason.FAILED_QUALITY, "T2W did not align"))
    'failed quality: T2W did not align'
    """

    reason: Reason
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason.value}: {self.detail}" if self.detail else self.reason.value


Measured = float | Missing
"""A number, or the reason why there is none."""


def is_number(value: Measured) -> TypeGuard[float]:
    """Say whether a measured value is a number.

    >>> is_number(1.5), is_number(Missing(Reason.ABSENT))
    (True, False)
    """
    return not isinstance(value, Missing)
