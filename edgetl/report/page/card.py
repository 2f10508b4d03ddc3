"""The card of a validated run: what the model is, what was measured, and by which commands; for `models/` and for colleagues."""

import json
from shlex import quote
from typing import ClassVar, Self

from pydantic import Field, JsonValue

from edgetl.compared import SPLIT_NAMES, Truth, of_split, right
from edgetl.contract import FREE_BATCH, Batch
from edgetl.documents import Count, Document, Part, Share
from edgetl.errors import RunError
from edgetl.evaluation.parity import REFERENCE
from edgetl.evaluation.unknowns import Rejecting, ThresholdChoice, Unknowns
from edgetl.evaluation.validation import Percentiles, Timing, Validation
from edgetl.float_record import Imported, NetworkFacts
from edgetl.int8_record import Int8Candidate, Int8Choice
from edgetl.overview import Overview
from edgetl.report.page.tables import markdown_table, plain
from edgetl.run_record import DataFacts, FloatFacts, RunRecord
from edgetl.runtimes.cpu import CpuFacts
from edgetl.wording import counted, joined

# Settings that an import makes by itself, or that its command says in other words.
_OF_IMPORTS = {
    "data.source",
    "model.backbone",
    "model.weights",
    "model.image_size",
    "imported.preprocessing",
    "imported.resize",
    "teacher.run",
    "train.head_epochs",
    "train.epochs",
    "train.temperature_scaling",
}
_PACKAGES = {"tensorflow": "TensorFlow", "ai-edge-litert": "LiteRT", "onnxruntime": "ONNX Runtime"}


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
    """A model against the float model, image by image: points of accuracy lost, images lost and won, and the share predicted alike."""

    drop_points: float
    lost: Count
    won: Count
    mcnemar_p: Share
    top1_agreement: Share


class CardModel(Part):
    """Measurements of one model; `against_float` is None for the Keras models."""

    top1_accuracy: Share
    top1_interval_95: tuple[Share, Share]
    loss: float
    size_bytes: Count
    latency_ms: Percentiles
    against_float: AgainstFloat | None
    batch: Batch = 1


class RuntimeAgreement(Part):
    """How many predictions two files share that ought to agree."""

    first: str
    second: str
    top1_agreement: Share


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
                RuntimeAgreement(first=pair.tolerance.first, second=pair.tolerance.second, top1_agreement=pair.agreement.top1_agreement)
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
    def candidates(self) -> list[Int8Candidate]:
        """The int8 models that were compared, without those that keep operators in float."""
        return [one for one in self.int8.candidates if not one.kept_float] if self.int8 else []

    @property
    def images_in_words(self) -> str:
        """The images that measured; results that do not record them were measured on validation images."""
        return self.measured_on or of_split(self.data.images("val"), "val")

    def overview(self) -> Overview:
        """Return a row for each model."""
        rows = [[name, _accuracy(one), f"{one.size_bytes / 1024:,.0f}", f"{one.latency_ms.p50:.2f}"] for name, one in self.models.items()]
        notes = [note for note in (f"{right(self.truth)} on {self.images_in_words}", self.chosen_by) if note]
        return Overview(self.describe(), ("model", f"{right(self.truth)} % (95 %)", "KiB", "p50 ms"), rows, notes)

    def describe(self) -> str:
        """Return the network and the number of images in words."""
        network = f"{self.network} at {self.network.image_size} px"
        images = ", ".join(f"{count} {split}" for split, count in self.data.counts.items() if count)
        return f"{network} on {self.data.source} ({images} images, {counted(self.data.classes, 'class')})"


def _models(validation: Validation) -> dict[str, CardModel]:
    against_float = {
        name: AgainstFloat(
            drop_points=pair.paired.drop_points,
            lost=pair.paired.only_a,
            won=pair.paired.only_b,
            mcnemar_p=pair.paired.mcnemar_p,
            top1_agreement=pair.agreement.top1_agreement,
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
        )
        for name, subject in validation.subjects.items()
    }


def card(name: str, results: Results) -> str:
    """Return the results as Markdown, with the commands that reproduce them."""
    schemes = [
        [f"`{one.name}`", _accuracy(one), f"{-one.drop_points:+z.2f}", f"{one.lost} / {one.won}", f"{one.mcnemar_p:.2f}"]
        for one in results.candidates
    ]
    files = [
        [
            f"`{model}`" + (f" (batch {one.batch})" if one.batch not in (1, FREE_BATCH) else ""),
            _accuracy(one),
            f"{one.size_bytes / 1024:,.0f}",
            f"{one.latency_ms.p50:.2f}",
            "" if one.against_float is None else f"{100 * one.against_float.top1_agreement:.2f}",
        ]
        for model, one in results.models.items()
    ]
    share = f"{right(results.truth)} % (95 % interval)"
    software = ", ".join(f"{title} {results.software[package]}" for package, title in _PACKAGES.items() if package in results.software)
    return "\n".join(
        [
            f"# {name}",
            "",
            *_made(name, results),
            "",
            results.chosen_by or "What chose the models is not recorded: the images that measure may have.",
            "",
            "int8 minus float, in LiteRT on the images that chose (percentage points; images lost / won; McNemar's p):",
            "",
            *markdown_table(["scheme", share, "int8 minus float", "lost / won", "p"], schemes),
            "",
            f"Exported int8 model: `{results.int8.chosen.name if results.int8 else 'none'}`. Every file, on one thread (Keras: all cores), "
            f"measured on {results.images_in_words}:",
            "",
            *markdown_table(["model", share, "KiB", "p50 ms", "same prediction as float %"], files),
            "",
            *_rejection(results),
            f"Verdict of `edgetl validate`: {'passed' if results.passed else 'FAILED'}. Measured on {results.cpu.model}, {software}; "
            "`results.json` has all measurements.",
            "",
        ]
    )


def _rejection(results: Results) -> list[str]:
    """Return what was measured of unknown images and of thresholds."""
    lines: list[str] = []
    if found := results.unknown:
        rows = [[plain(cell) for cell in row] for row in found.rows()]
        lines += ["Images that show none of the classes:", "", *markdown_table(found.COLUMNS, rows), ""]
        lines += [plain(f"{'; '.join(found.notes())}."), ""]
    if choice := results.thresholds:
        rows = [[plain(cell) for cell in row] for row in choice.rows()]
        lines += [plain(choice.sentence()), "", *markdown_table(choice.COLUMNS, rows), ""]
        lines += [line for note in choice.notes for line in (plain(f"{note}."), "")]
    return lines


def _made(name: str, results: Results) -> list[str]:
    """Return where the network comes from, and the commands that make the run again."""
    network, data = results.network, results.data
    counts = joined([f"{count} {SPLIT_NAMES[split]}" for split, count in data.counts.items() if count])
    images = f"{data.source}: {counts} images of {counted(data.classes, 'class')}"
    run = quote(f"runs/{name}")
    if network.imported and not network.new_head:
        first = f"A network of {network.image_size} px, {network.imported.described}. "
        first += "There were no images." if results.truth == "noise" else f"It was calibrated and measured on {images}."
        fed = f"--preprocessing {quote(network.imported.preprocessing)} --resize {network.imported.resize}"
        asked = [fed] if results.truth == "noise" else [f"--data {quote(data.source)}", fed]
        asked += [f"--set {quote(_assigned(setting, value))}" for setting, value in results.settings.items() if setting not in _OF_IMPORTS]
        commands = [f"edgetl import {quote(str(network))} {' '.join(asked)} --out {run}", f"edgetl export {run}", f"edgetl validate {run}"]
    else:
        if network.imported:
            first = f"A network of {network.image_size} px, {network.imported.described}; under a new head, "
        else:
            first = f"`{network.backbone}`, alpha {network.alpha:g}, {network.image_size} px, starting from weights `{network.weights}`, "
        first += f"trained on {images}."
        commands = [f"edgetl run {quote(f'models/{name}/recipe.toml')} --out {run}    # with the images in ./{data.source}"]
    return [first, "", "```sh", *commands, f"edgetl card {run} --out {quote(f'models/{name}')}", "```"]


def _assigned(setting: str, value: JsonValue) -> str:
    return f"{setting}={value if isinstance(value, str) else json.dumps(value)}"


def _accuracy(model: CardModel | Int8Candidate) -> str:
    low, high = model.top1_interval_95
    return f"{100 * model.top1_accuracy:.2f} ({100 * low:.1f} to {100 * high:.1f})"
