"""The record of a search: every trial, and the best one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from edgetl.compared import Compared, MeasuredImages
from edgetl.documents import Count, Document, Part, Share
from edgetl.input import Channels
from edgetl.micro.estimate import LEGEND
from edgetl.overview import Overview
from edgetl.recipe import Recipe
from edgetl.wording import measured_on

NAME = "tune.json"
MEMORY_COLUMNS = ("arena KiB", "flash KiB")
_KIB = 1024
_MEASURED = "arena: working memory that TensorFlow Lite Micro's interpreter measured, and a tenth to spare; flash: the model alone"


class TuningTrial(Part):
    """A network that was tried.

    Args:
        run: its run, a folder under trials/.
        epochs: of fine-tuning; 0: only a head was trained.
        learning_rate: of fine-tuning; None: only a head was trained.
        latency_ms: median latency of one image, int8; None: the device has none.
        arena_bytes: working memory on a microcontroller; None: it was not asked for. flash_bytes: the model there.
        estimated: latency and memory are estimates of Arm's compiler; else memory is measured, with a tenth to spare, and latency too.
        images: held-out training images that ranked it.
        top1_accuracy, top1_interval_95: of the int8 file on these images; None: it was over the budget and not trained.
        size_bytes: of that file.
        front: whether no other trial within the budget beats it in accuracy, latency, size and working memory.
    """

    run: str
    backbone: str
    alpha: float
    image_size: Count
    channels: Channels = "RGB"
    epochs: Count = 0
    learning_rate: float | None = None
    latency_ms: float | None = None
    arena_bytes: Count | None = None
    flash_bytes: Count | None = None
    estimated: bool = False
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
        """The network, its input and its learning rate."""
        rate = "" if self.learning_rate is None else f", learning rate {self.learning_rate:g}"
        return f"{self.network}, {self.input_text}{rate}"

    @property
    def input_text(self) -> str:
        """The size of its images, and that they are gray."""
        return f"{self.image_size} px{', gray' if self.channels == 'gray' else ''}"

    @property
    def cost(self) -> float:
        """The latency or, of a device without any, the working memory: what accuracy is bought with."""
        return self.latency_ms if self.latency_ms is not None else float(self.arena_bytes or 0)

    @property
    def cost_text(self) -> str:
        """Latency and memory in words."""
        latency = [] if self.latency_ms is None else [f"{'an estimated ' if self.estimated else ''}{self.latency_ms:.2f} ms"]
        memory = [] if self.arena_bytes is None else ["{} KiB of arena, {} KiB of flash".format(*self.memory_texts)]
        return ", ".join([*latency, *memory])

    @property
    def memory_texts(self) -> list[str]:
        """Working memory and flash in KiB."""
        return ["" if size is None else f"{size / _KIB:,.0f}" for size in (self.arena_bytes, self.flash_bytes)]


@dataclass(frozen=True)
class Budget:
    """A limit of each of the costs of a model; 0: any.

    Args:
        latency_ms: median latency of one image.
        arena_bytes, flash_bytes: working memory and model on a microcontroller.
    """

    latency_ms: float = 0.0
    arena_bytes: int = 0
    flash_bytes: int = 0

    @property
    def of_memory(self) -> bool:
        return bool(self.arena_bytes or self.flash_bytes)

    def over(self, trial: TuningTrial) -> str:
        """Say what a trial takes beyond the budget; empty: nothing."""
        texts = ("latency {:.2f} ms", 1), ("arena {:,.0f} KiB", _KIB), ("flash {:,.0f} KiB", _KIB)
        return "; ".join(
            f"{text.format(took / unit)}, allowed are {most / unit:g}"
            for (took, most), (text, unit) in zip(self._limits(trial), texts, strict=True)
            if took is not None and 0 < most < took
        )

    def excess(self, trial: TuningTrial | None) -> float:
        """Return by which part of the budget the trial is beyond it, where it is so most; at most 0: it is within."""
        if trial is None:
            return -1.0
        return max((took / most - 1 for took, most in self._limits(trial) if took is not None and most), default=-1.0)

    def _limits(self, trial: TuningTrial) -> tuple[tuple[float | None, float], ...]:
        """Return what a trial takes of each cost, None: nothing is known of it, and what it may take."""
        return (
            (trial.latency_ms, self.latency_ms),
            (trial.arena_bytes, self.arena_bytes),
            (trial.flash_bytes, self.flash_bytes),
        )


class TuningRecord(Document):
    """A search.

    Args:
        device: that latency was measured on.
        budget_ms, arena_budget_bytes, flash_budget_bytes: what was allowed, see `Budget`; 0: any.
        recipe: what all trials share.
        best: the most accurate trial within the budget; None: there is none.
        default: the trial of the recipe as it was; None: it was over the budget, or its weights could not be had.
        against_default: the best one compared with that, on images that ranked neither; None: it is the same, or there is none.
    """

    REMEDY: ClassVar[str] = "go on with the search: edgetl tune"

    device: str
    budget_ms: float
    arena_budget_bytes: Count = 0
    flash_budget_bytes: Count = 0
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
            return f"{self.best.named}, the recipe as it was: no other did better on {self.ranking_images}"
        return f"{self.best.named}, against the recipe as it was ({self.default.named}): {self.against_default}"

    @property
    def ranking_images(self) -> MeasuredImages:
        """The images that ranked the trials."""
        count = max((one.images for one in self.trials), default=0)
        return MeasuredImages(count, measured_on(count, "held-out training image"))

    @property
    def estimated(self) -> bool:
        """Whether latency and memory are those of Arm's compiler, and nothing was run."""
        return any(one.estimated for one in self.trials)

    @property
    def timed(self) -> bool:
        """Whether the device has a latency."""
        return any(one.latency_ms is not None for one in self.trials)

    @property
    def memory_note(self) -> str:
        """Say what the figures of memory are; empty: there are none."""
        return LEGEND if self.estimated else _MEASURED if any(one.arena_bytes is not None for one in self.trials) else ""

    def with_memory(
        self, columns: Sequence[str], rows: Sequence[list[str]], trials: Sequence[TuningTrial]
    ) -> tuple[list[str], list[list[str]]]:
        """Return a table with each trial's memory in columns before the last one; as it is where none was asked for."""
        if not self.memory_note:
            return list(columns), list(rows)
        texts = [one.memory_texts for one in trials]
        return [*columns[:-1], *MEMORY_COLUMNS, columns[-1]], [[*row[:-1], *more, row[-1]] for row, more in zip(rows, texts, strict=True)]

    def overview(self) -> Overview:
        """Return a row for each trial."""
        rows = [
            [
                one.network,
                one.input_text.replace(" px", ""),
                f"{one.epochs}",
                "" if one.latency_ms is None else f"{one.latency_ms:.2f}",
                "" if one.top1_accuracy is None else f"{100 * one.top1_accuracy:.1f}",
                "" if one.size_bytes is None else f"{one.size_bytes / 1024:,.0f}",
                "best" if one == self.best else "",
            ]
            for one in self.trials
        ]
        notes = [f"top-1, which ranks, is of {self.ranking_images}", *filter(None, [self.memory_note]), self.verdict]
        shown = ("network", "px", "epochs", f"{'estimated' if self.estimated else 'latency'} ms", "top-1 %", "KiB", "")
        return Overview(f"Search on {self.device}", *self.with_memory(shown, rows, self.trials), notes)

    @property
    def accurate(self) -> list[TuningTrial]:
        """The trials whose accuracy was measured."""
        return [trial for trial in self.trials if trial.top1_accuracy is not None]
