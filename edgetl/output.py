"""The output of a model: a probability for each class, and from which probability on a class counts as present."""

from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from edgetl.accuracy import Metric
from edgetl.documents import Part
from edgetl.wording import counted

# A probability is a uint8 step of this size in int8 models: TFLite's fixed output grid of Softmax (quantization spec).
PROBABILITY_SCALE = 1.0 / 256.0
# Of more classes an unsure model gives each less than one step: they share steps or become 0, and their order is lost.
_MOST_CLASSES_IN_STEPS = round(1 / PROBABILITY_SCALE)

# From which a class of several counts as present unless thresholds were chosen: half, between two of those steps, so that all decide alike.
EVEN = 0.5 - PROBABILITY_SCALE / 2

OutputType = Literal["uint8", "float32"]
Task = Literal["single-label", "multi-label"]  # one class an image; any number of them, none included
_ACTIVATIONS: dict[Task, Literal["softmax", "sigmoid"]] = {"single-label": "softmax", "multi-label": "sigmoid"}
Probability = Annotated[float, Field(ge=0, le=1)]


class Thresholds(Part):
    """The probability from which on each class counts as present."""

    per_class: tuple[Probability, ...] = Field(description="in the order of the class names")


class Rejection(Part):
    """The rejection of images that show none of the classes: those whose highest probability is below the threshold."""

    threshold: Probability
    keep: Probability = Field(description="the share of images of the known classes that the threshold was chosen to keep")
    inside_the_model: bool = Field(
        description="the model itself tells unknown images apart and gives all classes low probabilities, whose sum is then below 1"
    )


class Output(Part):
    """The output: a probability for each class, float32 of a float model, and of an int8 model what `dtype` says."""

    name: str
    dtype: OutputType = Field(
        default="uint8",
        description="of int8 models: uint8 in steps of 1/256, or float32 from a float softmax or sigmoids, all that is not integer",
    )
    class_names: tuple[str, ...] = Field(min_length=2, description="K different names, in the order of the outputs")
    task: Task
    activation: Literal["softmax", "sigmoid"]
    activation_inside_the_model: bool
    thresholds: Thresholds | None
    rejection: Rejection | None

    @model_validator(mode="after")
    def _a_threshold_each(self) -> Self:
        if self.thresholds and len(self.thresholds.per_class) != len(self.class_names):
            raise ValueError(f"{counted(len(self.thresholds.per_class), 'threshold')} for {len(self.class_names)} classes")
        return self

    @model_validator(mode="after")
    def _as_the_task_wants_it(self) -> Self:
        if self.activation != _ACTIVATIONS[self.task]:
            raise ValueError(f"{self.task} predictions have a {_ACTIVATIONS[self.task]}, not a {self.activation}")
        if self.several and self.rejection:
            raise ValueError("multi-label predictions have no rejection: an image without classes is one that they know")
        return self

    @field_validator("class_names")
    @classmethod
    def _different(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) != len(names):
            raise ValueError("two classes have the same name")
        return names

    @property
    def ends_in_float(self) -> bool:
        """Whether int8 models give float32."""
        return self.dtype == "float32"

    @property
    def several(self) -> bool:
        """Whether an image may show several classes, or none."""
        return self.task == "multi-label"

    @property
    def rejects_inside(self) -> bool:
        """Whether models have a logit of unknown images, which takes its share of the probabilities and is not a class."""
        return bool(self.rejection and self.rejection.inside_the_model)

    @property
    def decides(self) -> bool:
        """Whether an image may show none of the classes: some threshold is set."""
        return bool(self.several or self.rejection or self.thresholds)

    @property
    def present_from(self) -> NDArray[np.float64]:
        """The probability from which on each class counts as present, float64 [K]; all 0 where every image is named."""
        classes = len(self.class_names)
        if self.several:
            return np.asarray(self.thresholds.per_class) if self.thresholds else np.full(classes, EVEN)
        least = self.rejection.threshold if self.rejection else 0.0
        return np.maximum(least, self.thresholds.per_class if self.thresholds else np.zeros(classes))

    def present(self, probabilities: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Return the decisions bool [N, K] for probabilities [N, K]: which classes each image shows.

        Of several classes those that reach their thresholds. Else the most probable class where it reaches its threshold; where it does
        not, the image shows none of the classes, and is unknown.
        """
        rows = np.asarray(probabilities)
        reached: NDArray[np.bool_] = rows >= self.present_from
        highest = np.arange(rows.shape[1]) == rows.argmax(axis=1)[:, None]
        return reached if self.several else reached & highest

    def present_names(self, probabilities: NDArray[np.floating]) -> tuple[tuple[str, ...], ...]:
        """Return the names of the classes that each of N images shows, for probabilities [N, K]; none of an unknown image."""
        return tuple(tuple(self.class_names[k] for k in np.flatnonzero(row)) for row in self.present(probabilities))


def output_type(task: Task, classes: int) -> OutputType:
    """Return what int8 models of so many classes give unless asked otherwise: float32 where uint8 steps would lose the order."""
    return "float32" if task == "single-label" and classes > _MOST_CLASSES_IN_STEPS else "uint8"


def grain(classes: int) -> float:
    """Return the probability that counts as one step: 1/256 as int8 models give it, less where a class's even share is less."""
    return min(PROBABILITY_SCALE, 1 / classes)


def metric_of(task: Task) -> Metric:
    """Return what models of a task are judged by."""
    return "mAP" if task == "multi-label" else "top-1"


def activation_of(task: Task) -> Literal["softmax", "sigmoid"]:
    """Return what makes probabilities of a task's logits: a sigmoid of each where several classes may be there."""
    return _ACTIVATIONS[task]
