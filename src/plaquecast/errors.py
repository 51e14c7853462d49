"""Every error the project raises: what was expected, what was found, where, and what to do."""


class PlaquecastError(Exception):
    """Base of all errors of this project; exit code 1 means the fault is ours.

    Attributes:
        expected: what the program needed.
        found: what it met instead.
        where: file, patient, row or setting concerned.
        remedy: what the user can do about it.
        code: short stable name of the class of problem, for machines and tests.

    >>> print(InputError(expected="16 slices", found="12 slices", where="T2W of sub-017",
    ...                  remedy="Check the choice of series.", code="slice-count"))
    Expected 16 slices, found 12 slices, in T2W of sub-017. Check the choice of series.
    """

    exit_code = 1

    def __init__(self, *, expected: str, found: str, where: str, remedy: str, code: str = "unspecified") -> None:
        self.expected = expected
        self.found = found
        self.where = where
        self.remedy = remedy
        self.code = code
        super().__init__(f"Expected {expected}, found {found}, in {where}. {remedy}")

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the way from a worker process back to its parent."""
        return (_rebuild, (type(self), self.expected, self.found, self.where, self.remedy, self.code))


class InputError(PlaquecastError, ValueError):
    """The input can be mended by the user; exit code 2."""

    exit_code = 2


class MachineError(InputError):
    """Disk, permission or scheduler fail: nothing is wrong with a case, and no other could go on; exit code 2."""


class QualityError(PlaquecastError):
    """The input was processed, but the result is not trustworthy; exit code 3."""

    exit_code = 3


class ModelError(PlaquecastError):
    """A model does not fit the data, or its files are not what its card says; exit code 4."""

    exit_code = 4


def _rebuild(
    kind: type[PlaquecastError], expected: str, found: str, where: str, remedy: str, code: str
) -> PlaquecastError:
    return kind(expected=expected, found=found, where=where, remedy=remedy, code=code)
