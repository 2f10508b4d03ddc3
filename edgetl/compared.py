"""The record of two models on the same images, which chose neither of them."""

from dataclasses import dataclass
from typing import Literal

from edgetl.accuracy import Metric
from edgetl.documents import Count, Share
from edgetl.wording import counted, measured_on

SPLIT_NAMES = {"train": "training", "val": "validation", "test": "test"}
MeasuringSplit = Literal["val", "test"]
# What says which class is right: labels; without labels the predictions of the imported network itself, of images or of noise.
Truth = Literal["labels", "original", "noise"]
P_SIGNIFICANT = 0.05  # a test's p, corrected where there are several, below which a difference is called more than chance


@dataclass(frozen=True)
class MeasuredImages:
    """The images that figures are of: how many (0: not known), and in words (empty: there are none)."""

    count: Count = 0
    words: str = ""

    def __str__(self) -> str:
        return self.words


def of_split(images: int, split: str, truth: Truth = "labels") -> str:
    """Return a count of a split's images with what one of them is worth, where they are few."""
    return measured_on(images, "image of noise" if truth == "noise" else f"{SPLIT_NAMES[split]} image")


def right(truth: Truth, metric: Metric = "top-1") -> str:
    """Return what a share of right predictions is called: accuracy it is only by labels."""
    return metric if truth == "labels" else "as original"


@dataclass(frozen=True)
class Compared:
    """One model against another, image by image.

    Args:
        split: whose images measured.
        images: how many there are.
        accuracy, other_accuracy: top-1 of the one and of the other, or, where images may show several classes, their exact match.
        won, lost: images that only the one, and that only the other, gets right.
        interval_95: of the gain, in percentage points (Agresti and Min 2005).
        mcnemar_p: the probability of a split at least as uneven when neither is better.
        what: the accuracies are.
    """

    split: MeasuringSplit
    images: Count
    accuracy: Share
    other_accuracy: Share
    won: Count
    lost: Count
    interval_95: tuple[float, float]
    mcnemar_p: Share
    what: Literal["top-1", "exact match"] = "top-1"

    @property
    def gain_points(self) -> float:
        """Percentage points, positive where the one is better."""
        return 100.0 * (self.won - self.lost) / self.images

    @property
    def shown(self) -> bool:
        """Whether the difference is more than chance."""
        return self.mcnemar_p < P_SIGNIFICANT

    def __str__(self) -> str:
        low, high = self.interval_95
        verdict = ("a gain" if self.won > self.lost else "a loss") if self.shown else "no difference is shown"
        exact = "" if self.what == "top-1" else f"{self.what} "
        figures = f"{exact}{100 * self.accuracy:.2f} % against {100 * self.other_accuracy:.2f} % on {of_split(self.images, self.split)}"
        return (
            f"{figures}: {self.gain_points:+z.2f} points (95 % interval {low:+z.1f} to {high:+z.1f}), "
            f"{counted(self.won, 'image')} won, {self.lost:,} lost, McNemar p {self.mcnemar_p:.2g}: {verdict}"
        )
