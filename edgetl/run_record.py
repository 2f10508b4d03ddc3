"""The record of a run (run.json): its recipe, the software that made it, and what each finished stage wrote and found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from statistics import median
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import Field

from edgetl.accuracy import MultiLabelAccuracy
from edgetl.compared import Compared, MeasuringSplit, Truth
from edgetl.documents import Count, Document, Part, RelativePath, Share, maker
from edgetl.errors import RunError, UsageError
from edgetl.float_record import FloatChoice, FoundRejection, Imported, NetworkFacts, ScaledTemperature, Teacher, UnfreezeFacts
from edgetl.input import Batch
from edgetl.int8_record import Distance, Int8Choice
from edgetl.output import Task, Thresholds
from edgetl.recipe import Recipe, restore
from edgetl.recipe_tables import AboutTable

Found = TypeVar("Found", bound=Part)


@dataclass(frozen=True)
class Epoch:
    """Mean loss and top-1 accuracy during an epoch on the training images, and after it on held-out images, see `chosen.judged_on`."""

    loss: float
    accuracy: Share
    val_accuracy: Share
    val_loss: float
    seconds: float | None = None


@dataclass(frozen=True)
class Training:
    """The epochs of one training in order, and the number of the best one, starting at 1; 0: none was better than the start."""

    epochs: tuple[Epoch, ...]
    best_epoch: Count

    def __post_init__(self) -> None:
        if not self.epochs or self.best_epoch > len(self.epochs):
            raise ValueError(f"there is no epoch {self.best_epoch} among {len(self.epochs)}")

    @property
    def best(self) -> Epoch | None:
        """The epoch whose weights were kept; None: the weights from before the training were kept."""
        return self.epochs[self.best_epoch - 1] if self.best_epoch else None


def seconds_per_epoch(epochs: Sequence[Epoch]) -> float:
    """Return how long an epoch takes, the first one, which prepares, left out where there are more; 0: that was not recorded."""
    return median([epoch.seconds or 0.0 for epoch in epochs[1:] or epochs] or [0.0])


@dataclass(frozen=True)
class Compression:
    """The composition of a compressed model: number of weights, share of zeros, and the most clusters in one kernel (None: no clusters)."""

    weights: Count
    zero_fraction: Share
    zero_fraction_by_layer: dict[str, Share]
    clusters: Count | None


@dataclass(frozen=True)
class CalibrationImages:
    """The images that ranges were calibrated on: how many, and the identity of their contents."""

    images: Count
    sha256: str


@dataclass(frozen=True)
class RangeMethod:
    """The way that ranges were found; `kl`: mean KL divergence from the float model in nats, by way, where the recipe names none."""

    name: str
    kl: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingBudget:
    """How long a model was trained, and at which learning rate."""

    head_epochs: Count
    epochs: Count
    learning_rate: float
    seconds: float


@dataclass(frozen=True)
class BaselineSide:
    """One of the two models of a comparison with a baseline."""

    top1_accuracy: Share | None
    top1_interval_95: tuple[Share, Share] | None
    loss: float
    budget: TrainingBudget
    multi_label: MultiLabelAccuracy | None = None


class DataFacts(Part):
    """The images of a run: identity of their contents, number of images by split, files left out, and what says which class is right.

    `task`: whether each is of one class, or shows any number of them.
    """

    kind: Literal["data"] = "data"
    fingerprint: str
    counts: dict[str, Count]
    class_names: tuple[str, ...]
    rejected: Count
    excluded: Count
    truth: Truth = "labels"
    task: Task = "single-label"

    @property
    def measuring_split(self) -> MeasuringSplit:
        """The split whose images measure: the test split of a source that has one."""
        return "test" if self.images("test") else "val"

    def images(self, split: str) -> int:
        """Return the number of images of a split."""
        return self.counts.get(split, 0)


class FloatFacts(Part):
    """A float training: of the head alone, then of as much of the network as the recipe says (None: no such training).

    `network`: the network in words (older runs: empty). `imported`: made of a file instead. `held_out`: training images that chose.
    `trained_again`: what was kept was trained on these too.
    """

    kind: Literal["float"] = "float"
    network: str = ""
    device: str
    replicas: Count
    precision: str
    class_weights: tuple[float, ...]
    held_out: Count = 0
    head: Training | None = None
    fine_tuning: Training | None = None
    choice: FloatChoice | None = None
    trained_again: bool = False
    teacher: Teacher | None = None
    temperature: ScaledTemperature | None = None
    imported: Imported | None = None
    thresholds: Thresholds | None = None
    rejection: FoundRejection | None = None

    @property
    def kept(self) -> Epoch | None:
        """The epoch whose weights were kept: fine-tuning's, or the head's where that was not better; None: from before both."""
        return next(filter(None, (part.best for part in (self.fine_tuning, self.head) if part)), None)


class CompressFacts(Part):
    """A compression of the float model: pruning, then clustering, as far as the recipe asks; `cost`: compared with the model before."""

    kind: Literal["compress"] = "compress"
    pruning: Training | None = None
    clustering: Training | None = None
    achieved: Compression
    temperature: ScaledTemperature | None = None
    cost: Compared | None = None


class QuantizedFacts(Part):
    """An int8 model: the float model that it was made from, the way its ranges were found, its training or its distance from float."""

    kind: Literal["quantized"] = "quantized"
    float_inputs: str
    calibration: CalibrationImages
    ranges: RangeMethod
    training: Training | None = None
    distance: Distance | None = None


class ExportFacts(Part):
    """Model files of one precision: formats, what they say of the model, how the int8 model was chosen, and the batch that was asked."""

    kind: Literal["export"] = "export"
    formats: tuple[str, ...]
    about: AboutTable
    choice: Int8Choice | None = None
    batch: Batch = 1


class ValidateFacts(Part):
    """The verdict of a validation, and the sha256 of each file that it is about."""

    kind: Literal["validate"] = "validate"
    passed: bool
    files: dict[RelativePath, str]


class BaselineFacts(Part):
    """A run compared with a baseline, image by image on the images that measure; a gain is positive where the run is better."""

    kind: Literal["baseline"] = "baseline"
    baseline: str
    images: Count
    run: BaselineSide
    other: BaselineSide
    gain_points: float
    only_run: Count
    only_baseline: Count
    mcnemar_p: Share
    shown: bool
    verdict: str


StageFacts = Annotated[
    DataFacts | NetworkFacts | UnfreezeFacts | FloatFacts | CompressFacts | QuantizedFacts | ExportFacts | ValidateFacts | BaselineFacts,
    Field(discriminator="kind"),
]


class Stage(Part):
    """A finished stage: the identity of its inputs, when it was finished (UTC), its files with their sha256, and what it found."""

    inputs: str
    edgetl: str = ""
    finished: str
    seconds: Annotated[float, Field(ge=0)]
    files: dict[RelativePath, str]
    facts: StageFacts


class RunRecord(Document):
    """The record of a run. Its recipe is complete: settings that are newer than the run have their defaults."""

    REMEDY: ClassVar[str] = "use the edgetl version that made this run, or start again with --out naming another folder"

    created: str
    recipe: Recipe
    software: dict[str, str]
    stages: dict[str, Stage] = Field(default_factory=dict)

    @property
    def edgetl(self) -> str:
        return self.software.get("edgetl", "?")

    @classmethod
    def parse(cls, values: Any) -> Self:
        """Check plain JSON values. Raises ValueError that names the first place that is wrong, and the edgetl that wrote them."""
        if not isinstance(values, dict) or not isinstance(values.get("recipe"), dict):
            return super().parse(values)
        try:
            recipe = restore(values["recipe"])
        except UsageError as error:  # of another version of edgetl, or edited by hand
            problem = f"its recipe, made with edgetl {maker(values) or '?'}, is not one of edgetl {version('edgetl')}: {error.problem}"
            raise ValueError(problem) from None
        return super().parse({**values, "recipe": recipe.model_dump(mode="json")})

    def find(self, stage: str, kind: type[Found]) -> Found | None:
        """Return the facts of a stage; None where it is not finished. Raises RunError for facts of another class."""
        facts = self.stages[stage].facts if stage in self.stages else None
        if facts is not None and not isinstance(facts, kind):
            raise RunError(f"the stage '{stage}' of run.json has the facts of a stage '{facts.kind}'", self.REMEDY)
        return facts

    def integer_choice(self) -> Int8Choice | None:
        """Return how the integer model was chosen that was exported first; None: there is none."""
        return next((one.facts.choice for one in self.stages.values() if isinstance(one.facts, ExportFacts) and one.facts.choice), None)

    def unvalidated(self) -> dict[str, bool]:
        """Return the exported files that the validation is not about, and whether it is about an older file of that name."""
        facts = self.find("validate", ValidateFacts)
        exports = [stage.files for stage in self.stages.values() if isinstance(stage.facts, ExportFacts)] if facts else []
        models = {file: digest for files in exports for file, digest in files.items() if file.startswith("export/")}
        return {file: file in facts.files for file, digest in models.items() if facts and facts.files.get(file) != digest}

    @property
    def models(self) -> str:
        """The identity of the float and the integer model: another training has another; empty: there are none."""
        found = [stage.inputs for stage in self.stages.values() if isinstance(stage.facts, ExportFacts) and stage.facts.choice]
        found += [stage.inputs for stage in self.stages.values() if isinstance(stage.facts, QuantizedFacts)]
        return next(iter(found), "")

    def trainings(self) -> Iterator[tuple[str, Training]]:
        """Yield every training with its name, in order."""
        for name, facts in ((name, stage.facts) for name, stage in self.stages.items()):
            if isinstance(facts, FloatFacts):
                found = {"head": facts.head, name: facts.fine_tuning}
            elif isinstance(facts, CompressFacts):
                found = {"pruning": facts.pruning, "clustering": facts.clustering}
            else:
                found = {name: facts.training} if isinstance(facts, QuantizedFacts) else {}
            yield from ((part, training) for part, training in found.items() if training)
