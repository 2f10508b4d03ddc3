"""All that a report is made from, read once: the sections take what they need from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetl.report.page.blocks import Absent, Section

Document = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Predictions:
    """What models said of the validation images; row i of each array is the same image.

    Args:
        label_ids: class indices [N].
        names: N names.
        pixels: uint8 [N, H, W, 3].
        probabilities: name of the model to float [N, K]: the float model first, then the int8 files.
    """

    class_names: tuple[str, ...]
    label_ids: NDArray[np.integer[Any]]
    names: tuple[str, ...]
    pixels: NDArray[np.uint8]
    probabilities: Mapping[str, NDArray[Any]]

    @property
    def shipped(self) -> str:
        """The model that figures are told of: the first int8 file, else the float model."""
        return next((name for name in self.probabilities if "int8" in name), next(iter(self.probabilities)))

    @property
    def compared(self) -> tuple[str, str] | None:
        """The float model and the int8 file, where there is one."""
        first = next(iter(self.probabilities))
        return None if self.shipped == first else (first, self.shipped)


@dataclass(frozen=True)
class Facts:
    """A run as it is to be reported. None: there is no such file.

    Args:
        name: the run's.
        made: when the report was.
        record: run.json.
        validation, benchmark, sensitivity, doctor, explained: the run's files of these names; explained is explain/explain.json.
        explained_folder: where its images lie.
        predictions: or why there are none.
    """

    name: str
    made: str
    record: Document
    validation: Document | None
    benchmark: Document | None
    sensitivity: Document | None
    doctor: Document | None
    explained: Document | None
    explained_folder: Path
    predictions: Predictions | Absent

    def absent(self, title: str) -> Absent:
        """Why a part that needs predictions is not there."""
        assert isinstance(self.predictions, Absent)
        return Absent(title, self.predictions.reason, self.predictions.command)


MakeSection = Callable[[Facts], Section | Absent]


def percent(share: float, digits: int = 2) -> str:
    return f"{100 * share:.{digits}f}"


def kib(size_bytes: float) -> str:
    return f"{size_bytes / 1024:,.0f}"
