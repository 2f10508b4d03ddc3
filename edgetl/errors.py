"""One tree of errors: each says what was wrong and where, what to do next, and which exit code the command ends with."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_LISTED = 20  # lines of a list in a message: enough to see the pattern, few enough to read


@dataclass(frozen=True)
class Failure:
    """An error as documents and JSON output hold it."""

    problem: str
    remedy: str


# An option of the commands that a message names by itself; those inside of a complete command are meant for a shell.
_OPTION = re.compile(r"edgetl [a-z][^;,']*|pip install [^;]*|(?<![\w-])--([a-z][a-z0-9-]*)")
_KEYWORDS = {  # where the Python API calls it otherwise
    "accuracy": "images",
    "cv": "folds",
    "device": "devices",
    "fast": "fast=True",
    "force": "force=True",
    "format": "form",
    "model": "models",
    "no-qat": "qat=False",
    "profile": "profile=True",
    "quick": "quick=True",
    "set": "settings",
}


def _in_python(text: str) -> str:
    """Return how a program gives the options that a message names; empty: it names none."""
    named = dict.fromkeys(option for option in _OPTION.findall(text) if option)
    return f"(in Python: {', '.join(f'--{one} is {keyword(one)}' for one in named)})" if named else ""


def keyword(option: str) -> str:
    """Return the keyword argument of the Python API that stands for an option of the commands."""
    name = _KEYWORDS.get(option, option.replace("-", "_"))
    return name if "=" in name else f"{name}=..."


class EdgetlError(Exception):
    """A failure that the user can fix.

    Args:
        problem: what was wrong, and where.
        remedy: what to do next.
    """

    exit_code = 1

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__("\n".join(filter(None, (problem, remedy, _in_python(f"{problem}\n{remedy}")))))
        self.problem = problem
        self.remedy = remedy

    @property
    def failure(self) -> Failure:
        return Failure(self.problem, self.remedy)


class UsageError(EdgetlError):
    """A name, an option or a recipe is invalid."""

    exit_code = 2


class DataError(EdgetlError):
    """The images cannot be used as they are."""

    exit_code = 3


class WeightsError(EdgetlError):
    """The weights to start from are missing, or belong to another model."""

    exit_code = 4


class RunError(EdgetlError):
    """A run is missing, unfinished or not writable."""

    exit_code = 5


class ExportError(EdgetlError):
    """A model file cannot be made, or has an operator that it must not have."""

    exit_code = 6


class ParityError(EdgetlError):
    """The models do not give the same predictions."""

    exit_code = 7


class DependencyError(EdgetlError):
    """An optional package is not installed."""

    exit_code = 8


class BudgetError(EdgetlError):
    """No int8 model loses as little accuracy as was asked for."""

    exit_code = 9


class DeviceError(EdgetlError):
    """A device cannot be reached, or cannot do what was asked."""

    exit_code = 10


class SlowdownError(EdgetlError):
    """A benchmark is slower than its baseline allows."""

    exit_code = 11


class ModelFileError(EdgetlError):
    """A model file from elsewhere cannot be read or is not supported."""

    exit_code = 12


class AccelerationError(EdgetlError):
    """An accelerator that was required did not run every operator."""

    exit_code = 13


def _phrase(text: str) -> str:
    line = text.splitlines()[0].removesuffix(".")
    return line[:1].lower() + line[1:]


EXIT_CODES = {0: "success"} | {
    error.exit_code: _phrase(error.__doc__ or "")
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
        ModelFileError,
        AccelerationError,
    )
}
NOT_READ = 141
STOPS = {  # 128 and the signal, as shells report it
    130: "interrupted (Ctrl-C)",
    NOT_READ: "the output is not read any more (SIGPIPE)",
    143: "terminated (SIGTERM)",
}


def listed(lines: Sequence[str]) -> str:
    """Return the first of the lines as lines of a message, and how many more there are."""
    more = f"\n  and {len(lines) - _LISTED} more" if len(lines) > _LISTED else ""
    return "".join(f"\n  {line}" for line in lines[:_LISTED]) + more
