"""The document beside the card of a run: its measurements and its validation, with every interval and paired test."""

from typing import ClassVar, Self

from pydantic import Field, JsonValue

from edgetl.accuracy import Metric, MultiLabelAccuracy, figure
from edgetl.compared import Truth, of_split, right
from edgetl.documents import Count, Document, Part, Share
from edgetl.errors import RunError
from edgetl.evaluation.parity import REFERENCE, Pair
from edgetl.evaluation.unknowns import Rejecting, ThresholdChoice, Unknowns
from edgetl.evaluation.validation import Percentiles, Timing, Validation
from edgetl.float_record import Imported, NetworkFacts
from edgetl.input import Batch
from edgetl.int8_record import Int8Candidate, Int8Choice
from edgetl.micro.estimate import NpuEstimate
from edgetl.overview import Overview
from edgetl.run_record import DataFacts, FloatFacts, RunRecord
from edgetl.runtimes.base import Memory, with_memory
from edgetl.runtimes.cpu import CpuFacts
from edgetl.wording import counted


class Network(Part):
    """The network and the weights that its training started from; of one from elsewhere its file, and no width."""

    backbone: str
    alpha: float | None
    image_size: Count
    weights: str
    imported: Imported | None = None
    new_head: bool = Field(default=False, description="it was trained further here, under a new head")

    def __str__(self) -> str:
        return self.imported.file if self.imported else f"{self.backbone} {self.alpha:g}"


class CardData(Part):
    """The images: the last part of their source, the identity of their contents, and how many there are by split."""

    source: str
    fingerprint: str
    counts: dict[str, Count]
    classes: Count

    def images(self, split: str) -> int:
        """Return the number of images of a split."""
        return self.counts.get(split, 0)


class AgainstFloat(Part):
    """A model against the float model, image by image: points of top-1 or mAP lost, images lost and won, and the share predicted alike.

    Where images may show several classes, images are won, lost and alike by all of their classes (`exact_agreement`).
    """

    drop_points: float
    lost: Count
    won: Count
    mcnemar_p: Share
    top1_agreement: Share | None
    exact_agreement: Share | None = None

    @property
    def same(self) -> float:
        """The share of the images of which both say the same."""
        return (self.top1_agreement if self.exact_agreement is None else self.exact_agreement) or 0.0


class CardModel(Part):
    """Measurements of one model; `against_float` is None for the Keras models."""

    top1_accuracy: Share | None
    top1_interval_95: tuple[Share, Share] | None
    loss: float
    size_bytes: Count
    latency_ms: Percentiles
    against_float: AgainstFloat | None
    batch: Batch = 1
    multi_label: MultiLabelAccuracy | None = None
    memory: Memory | None = None


class RuntimeAgreement(Part):
    """How many predictions two files share that ought to agree."""

    first: str
    second: str
    top1_agreement: Share | None
    exact_agreement: Share | None = None


class Results(Document):
    """The measurements of a run and its validation in one document, with every interval and paired test."""

    REMEDY: ClassVar[str] = "make it again: edgetl card RUN"

    network: Network
    data: CardData
    recipe: dict[str, dict[str, JsonValue]]
    settings: dict[str, JsonValue] = Field(default_factory=dict, description="those of the recipe that are not the default ones")
    stage_seconds: dict[str, float]
    int8: Int8Choice | None
    models: dict[str, CardModel]
    runtimes: tuple[RuntimeAgreement, ...]
    measured_on: str = ""
    truth: Truth = "labels"
    chosen_by: str = ""
    unknown: Rejecting | None = Field(default=None, description="what unknown images were measured to do; null: none were")
    thresholds: ThresholdChoice | None = Field(default=None, description="of the classes; null: none were chosen")
    npu: tuple[NpuEstimate, ...] = Field(
        default=(), description="what Arm's compiler estimates of the int8 file on an Ethos-U; not measured"
    )
    npu_of: str = Field(default="", description="the file that was compiled for it, in words; empty: the run's own")
    passed: bool
    latency: Timing
    cpu: CpuFacts
    software: dict[str, str]

    @classmethod
    def of(
        cls, record: RunRecord, validation: Validation, unknowns: Unknowns | None = None, thresholds: ThresholdChoice | None = None
    ) -> Self:
        """Collect the results of a run, with what there is of rejection. Raises RunError when the record lacks the data stage."""
        data = record.find("data", DataFacts)
        if data is None:
            raise RunError("the run has read no images", "run the same 'edgetl train' command again")
        model, recipe, trained = record.recipe.model, record.recipe.without_folders(), record.find("float", FloatFacts)
        source, start = recipe.data.source, record.find("network", NetworkFacts)
        return cls(
            network=Network(
                backbone=model.backbone,
                alpha=None if model.imported else model.alpha,
                image_size=model.image_size,
                weights=model.start,
                imported=start.imported if start else trained.imported if trained else None,
                new_head=bool(start),
            ),
            data=CardData(source=source or "noise", fingerprint=data.fingerprint, counts=data.counts, classes=len(data.class_names)),
            recipe=recipe.model_dump(mode="json"),
            settings=recipe.settings(),
            stage_seconds={name: stage.seconds for name, stage in record.stages.items()},
            int8=record.integer_choice(),
            models=_models(validation),
            runtimes=tuple(
                RuntimeAgreement(
                    first=pair.tolerance.first,
                    second=pair.tolerance.second,
                    top1_agreement=pair.agreement.top1_agreement,
                    exact_agreement=_exact(pair),
                )
                for pair in validation.pairs
                if pair.tolerance.first != REFERENCE
            ),
            measured_on=validation.measured_on,
            truth=validation.truth,
            chosen_by=validation.chosen_by,
            unknown=unknowns.found if unknowns else None,
            thresholds=thresholds,
            passed=validation.passed,
            latency=validation.latency,
            cpu=validation.cpu,
            software=validation.software,
        )

    @property
    def metric(self) -> Metric:
        """The metric that the models are judged by."""
        return figure(next(iter(self.models.values()))).metric

    @property
    def candidates(self) -> list[Int8Candidate]:
        """The int8 models that were compared, without those that keep operators in float."""
        return [one for one in self.int8.candidates if not one.kept_float] if self.int8 else []

    @property
    def images_in_words(self) -> str:
        """The images that measured; results that do not record them were measured on validation images."""
        return self.measured_on or of_split(self.data.images("val"), "val")

    def overview(self) -> Overview:
        """Return a row for each model."""
        rows = [[name, str(figure(one)), f"{one.size_bytes / 1024:,.0f}", f"{one.latency_ms.p50:.2f}"] for name, one in self.models.items()]
        notes = [note for note in (f"{right(self.truth, self.metric)} on {self.images_in_words}", self.chosen_by) if note]
        shown = ("model", f"{right(self.truth, self.metric)} % (95 %)", "KiB", "p50 ms")
        columns, rows = with_memory(shown, rows, [one.memory for one in self.models.values()])
        return Overview(self.describe(), columns, rows, notes)

    def describe(self) -> str:
        """Return the network and the number of images in words."""
        network = f"{self.network} at {self.network.image_size} px"
        images = ", ".join(f"{count} {split}" for split, count in self.data.counts.items() if count)
        return f"{network} on {self.data.source} ({images} images, {counted(self.data.classes, 'class')})"


def _exact(pair: Pair) -> float | None:
    return pair.agreement.same if pair.agreement.top1_agreement is None else None


def _models(validation: Validation) -> dict[str, CardModel]:
    against_float = {
        name: AgainstFloat(
            drop_points=pair.drop_points,
            lost=pair.paired.only_a,
            won=pair.paired.only_b,
            mcnemar_p=pair.paired.mcnemar_p,
            top1_agreement=pair.agreement.top1_agreement,
            exact_agreement=_exact(pair),
        )
        for name, pair in validation.costs.items()
    }
    return {
        name: CardModel(
            top1_accuracy=subject.accuracy.top1_accuracy,
            top1_interval_95=subject.accuracy.top1_interval_95,
            loss=subject.accuracy.loss,
            size_bytes=subject.size_bytes,
            latency_ms=subject.latency_ms,
            batch=subject.batch,
            against_float=against_float.get(name),
            multi_label=subject.accuracy.multi_label,
            memory=subject.memory,
        )
        for name, subject in validation.subjects.items()
    }
