"""The proof of a run as a document: what each model gets right, how the models agree, how fast they are, and on which machine."""

from typing import ClassVar, Self

from pydantic import Field, model_validator

from edgetl.accuracy import AnyAccuracy, Metric, figure
from edgetl.compared import MeasuringSplit, Truth, of_split, right
from edgetl.documents import Count, Document, Part
from edgetl.errors import RunError
from edgetl.evaluation.parity import REFERENCE, Pair
from edgetl.input import Batch
from edgetl.overview import Overview
from edgetl.run_folder import RunFolder
from edgetl.runtimes.base import Memory, on_this_computer, with_memory
from edgetl.runtimes.cpu import CpuFacts
from edgetl.wording import batches


class Percentiles(Part):
    """The median and the 90th percentile of a measured time, in ms."""

    p50: float = Field(ge=0)
    p90: float = Field(ge=0)


class Timing(Part):
    """How the latencies were measured."""

    warmup_runs: int = Field(ge=0)
    timed_runs: int = Field(ge=1)
    threads: str = Field(description="in words, since Keras takes all cores")
    batch: int = Field(ge=1, description="images an inference, of models that take one or any number")


class ValidatedModel(Part):
    """One model: a Keras model or an exported file."""

    file: str = Field(description="relative to the run")
    runtime: str
    precision: str
    accuracy: AnyAccuracy
    faults: tuple[str, ...] = Field(description="what is wrong with its predictions by themselves")
    size_bytes: Count
    latency_ms: Percentiles = Field(description="of one image, as its share of a batch")
    batch: Batch = Field(default=1, description="images that it takes at a time")
    memory: Memory | None = Field(default=None, description="what it takes of a microcontroller; null: it is for none")


class Validation(Document):
    """The findings of `edgetl validate`, in validation.json."""

    REMEDY: ClassVar[str] = "make it again: edgetl validate"

    passed: bool
    failures: tuple[str, ...] = Field(description="every reason for failing")
    images: int = Field(ge=1)
    split: MeasuringSplit = Field(default="val", description="whose images measured")
    unknown_images: Count = Field(default=0, description="images that show none of the classes, on which decisions were compared too")
    truth: Truth = Field(
        default="labels",
        description="what says which class is right: labels, or without them the imported network itself, of images or of noise; then "
        "accuracies are shares of predictions that are as that network's",
    )
    chosen_by: str = Field(default="", description="what chose the models and what measured them")
    class_names: tuple[str, ...]
    main: str = Field(description="name of the model that a run's figures are about: the int8 file, where there is one")
    subjects: dict[str, ValidatedModel] = Field(description="by the model's name, such as tflite_int8")
    pairs: tuple[Pair, ...]
    unverified: dict[str, str] = Field(description="models that cannot be run on this machine, with the reason")
    latency: Timing
    cpu: CpuFacts
    software: dict[str, str]

    @classmethod
    def of(cls, run: RunFolder, *, older: bool = False) -> Self:
        """Read a run's validation. Raises RunError when there is none, and unless `older` when a file was exported again since."""
        stage = run.stage("validate")
        if not run.is_done("validate", stage.inputs):
            raise RunError(f"{run.validation} is missing or was changed", f"run: edgetl validate {run.quoted}")
        again = [file for file, measured in run.read().unvalidated().items() if measured]
        if again and not older:
            raise RunError(f"{again[0]} was exported after the validation of {run.path}", f"run: edgetl validate {run.quoted}")
        return cls.read(run.validation)

    def overview(self) -> Overview:
        """Return a row for each model, and the verdict."""
        rows = []
        for name, one in self.subjects.items():
            accuracy = figure(one.accuracy).texts
            agreement = f"{100 * self.costs[name].agreement.same:.2f}" if name in self.costs else ""
            rows.append([name, *accuracy, agreement, f"{one.size_bytes / 1024:,.0f}", f"{one.latency_ms.p50:.2f}"])
        shown = ("model", f"{right(self.truth, self.metric)} %", "95 % interval", "same as float %", "KiB", "p50 ms")
        columns, rows = with_memory(shown, rows, [one.memory for one in self.subjects.values()])
        verdict = "passed" if self.passed else "FAILED"
        notes = [*self.failures, *([self.chosen_by] if self.chosen_by else []), *self.timing_notes]
        return Overview(f"Validation on {self.measured_on}: {verdict}", columns, rows, notes)

    @property
    def measured_on(self) -> str:
        """The images, with what one of them is worth."""
        return of_split(self.images, self.split, self.truth)

    @property
    def timing_notes(self) -> list[str]:
        """Return what is to be said of some latencies: "p50 is a share of a batch of 4 for NAME"."""
        shares = [f"p50 is a share of {batch}" for batch in batches({name: one.batch for name, one in self.subjects.items()})]
        return shares + on_this_computer({name: one.memory for name, one in self.subjects.items()})

    @property
    def metric(self) -> Metric:
        """The metric that the models are judged by."""
        return figure(self.float_model.accuracy).metric

    @property
    def float_model(self) -> ValidatedModel:
        """Return the float Keras model's figures."""
        return self.subjects[REFERENCE]

    @property
    def main_model(self) -> ValidatedModel:
        """Return the figures of the model that the run is about."""
        return self.subjects[self.main]

    @property
    def costs(self) -> dict[str, Pair]:
        """Return the comparison of each other model with the float model, by the other model's name."""
        return {pair.tolerance.second: pair for pair in self.pairs if pair.tolerance.first == REFERENCE}

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.passed is bool(self.failures):
            raise ValueError("passed and failures contradict each other")
        for name in (REFERENCE, self.main, *(name for pair in self.pairs for name in (pair.tolerance.first, pair.tolerance.second))):
            if name not in self.subjects:
                raise ValueError(f"it has no model '{name}'")
        classes = len(self.class_names)
        for pair in self.pairs:
            for image in pair.worst:
                if not all(0 <= label < classes for label in image.class_ids):
                    raise ValueError(f"an image of {pair.tolerance.second} has a class that does not exist")
        return self
