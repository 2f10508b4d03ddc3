"""The record of an int8 model: what was asked of it, which candidates there were, and which of them is exported."""

from dataclasses import dataclass

from edgetl.accuracy import MultiLabelAccuracy
from edgetl.documents import Count, Share
from edgetl.output import OutputType
from edgetl.wording import counted

NO_BUDGET = 100.0  # points of top-1, or mAP, that an int8 model may lose: any


@dataclass(frozen=True)
class Distance:
    """How far a calibrated model is from its float model on training images: mean KL divergence in nats, share of changed predictions."""

    images: Count
    kl: float
    changed: Share

    def __str__(self) -> str:
        return self.with_kl(f"{self.kl:.4f}")

    def with_kl(self, kl: str) -> str:
        """Return it in words, with the divergence in these digits."""
        return f"KL {kl} from float, {100 * self.changed:.1f} % of {counted(self.images, 'training image')} predicted otherwise"


@dataclass(frozen=True)
class Int8Request:
    """The demands of the recipe on the int8 model: operators kept in float, and the most points of top-1 or mAP that it may lose."""

    keep_float: tuple[str, ...]
    max_drop: float

    @property
    def has_budget(self) -> bool:
        """Whether not any drop is allowed."""
        return self.max_drop < NO_BUDGET


@dataclass(frozen=True)
class Int8Candidate:
    """An int8 model as LiteRT runs it; drop, images lost and won, and McNemar's p are against the float model.

    `kl`: mean KL divergence from the float model in nats; None: not recorded by that release. `multi_label`: in place of top-1 where images
    may show several classes; the drop is then of mAP, and lost and won are exact matches.
    """

    name: str
    top1_accuracy: Share | None
    top1_interval_95: tuple[Share, Share] | None
    loss: float
    drop_points: float
    lost: Count
    won: Count
    mcnemar_p: Share
    size_bytes: Count
    kept_float: tuple[str, ...] = ()
    kl: float | None = None
    multi_label: MultiLabelAccuracy | None = None


@dataclass(frozen=True)
class Int8Choice:
    """The int8 model that is exported and why; `within_budget` is None where the recipe sets no budget.

    The figures of `candidates` are of the images that chose among them, those of `chosen` of the images that measure.

    `steps_drop_points` is what float would lose in top-1 if its output had the steps of a uint8 output; None: the output is float32.
    """

    asked: Int8Request
    candidates: tuple[Int8Candidate, ...]
    chosen: Int8Candidate
    reason: str
    within_budget: bool | None = None
    output: OutputType = "uint8"
    steps_drop_points: float | None = None
