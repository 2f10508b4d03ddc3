"""The record of a float model: which was kept and what chose it, what it learned from beside the labels, and its temperature."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from edgetl.accuracy import Metric
from edgetl.compared import MeasuringSplit, of_split
from edgetl.documents import Count, Part, Share
from edgetl.output import Rejection
from edgetl.wording import counted, counted_for, measured_on


@dataclass(frozen=True)
class ScaledTemperature:
    """The temperature that the logits were divided by. Errors are expected calibration errors, losses are in nats."""

    temperature: float
    images: Count
    calibration_error_before: Share
    calibration_error_after: Share
    loss_before: float
    loss_after: float


def judged(metric: Metric, value: float, digits: int = 1) -> str:
    """Return what a training was judged by in words."""
    share = f"{100 * value:.{digits}f} %"
    return f"{share} right" if metric == "top-1" else f"mAP {share}"


@dataclass(frozen=True)
class FloatChoice:
    """The float model that was kept, and what chose it.

    Args:
        kept: "fine-tuned", or "head": fine-tuning did worse on these images, and the network is as it was before.
        images: training images that chose, and that neither model had learned from.
        head_accuracy, head_loss: of the head on these images.
        accuracy, loss: of the fine-tuned network on them.
        metric: what the accuracies are.
    """

    kept: Literal["fine-tuned", "head"]
    images: Count
    head_accuracy: Share
    head_loss: float
    accuracy: Share
    loss: float
    metric: Metric = "top-1"

    def __str__(self) -> str:
        tuned, head = (judged(self.metric, value) for value in (self.accuracy, self.head_accuracy))
        as_right = f"as often right, but with a loss of {self.loss:.3f} against {self.head_loss:.3f}"
        worse = as_right if self.accuracy == self.head_accuracy else f"it did worse: {100 * self.accuracy:.1f} %"
        said = {
            "fine-tuned": f"fine-tuned, {tuned} (its head alone: {100 * self.head_accuracy:.1f} %)",
            "head": f"the head alone, {head} (fine-tuned {worse})",
        }
        return f"{said[self.kept]} {'of' if self.metric == 'top-1' else 'on'} {counted_for(self.images, 'held-out image', self.metric)}"


@dataclass(frozen=True)
class TriedPreprocessing:
    """A way to feed an imported network, with what it then gets right of so many training images, and its loss in nats.

    The loss is that at the temperature that suits the logits best.
    """

    preprocessing: str
    resize: str
    images: Count
    right: Count
    loss: float


@dataclass(frozen=True)
class Borders:
    """The difference that another padding of the image makes: predictions that change, and the mean of an image's largest |dp|."""

    images: Count
    changed: Count
    mean_abs_dp: float

    def __str__(self) -> str:
        return f"{self.changed} of {counted(self.images, 'prediction')} change, probabilities by {self.mean_abs_dp:.2g} on average"


_CUT = {"crop": "cropped", "stretch": "stretched"}


@dataclass(frozen=True)
class Reached:
    """Holds what an imported network gets right of the images that measure."""

    split: MeasuringSplit
    images: Count
    right: Count

    def __str__(self) -> str:
        return f"top-1 {100 * self.right / self.images:.2f} % on {of_split(self.images, self.split)}"


@dataclass(frozen=True)
class ByteGrid:
    """The 256 values `scale * (q - zero_point)` that a file's input or output is on; q is from -128 to 127, of unsigned bytes 128 less."""

    scale: float
    zero_point: int


@dataclass(frozen=True)
class Imported:
    """The file that a float model was made of, and how it is fed.

    Args:
        file: its name.
        producer: the program that wrote it, empty where it does not say.
        activation: softmax, sigmoid or empty, as the file has it behind its logits.
        preprocessing, resize: the convention that pixels are made its input by, and whether images are cropped or stretched.
        reason: why this one.
        same_at_borders: whether the float model pads the image with the very pixel that the file pads it with.
        borders: what it costs where it does not.
        channels_first: the file takes [N, C, H, W].
        takes, gives: the grids of its input and of its outputs; None: they are real numbers.
        quantized: its numbers are integers, which the run's int8 model has as they are; the float model is what they stand for.
        tried: all that were measured.
        doubt: why it may be of no use, a sentence without its end; empty: it knows the classes, or nothing says whether.
        reached: what it gets right here, in real numbers or by its own integers; None: there are no labels, or it was trained further.
    """

    file: str
    sha256: str
    producer: str
    activation: str
    preprocessing: str
    resize: str
    reason: str
    same_at_borders: bool
    channels_first: bool = False
    takes: ByteGrid | None = None
    gives: ByteGrid | None = None
    quantized: bool = False
    borders: Borders | None = None
    tried: tuple[TriedPreprocessing, ...] = ()
    doubt: str = ""
    reached: Reached | None = None

    def __str__(self) -> str:
        padded = f"; padded with another pixel: {self.borders}" if self.borders else ""
        own = "; quantized already: the integers are its own, nothing was trained or calibrated" if self.quantized else ""
        reached = f"; {self.reached}" if self.reached else ""
        return f"{self.file}{reached}; fed as {self.preprocessing}, {_CUT[self.resize]}: {self.reason}{padded}{own}"

    @property
    def described(self) -> str:
        """Where it comes from and how it is fed, in words."""
        by = f", written by {self.producer}" if self.producer else ""
        padded = f"; for a padding with one pixel in all colours {self.borders}" if self.borders else ""
        return f"imported from {self.file}{by}; fed as {self.preprocessing}, with images {_CUT[self.resize]}{padded}"


@dataclass(frozen=True)
class FoundRejection:
    """How a float model tells unknown images apart, found on training images that it had not learned from.

    Args:
        threshold: the lowest highest probability of an image that is named.
        keep: the share of these images that it keeps.
        images: number of these.
        inside: the model has a logit of unknown images: how unknown an image is, times `scale`, plus `offset`.
        background: unknown images that it learned from.
        made: made ones that it learned from.
    """

    threshold: Share
    keep: Share
    images: Count
    inside: bool
    scale: float = 0.0
    offset: float = 0.0
    background: Count = 0
    made: Count = 0

    @property
    def rejection(self) -> Rejection:
        """The part of the contract that says it."""
        return Rejection(threshold=self.threshold, keep=self.keep, inside_the_model=self.inside)

    def __str__(self) -> str:
        kinds = {"background image": self.background, "made image": self.made}
        learned = " and ".join(counted(count, kind) for kind, count in kinds.items() if count)
        how = "by a logit of their own and the probability" if self.inside else "by the probability alone"
        kept = f"below {self.threshold:.3f}, which keeps {100 * self.keep:g} % of {measured_on(self.images, 'held-out image')}"
        return f"images are rejected {how}, {kept}" + (f"; learned from {learned}" if learned else "")


class NetworkFacts(Part):
    """The network of a file that a training starts from, in place of a backbone, under a new head.

    `features`: shape of what the head reads. `norms`: batch norms that were put behind its convolutions.
    """

    kind: Literal["network"] = "network"
    imported: Imported
    features: tuple[Count, ...]
    norms: Count


@dataclass(frozen=True)
class Teacher:
    """The network whose predictions were learned from beside the labels: the name of its run, and how long its training took."""

    run: str
    backbone: str
    alpha: float
    image_size: Count
    seconds: float

    def __str__(self) -> str:
        return f"{self.backbone} {self.alpha:g} at {self.image_size} px, trained in {self.seconds:.0f} s"


@dataclass(frozen=True)
class Trial:
    """How much was unfrozen, and the lowest mean cross-entropy on a slice of the training images with the accuracy of that epoch."""

    unfreeze: str
    learning_rate: float
    loss: float
    accuracy: Share


class UnfreezeFacts(Part):
    """The best of the trials of how much to unfreeze at which learning rate; `trials` has the best one first."""

    kind: Literal["unfreeze"] = "unfreeze"
    trials: Annotated[tuple[Trial, ...], Field(min_length=1)]

    @property
    def chosen(self) -> Trial:
        return self.trials[0]
