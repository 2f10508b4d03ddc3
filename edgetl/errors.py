"""One tree of errors: each says what was wrong and where, what to do next, and which exit code the command ends with."""

from collections.abc import Sequence
from dataclasses import dataclass

_LISTED = 20  # lines of a list in a message: enough to see the pattern, few enough to read


@dataclass(frozen=True)
class Failure:
    """An error as documents and JSON output hold it."""

    problem: str
    remedy: str


class EdgetlError(Exception):
    """A failure that the user can mend.

    Args:
        problem: what was wrong, and where.
        remedy: what to do next.
    """

    exit_code = 1

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(f"{problem}\n{remedy}".rstrip())
        self.problem = problem
        self.remedy = remedy

    @property
    def failure(self) -> Failure:
        return Failure(self.problem, self.remedy)


class UsageError(EdgetlError):
    """A name, an option or a recipe that cannot be meant."""

    exit_code = 2


class DataError(EdgetlError):
    """The images cannot be used as they are."""

    exit_code = 3


class WeightsError(EdgetlError):
    """The weights to start from are missing or of another model."""

    exit_code = 4


class RunError(EdgetlError):
    """A run directory is missing, unfinished or not writable."""

    exit_code = 5


class ExportError(EdgetlError):
    """A file could not be made, or does not hold what it promises (a float operator in an int8 model)."""

    exit_code = 6


class ParityError(EdgetlError):
    """Validation was carried out and the models do not agree."""

    exit_code = 7


class DependencyError(EdgetlError):
    """An optional package is not installed."""

    exit_code = 8


class BudgetError(EdgetlError):
    """No int8 model was found that loses as little accuracy as was asked for."""

    exit_code = 9


class DeviceError(EdgetlError):
    """A device cannot be reached, or lacks what was asked of it."""

    exit_code = 10


class SlowdownError(EdgetlError):
    """A benchmark is slower than its baseline allows."""

    exit_code = 11


EXIT_CODES = {0: "success"} | {
    error.exit_code: (error.__doc__ or "").splitlines()[0]
    for error in (
        EdgetlError,
        UsageError,
        DataError,
        WeightsError,
        RunError,
        ExportError,
        ParityError,
        DependencyError,
        BudgetError,
        DeviceError,
        SlowdownError,
    )
}
STOPS = {130: "interrupted (Ctrl-C)", 143: "terminated (SIGTERM)"}  # 128 and the signal, as shells report it


def listed(lines: Sequence[str]) -> str:
    """Return the first of the lines as lines of a message, and how many more there are."""
    more = f"\n  and {len(lines) - _LISTED} more" if len(lines) > _LISTED else ""
    return "".join(f"\n  {line}" for line in lines[:_LISTED]) + more
