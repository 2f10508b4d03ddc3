"""How good a model is, as documents record it: top-1 and what goes with it, or mAP where images may show several classes."""

from dataclasses import dataclass
from typing import Literal, Protocol

from edgetl.documents import Count, Share

Metric = Literal["top-1", "mAP"]  # what a model is judged by: of one class an image, and of several
Interval = tuple[Share, Share]


@dataclass(frozen=True)
class Accuracy:
    """Fractions in 0..1; loss is the mean cross-entropy in nats; the interval is Wilson's for top-1 at 95 %."""

    images: Count
    top1_accuracy: Share
    top1_interval_95: Interval
    top5_accuracy: Share
    macro_f1: Share
    loss: float

    @property
    def multi_label(self) -> None:
        """Nothing: each image has one class."""


@dataclass(frozen=True)
class MultiLabelAccuracy:
    """Fractions in 0..1 of a model that may find several classes on an image, or none.

    Args:
        mean_average_precision: the mean over the classes that some image shows of their average precision; 0 where there is none.
        map_interval_95: percentiles over resampled images.
        exact_match: the share of images all of whose classes are found, and no other; its interval is Wilson's.
        macro_f1, micro_f1: of the decisions, averaged over the classes, and of all decisions together.
        loss: mean binary cross-entropy of an image's class, in nats.
    """

    images: Count
    mean_average_precision: Share
    map_interval_95: Interval
    exact_match: Share
    exact_match_interval_95: Interval
    macro_f1: Share
    micro_f1: Share
    loss: float

    @property
    def top1_accuracy(self) -> None:
        """Nothing: an image has no one class."""

    @property
    def top1_interval_95(self) -> None:
        """Nothing: an image has no one class."""

    @property
    def multi_label(self) -> "MultiLabelAccuracy":
        """These metrics."""
        return self


AnyAccuracy = Accuracy | MultiLabelAccuracy


class HasAccuracy(Protocol):
    """A part of any document with what was measured of a model: top-1, or the metrics of several classes an image."""

    @property
    def top1_accuracy(self) -> float | None: ...
    @property
    def top1_interval_95(self) -> Interval | None: ...
    @property
    def multi_label(self) -> MultiLabelAccuracy | None: ...


@dataclass(frozen=True)
class Figure:
    """The one figure that a model is judged by, a fraction in 0..1, with its 95 % interval."""

    metric: Metric
    value: Share
    interval_95: Interval

    @property
    def texts(self) -> tuple[str, str]:
        """The value and its interval in percent: "93.20" and "91.5 to 94.7"."""
        low, high = self.interval_95
        return f"{100 * self.value:.2f}", f"{100 * low:.1f} to {100 * high:.1f}"

    def __str__(self) -> str:
        value, interval = self.texts
        return f"{value} ({interval})"


def figure(one: HasAccuracy) -> Figure:
    """Return what a model is judged by: mAP where images may show several classes, else top-1."""
    if found := one.multi_label:
        return Figure("mAP", found.mean_average_precision, found.map_interval_95)
    assert one.top1_accuracy is not None
    assert one.top1_interval_95 is not None
    return Figure("top-1", one.top1_accuracy, one.top1_interval_95)
