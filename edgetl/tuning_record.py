"""The record of a search: every trial, and the best one."""

from typing import ClassVar

from edgetl.documents import Count, Document, Part, Share
from edgetl.overview import Overview
from edgetl.recipe import Recipe

NAME = "tune.json"


class TuningTrial(Part):
    """A network that was tried.

    Args:
        run: its run, a folder under trials/.
        epochs: of fine-tuning; 0: only a head was trained.
        learning_rate: of fine-tuning; None: only a head was trained.
        latency_ms: median latency of one image, int8.
        top1_accuracy, top1_interval_95, size_bytes: of the int8 file; None: it was over the budget and not trained.
        front: whether no other trial within the budget beats it in accuracy, latency and size.
    """

    run: str
    backbone: str
    alpha: float
    image_size: Count
    epochs: Count = 0
    learning_rate: float | None = None
    latency_ms: float
    top1_accuracy: Share | None = None
    top1_interval_95: tuple[float, float] | None = None
    size_bytes: Count | None = None
    front: bool = False

    @property
    def network(self) -> str:
        """The backbone with its width, such as "mobilenet_v1 0.25"."""
        return f"{self.backbone} {self.alpha}"


class TuningRecord(Document):
    """A search.

    Args:
        device: that latency was measured on.
        budget_ms: median latency that was allowed; 0: any.
        recipe: what all trials share.
        best: the most accurate trial within the budget; None: there is none.
    """

    REMEDY: ClassVar[str] = "go on with the search: edgetl tune"

    device: str
    budget_ms: float
    recipe: Recipe
    best: TuningTrial | None
    trials: tuple[TuningTrial, ...]

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
        return Overview(f"Search on {self.device}", ("network", "px", "epochs", "latency ms", "top-1 %", "KiB", ""), rows)

    @property
    def accurate(self) -> list[TuningTrial]:
        """The trials whose accuracy was measured."""
        return [trial for trial in self.trials if trial.top1_accuracy is not None]
