"""The rule by which an accelerator is chosen, from what was measured of each."""

import math
from collections.abc import Sequence
from typing import NamedTuple

ROUNDED = 0.01  # steps: golden predictions have six decimals


class Measured(NamedTuple):
    """What became of the model on one accelerator: steps of 1/256; `differ` images are by themselves beyond the tolerance."""

    name: str
    missing: str = ""
    passed: bool = False
    ms: float = 0.0
    max_steps: float = 0.0
    differ: int = 0
    images: int = 0

    def __str__(self) -> str:
        if self.missing:
            return f"{self.name}: not available ({self.missing})"
        if not self.passed:
            return f"{self.name}: refused, {self.differ} of {self.images} differ"
        close = "identical" if self.max_steps < ROUNDED else f"within {math.ceil(self.max_steps - ROUNDED)} of 256 steps"
        return f"{self.name}: {self.ms:.1f} ms, {close}"


class Choice(NamedTuple):
    """The accelerator's name, None where none passed, and a row of text for each."""

    name: str | None
    rows: list[str]


def choose(measured: Sequence[Measured]) -> Choice:
    """Return the fastest that passed, the first of equal ones."""
    fastest = min((one for one in measured if one.passed), key=lambda one: one.ms, default=None)
    return Choice(fastest and fastest.name, list(map(str, measured)))
