"""The record of a search: every trial, and the best one."""

from typing import ClassVar

from edgetl.compared import Compared
from edgetl.documents import Count, Document, Part, Share
from edgetl.overview import Overview
from edgetl.recipe import Recipe
from edgetl.wording import measured_on

NAME = "tune.json"


class TuningTrial(Part):
    """A network that was tried.

    Args:
        run: its run, a folder under trials/.
        epochs: of fine-tuning; 0: only a head was trained.
        learning_rate: of fine-tuning; None: only a head was trained.
        latency_ms: median latency of one image, int8.
        images: held-out training images that ranked it.
        top1_accuracy, top1_interval_95: of the int8 file on these images; None: it was over the budget and not trained.
        size_bytes: of that file.
        front: whether no other trial within the budget beats it in accuracy, latency and size.
    """

    run: str
    backbone: str
    alpha: float
    image_size: Count
    epochs: Count = 0
    learning_rate: float | None = None
    latency_ms: float
    images: Count = 0
    top1_accuracy: Share | None = None
    top1_interval_95: tuple[float, float] | None = None
    size_bytes: Count | None = None
    front: bool = False

    @property
    def network(self) -> str:
        """The backbone with its width, such as "mobilenet_v1 0.25"."""
        return f"{self.backbone} {self.alpha}"

    @property
    def named(self) -> str:
        """The network, its size and its learning rate."""
        rate = "" if self.learning_rate is None else f", learning rate {self.learning_rate:g}"
        return f"{self.network}, {self.image_size} px{rate}"


class TuningRecord(Document):
    """A search.

    Args:
        device: that latency was measured on.
        budget_ms: median latency that was allowed; 0: any.
        recipe: what all trials share.
        best: the most accurate trial within the budget; None: there is none.
        default: the trial of the recipe as it was; None: it was over the budget, or its weights could not be had.
        against_default: the best one compared with that, on images that ranked neither; None: it is the same, or there is none.
    """

    REMEDY: ClassVar[str] = "go on with the search: edgetl tune"

    device: str
    budget_ms: float
    recipe: Recipe
    best: TuningTrial | None
    default: TuningTrial | None = None
    against_default: Compared | None = None
    trials: tuple[TuningTrial, ...]

    @property
    def verdict(self) -> str:
        """Say what was won over the recipe as it was, by images that ranked no trial."""
        if self.best is None:
            return "no network is within the budget"
        if self.default is None:
            return f"{self.best.named}; the recipe as it was could not be tried, or is over the budget, so that there is nothing to compare"
        if self.against_default is None:
            return f"{self.best.named}, the recipe as it was: no other did better on {self.ranked_on}"
        return f"{self.best.named}, against the recipe as it was ({self.default.named}): {self.against_default}"

    @property
    def ranked_on(self) -> str:
        """The images that ranked the trials, in words."""
        return measured_on(max((one.images for one in self.trials), default=0), "held-out training image")

    def overview(self) -> Overview:
        """Return a row for each trial."""
        rows = [
            (
                one.network,
                f"{one.image_size}",
                f"{one.epochs}",
                f"{one.latency_ms:.2f}",
                "" if one.top1_accuracy is None else f"{100 * one.top1_accuracy:.1f}",
                "" if one.size_bytes is None else f"{one.size_bytes / 1024:,.0f}",
                "best" if one == self.best else "",
            )
            for one in self.trials
        ]
        notes = [f"top-1, which ranks, is of {self.ranked_on}", self.verdict]
        return Overview(f"Search on {self.device}", ("network", "px", "epochs", "latency ms", "top-1 %", "KiB", ""), rows, notes)

    @property
    def accurate(self) -> list[TuningTrial]:
        """The trials whose accuracy was measured."""
        return [trial for trial in self.trials if trial.top1_accuracy is not None]
