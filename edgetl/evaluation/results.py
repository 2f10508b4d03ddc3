"""The documents that `evaluate`, `compare` and `learning-curve` write: evaluation.json, compare.json and learning_curve.json."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from edgetl.accuracy import Metric, MultiLabelAccuracy, figure
from edgetl.compared import P_SIGNIFICANT, MeasuringSplit, of_split
from edgetl.documents import Count, Document, Part, Share
from edgetl.evaluation.curve import CurvePoint, Doubled, PowerLaw
from edgetl.evaluation.multi_label_scores import MultiLabelScores
from edgetl.evaluation.scores import Scores
from edgetl.evaluation.statistics import Paired
from edgetl.evaluation.unknowns import Rejecting, ThresholdChoice
from edgetl.overview import Overview
from edgetl.wording import counted, ends

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("val", "test", "train")


class SplitCounts(Part):
    """Images of the two splits that cross-validation uses."""

    train: Count
    val: Count


class CrossValidation(Part):
    """Cross-validation of the head alone: each image is predicted by a head that was trained without it."""

    folds: Annotated[int, Field(ge=2)]
    images: SplitCounts
    backbone: str = Field(description="the network and the weights that compute the features")
    caveat: str
    notes: tuple[str, ...]
    fold_accuracies: tuple[Share, ...]
    mean_accuracy: Share
    std_accuracy: Annotated[float, Field(ge=0)]
    pooled: Scores = Field(description="scores over all folds together")
    assignment: str = Field(description="fingerprint of which image is in which fold")


class Evaluation(Document):
    """Scores of a run's models on the images of one split."""

    REMEDY: ClassVar[str] = "make it again: edgetl evaluate RUN"

    run: str = Field(description="name of the run's folder")
    split: Split
    data_fingerprint: str
    class_names: tuple[str, ...]
    caveat: str = Field(description="why the scores may be optimistic; empty: they are not")
    chosen_by: str = Field(default="", description="what chose the models and what measured them; empty: these images do neither")
    models: dict[str, Scores | MultiLabelScores]
    cross_validation: CrossValidation | None = None
    rejection: Rejecting | None = Field(default=None, description="null: no threshold is set, and there were no unknown images")
    thresholds: ThresholdChoice | None = Field(default=None, description="of the classes, where the contract has any that were chosen")
    plot_description: str = Field(default="", description="alternative text of evaluation.png")

    @model_validator(mode="after")
    def _scores_every_class(self) -> Self:
        if not self.models:
            raise ValueError("it has no model")
        crossed = [self.cross_validation.pooled] if self.cross_validation else []
        classes = len(self.class_names)
        for scores in (*self.models.values(), *crossed):
            confusion = scores.confusion if isinstance(scores, Scores) else [[0] * classes] * classes  # several classes are not confused
            if not len(scores.classes) == len(confusion) == classes or {len(row) for row in confusion} - {classes}:
                raise ValueError(f"its scores are not for {classes} classes")
        return self

    @property
    def single_label(self) -> dict[str, Scores]:
        """The scores by model where each image has one class; else empty."""
        return {name: one for name, one in self.models.items() if isinstance(one, Scores)}

    @property
    def multi_label(self) -> dict[str, MultiLabelScores]:
        """The scores by model where images may show several classes; else empty."""
        return {name: one for name, one in self.models.items() if isinstance(one, MultiLabelScores)}

    @property
    def images(self) -> int:
        """Number of images that every model was evaluated on."""
        return next(iter(self.models.values())).images

    @property
    def measured_on(self) -> str:
        """The images, with what one of them is worth."""
        return of_split(self.images, self.split)

    def overview(self) -> Overview:
        """Return a row for each model, and one for the cross-validation."""
        title, notes = f"Evaluation of {self.run} on {self.measured_on}", [note for note in (self.caveat, self.chosen_by) if note]
        if several := self.multi_label:
            rows = [_multi_label_row(name, scores) for name, scores in several.items()]
            columns = ("model", "mAP %", "95 % interval", "exact match %", "macro F1 %", "loss")
            return Overview(
                f"Evaluation of {self.run} on {self.measured_on}", columns, rows, [note for note in (self.caveat, self.chosen_by) if note]
            )
        rows = [_scores_row(name, scores) for name, scores in self.single_label.items()]
        if self.cross_validation:
            rows.append(_scores_row(f"head, {self.cross_validation.folds} folds", self.cross_validation.pooled))
        columns = ("model", "top-1 %", "95 % interval", "macro F1 %", "loss", "calibration error %")
        if self.rejection:
            notes += [*self.rejection.notes(), *self.rejection.sentences(), *self.rejection.caveats()]
        return Overview(title, columns, rows, notes)


class ComparedRun(Part):
    """One run's model: top-1 or multi-label accuracy on the common images, loss in nats, size and median latency (None: not validated)."""

    run: str
    model: str
    architecture: str
    top1_accuracy: Share | None
    top1_interval_95: tuple[Share, Share] | None
    loss: float
    size_bytes: Count
    latency_p50_ms: Annotated[float, Field(ge=0)] | None
    multi_label: MultiLabelAccuracy | None = None


class ComparedPair(Part):
    """The paired test of two runs; `holm_p` is McNemar's p corrected for the number of pairs."""

    first: str
    second: str
    paired: Paired
    holm_p: Share

    @property
    def significant(self) -> bool:
        """Return whether the difference is more than chance explains."""
        return self.holm_p < P_SIGNIFICANT

    def shows(self, better: str) -> bool:
        """Return whether the run of that name is better by more than chance explains; one of more mAP need not match exactly more often."""
        return self.significant and (self.paired.drop_points > 0) is (better == self.first)


class Comparison(Document):
    """Several runs on the same images that measure, with a paired test of every two."""

    REMEDY: ClassVar[str] = "make it again: edgetl compare RUN RUN"

    images: Annotated[int, Field(ge=1)]
    split: MeasuringSplit = "val"
    runs: Annotated[tuple[ComparedRun, ...], Field(min_length=2)]
    pairs: tuple[ComparedPair, ...]
    plot_description: str = Field(default="", description="alternative text of compare.png")

    @property
    def measured_on(self) -> str:
        """The images, with what one of them is worth."""
        return of_split(self.images, self.split)

    @property
    def best_first(self) -> list[ComparedRun]:
        """The runs by decreasing accuracy, then by increasing loss."""
        return sorted(self.runs, key=lambda run: (-figure(run).value, run.loss))

    @property
    def metric(self) -> Metric:
        """The metric that the runs are compared by."""
        return figure(self.runs[0]).metric

    def pair(self, one: ComparedRun, other: ComparedRun) -> ComparedPair | None:
        """Return the test of two runs, None for a run and itself."""
        return next((pair for pair in self.pairs if {pair.first, pair.second} == {one.run, other.run}), None)

    def overview(self) -> Overview:
        """Return a row for each run, best first."""
        rows, best = [], self.best_first[0]
        for run in self.best_first:
            pair = self.pair(best, run)
            sizes = [f"{run.size_bytes / 1024:,.0f}", "" if run.latency_p50_ms is None else f"{run.latency_p50_ms:.2f}"]
            accuracy = _accuracy(figure(run).value, figure(run).interval_95)
            rows.append([run.run, run.model, *accuracy, *sizes, f"{pair.holm_p:.3f}" if pair else ""])
        columns = ("run", "model", f"{self.metric} %", "95 % interval", "KiB", "p50 ms", "Holm p against the best")
        return Overview(f"Comparison on {self.measured_on}", columns, rows, [self.summary()])

    def summary(self) -> str:
        """Return which run is best, and which differences to it may be chance, in a sentence."""
        best, *others = self.best_first
        beaten = [other.run for other in others if (pair := self.pair(best, other)) and pair.shows(best.run)]
        what = "accuracy" if self.metric == "top-1" else self.metric
        if not beaten:
            return f"{best.run} has the highest {what}, but no difference to it is significant: it may be chance"
        level = [other.run for other in others if other.run not in beaten]
        return f"{best.run} is better than {', '.join(beaten)}" + (f"; its lead over {', '.join(level)} may be chance" if level else "")


class LearningCurve(Document):
    """Accuracy by number of training images, and what a power law predicts for twice as many."""

    REMEDY: ClassVar[str] = "make it again: edgetl learning-curve DATA"

    data_fingerprint: str
    model: str
    caveat: str
    seeds: Annotated[int, Field(ge=1)]
    validation_images: Annotated[int, Field(ge=1)]
    points: Annotated[tuple[CurvePoint, ...], Field(min_length=1)]
    law: PowerLaw | None
    doubled: Doubled | None
    plot_description: str = Field(default="", description="alternative text of learning_curve.png")

    @model_validator(mode="after")
    def _law_and_its_prediction(self) -> Self:
        if (self.law is None) != (self.doubled is None):
            raise ValueError("it has a power law without its prediction, or the other way round")
        return self

    def overview(self) -> Overview:
        """Return a row for each number of training images."""
        rows = [[f"{one.images:,}", *_accuracy(one.accuracy, one.interval_95)] for one in self.points]
        notes = [f"measured on {self.measured_on}", self.summary()]
        return Overview(f"Learning curve of {self.model}", ("training images", "top-1 %", "95 % interval"), rows, notes)

    @property
    def measured_on(self) -> str:
        """The validation images, with what one of them is worth; they chose nothing, the heads' schedule being fixed."""
        return of_split(self.validation_images, "val")

    def summary(self) -> str:
        """Return what twice as many images would bring, in a sentence or two."""
        if self.law is None or self.doubled is None:
            return f"{counted(len(self.points), 'size')} {'is' if len(self.points) == 1 else 'are'} too few for a power law: add images"
        low, high = self.doubled.gain_interval_95
        text = (
            f"Twice as many images ({self.doubled.images:,}) would bring {self.doubled.gain_points:+z.1f} percentage points "
            f"({low:+z.1f} to {high:+z.1f}), to {100 * self.doubled.accuracy:.1f} %"
        )
        if self.law.predicted_accuracy is None:
            return text
        predicted, measured = 100 * self.law.predicted_accuracy, 100 * self.points[-1].accuracy
        return f"{text}. As a check: the smaller sizes alone predict {predicted:.1f} % for the largest, which has {measured:.1f} %"


def _accuracy(value: float, interval: tuple[float, float]) -> list[str]:
    text = f"{100 * value:.2f}"
    return [text, " to ".join(ends(text, interval))]


def _scores_row(name: str, scores: Scores) -> list[str]:
    accuracy = _accuracy(scores.top1_accuracy.value, scores.top1_accuracy.interval_95)
    others = [f"{100 * scores.macro.f1.value:.2f}", f"{scores.loss.value:.3f}", f"{100 * scores.calibration_error.value:.1f}"]
    return [name, *accuracy, *others]


def _multi_label_row(name: str, scores: MultiLabelScores) -> list[str]:
    figures = _accuracy(scores.mean_average_precision.value, scores.mean_average_precision.interval_95)
    return [name, *figures, f"{100 * scores.exact_match.value:.2f}", f"{100 * scores.macro.f1.value:.2f}", f"{scores.loss.value:.3f}"]
