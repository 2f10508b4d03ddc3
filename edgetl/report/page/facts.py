"""Everything that a report is made from, read once; the sections take what they need from it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgetl.benchmarking.results import Benchmark
from edgetl.compared import MeasuringSplit, Truth
from edgetl.diagnosis.results import Diagnosis
from edgetl.evaluation.unknowns import ThresholdChoice, Unknowns
from edgetl.evaluation.validation import Validation
from edgetl.explanation.results import Explanation
from edgetl.output import Output
from edgetl.quantization.results import Sensitivity
from edgetl.report.page.blocks import Absent, Section
from edgetl.run_record import DataFacts, RunRecord


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions of several models for the images that measure; row i of each array is the same image.

    Args:
        split: whose images they are.
        class_names: K names.
        label_ids: class indices [N]; [N, K] of 0 and 1 where images may show several classes.
        image_names: N names.
        read: gives the pixels of the images in these rows, uint8 [H, W, C], as the models see them; None: an image is not there any more.
        probabilities: float [N, K] by name of the model.
        reference: name of the float model.
        quantized: name of the main int8 file; None: there is none.
        output: the contract's, which says what probabilities decide.
    """

    split: MeasuringSplit
    class_names: tuple[str, ...]
    label_ids: NDArray[np.integer]
    image_names: tuple[str, ...]
    read: Callable[[Sequence[int]], Sequence[NDArray[np.uint8] | None]]
    probabilities: Mapping[str, NDArray[np.floating]]
    reference: str
    quantized: str | None
    output: Output

    @property
    def main(self) -> str:
        """Name of the model that the sections are about: the int8 file if there is one, else the float model."""
        return self.quantized or self.reference

    @property
    def shown(self) -> tuple[str, ...]:
        """Names of the models to plot: the float model and the int8 file, if there is one."""
        return (self.reference, self.quantized) if self.quantized else (self.reference,)

    @property
    def several(self) -> bool:
        """Whether an image may show several classes, or none."""
        return self.output.several

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Which of several classes each image shows, bool [N, K]."""
        found: NDArray[np.bool_] = self.label_ids == 1
        return found

    def decisions(self, name: str) -> NDArray[np.bool_]:
        """Return which of several classes the model finds on each image, bool [N, K]."""
        return self.output.present(self.probabilities[name])

    def top1(self, name: str) -> NDArray[np.int64]:
        """Return the model's predicted class indices [N]."""
        classes: NDArray[np.int64] = self.probabilities[name].argmax(axis=1)
        return classes


@dataclass(frozen=True)
class Rejects:
    """How a run decides on unknown images, and what was measured of that.

    Args:
        output: the contract's.
        unknowns: measured on unknown images; None: nothing was.
        choice: of the thresholds of the classes; None: there are none that were chosen.
        folder: of the unknown images' thumbnails.
    """

    output: Output
    unknowns: Unknowns | None
    choice: ThresholdChoice | None
    folder: Path


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
        rejects: how it decides on unknown images.
        places: what RUN and DATA stand for in commands, as a shell takes it.
    """

    name: str
    made: str
    record: RunRecord
    validation: Validation | None
    benchmark: Benchmark | None
    sensitivity: Sensitivity | None
    doctor: Diagnosis | None
    explained: Explanation | None
    explained_folder: Path
    predictions: Predictions | Absent
    rejects: Rejects | None = None
    places: Mapping[str, str] = field(default_factory=dict)

    @property
    def truth(self) -> Truth:
        """Return what says which class is right."""
        data = self.record.find("data", DataFacts)
        return data.truth if data else "labels"

    def predicted(self, title: str, *, judged: bool = True) -> Predictions | Absent:
        """Return the predictions that a section of this title shows, or why it is missing.

        Args:
            judged: it shows which of them are right.
        """
        if judged and self.truth != "labels":
            return Absent(title, "there are no labels: accuracy is not measured")
        return replace(self.predictions, title=title) if isinstance(self.predictions, Absent) else self.predictions


MakeSection = Callable[[Facts], Section | Absent]


def percent(share: float, digits: int = 2) -> str:
    """Return a share in percent."""
    return f"{100 * share:.{digits}f}"


def kib(size_bytes: float) -> str:
    """Return a size in KiB."""
    return f"{size_bytes / 1024:,.0f}"
