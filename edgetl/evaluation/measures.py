"""Measures of a task's predictions: of one class an image, and of several; the same questions to both."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgetl.accuracy import Accuracy, AnyAccuracy, MultiLabelAccuracy
from edgetl.evaluation.agreement import Agreement, compare
from edgetl.evaluation.faults import faults, faults_of_several
from edgetl.evaluation.metrics import measure
from edgetl.evaluation.multi_label import agreement_of_several, map_of, measure_several
from edgetl.output import Output

Floats = NDArray[np.floating]
Labels = NDArray[np.integer]  # [N], or [N, K] of 0 and 1 where images may show several classes


@dataclass(frozen=True)
class WorstImage:
    """One image on which two subjects are far apart; the label and the top-1s are class indices."""

    name: str
    label_id: int
    first_top1: int
    first_probability: float
    second_top1: int
    second_probability: float

    @property
    def class_ids(self) -> tuple[int, ...]:
        """The classes that it names."""
        return self.label_id, self.first_top1, self.second_top1

    def texts(self, class_names: tuple[str, ...]) -> tuple[str, str, str]:
        """Return the true class, and what each of both predicts."""
        first, second = class_names[self.first_top1], class_names[self.second_top1]
        return class_names[self.label_id], f"{first} {self.first_probability:.2f}", f"{second} {self.second_probability:.2f}"


@dataclass(frozen=True)
class WorstLabel:
    """The class of an image on which two subjects are furthest apart, of several that it may show."""

    name: str
    class_id: int
    shown: bool
    first_probability: float
    first_present: bool
    second_probability: float
    second_present: bool

    @property
    def class_ids(self) -> tuple[int, ...]:
        """The class that it names."""
        return (self.class_id,)

    def texts(self, class_names: tuple[str, ...]) -> tuple[str, str, str]:
        """Return the class with whether the image shows it, and what each of both decides."""
        first = f"{self.first_probability:.2f}, {_present(present=self.first_present)}"
        second = f"{self.second_probability:.2f}, {_present(present=self.second_present)}"
        return f"{class_names[self.class_id]}: {_present(present=self.shown)}", first, second


Worst = WorstImage | WorstLabel


class Measures(Protocol):
    """Everything that is asked of a task's predictions, probabilities [N, K], and of the labels of the images, N >= 1."""

    def right(self, probabilities: Floats, label_ids: Labels) -> NDArray[np.bool_]:
        """Return of each image whether its class, or all its classes and no other, are found, bool [N]."""
        ...

    def measure(self, probabilities: Floats, label_ids: Labels) -> AnyAccuracy:
        """Return how good the predictions are."""
        ...

    def compare(self, first: Floats, second: Floats) -> Agreement:
        """Return how two models' predictions agree."""
        ...

    def map_drop_points(self, first: Floats, second: Floats, label_ids: Labels) -> float | None:
        """Return the first one's mAP minus the second one's in points; None where an image has one class."""
        ...

    def label_points(self, label_ids: Labels) -> float:
        """Return the points that one label is worth."""
        ...

    def faults(self, probabilities: Floats, label_ids: Labels) -> tuple[str, ...]:
        """Return what is wrong with the predictions by themselves, in words that follow the model's name."""
        ...

    def worst(self, name: str, label_ids: Labels, first: Floats, second: Floats) -> Worst:
        """Return what two models say of one image, whose label or labels, and probabilities [K], are given."""
        ...


@dataclass(frozen=True)
class SingleLabel:
    """One class an image. `complete`: the probabilities of an image add up to 1, as they do unless the model rejects unknown ones."""

    complete: bool = True

    def right(self, probabilities: Floats, label_ids: Labels) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = probabilities.argmax(axis=1) == label_ids
        return found

    def measure(self, probabilities: Floats, label_ids: Labels) -> Accuracy:
        return measure(probabilities, label_ids)

    def compare(self, first: Floats, second: Floats) -> Agreement:
        return compare(first, second)

    def map_drop_points(self, first: Floats, second: Floats, label_ids: Labels) -> None:
        return None

    def label_points(self, label_ids: Labels) -> float:
        return 100 / len(label_ids)

    def faults(self, probabilities: Floats, label_ids: Labels) -> tuple[str, ...]:
        return faults(probabilities, label_ids, sum_is_one=self.complete)

    def worst(self, name: str, label_ids: Labels, first: Floats, second: Floats) -> WorstImage:
        return WorstImage(name, int(label_ids), int(first.argmax()), float(first.max()), int(second.argmax()), float(second.max()))


@dataclass(frozen=True)
class MultiLabel:
    """Several classes an image, or none, as the output's thresholds decide."""

    output: Output

    def right(self, probabilities: Floats, label_ids: Labels) -> NDArray[np.bool_]:
        exact: NDArray[np.bool_] = (self.output.present(probabilities) == (label_ids == 1)).all(axis=1)
        return exact

    def measure(self, probabilities: Floats, label_ids: Labels) -> MultiLabelAccuracy:
        return measure_several(probabilities, self.output.present(probabilities), label_ids == 1)

    def compare(self, first: Floats, second: Floats) -> Agreement:
        return agreement_of_several(first, second, (self.output.present(first), self.output.present(second)))

    def map_drop_points(self, first: Floats, second: Floats, label_ids: Labels) -> float:
        return 100 * (map_of(first, label_ids == 1) - map_of(second, label_ids == 1))

    def label_points(self, label_ids: Labels) -> float:
        return 100 / max(int(label_ids.sum()), 1)

    def faults(self, probabilities: Floats, label_ids: Labels) -> tuple[str, ...]:
        return faults_of_several(probabilities, self.output.present(probabilities), label_ids == 1)

    def worst(self, name: str, label_ids: Labels, first: Floats, second: Floats) -> WorstLabel:
        decided = self.output.present(np.stack([first, second]))
        apart = np.abs(first - second) + (decided[0] != decided[1])  # first a class that is decided otherwise
        k = int(apart.argmax())
        return WorstLabel(
            name=name,
            class_id=k,
            shown=bool(label_ids[k]),
            first_probability=float(first[k]),
            first_present=bool(decided[0, k]),
            second_probability=float(second[k]),
            second_present=bool(decided[1, k]),
        )


def measures_of(output: Output | None) -> Measures:
    """Return what predictions of this output are measured by; None: one class an image."""
    if output and output.several:
        return MultiLabel(output)
    return SingleLabel(complete=not (output and output.rejects_inside))


def _present(*, present: bool) -> str:
    return "present" if present else "absent"
