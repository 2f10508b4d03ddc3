"""One trial of a search: a run of a network, judged by accuracy, measured latency and size of its int8 file."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgetl.keras import keras

from edgetl.accuracy import figure
from edgetl.backbones.gray import in_channels
from edgetl.compared import Compared
from edgetl.export import FORMATS, formats_of
from edgetl.export.base import Format
from edgetl.export.tflite_writer import int8_tflite
from edgetl.files import atomic, fingerprint
from edgetl.int8_record import NO_BUDGET
from edgetl.pipeline.export.files import export
from edgetl.pipeline.measuring import compared, rightly
from edgetl.pipeline.project import Project
from edgetl.pipeline.settings import quantize_settings
from edgetl.pipeline.train.stages import train
from edgetl.pipeline.train.start import with_head
from edgetl.pipeline.train.teacher import AUTO
from edgetl.pipeline.tune.costs import with_costs
from edgetl.pipeline.tune.study import Choice
from edgetl.quantization import SCHEMES, integer_schemes
from edgetl.quantization.base import Scheme
from edgetl.recipe import Recipe, restore
from edgetl.run_record import FloatFacts
from edgetl.runtimes import open_session
from edgetl.training.fold import fold_batch_norms
from edgetl.tuning_record import Budget, TuningTrial
from edgetl.wording import measured_on

logger = logging.getLogger(__name__)

Settings = Mapping[str, object]  # dotted key -> value
_HEAD_ALONE: Settings = {"train.epochs": 0, "compress.sparsity": 0.0, "compress.clusters": 0, "augment.margin": 1.0}
_CHOOSERS, _CHOOSING_SHARE = 1000, 0.2  # images that choose among many networks: more than between a network and its head
_IMAGES = 16  # to calibrate an untrained model on: its latency does not depend on them


@dataclass(frozen=True)
class Workbench:
    """The recipe, the folder of runs, the device and the budget, which all trials of a search share."""

    recipe: Recipe
    folder: Path
    device: str
    budget: Budget

    def project(self, choice: Choice, settings: Settings) -> Project:
        """Create or open the run of a choice, with these settings, in which only held-out training images choose."""
        choosing: Settings = {
            "data.selection_fraction": self.recipe.data.selection_fraction or _CHOOSING_SHARE,
            "data.selection_images": max(self.recipe.data.selection_images, _CHOOSERS),
            "train.again_below": 0,  # or these images would be learned from
            "export.max_drop": NO_BUDGET,  # which is promised of validation images
            "export.batch": 1,  # the latency is that of one image
        }
        # A teacher of its own would take each trial several times as long.
        alone: Settings = {"teacher.run": "none"} if self.recipe.teacher.run == AUTO else {}
        chosen = recipe_of(choice, self.recipe, {**choosing, **settings, **alone})
        name = fingerprint(chosen.model_dump())
        logger.info(f"trial {name}: {choice}")
        return Project.create(chosen, self.folder / name)


def judged(bench: Workbench, choice: Choice) -> TuningTrial:
    """Measure a network's latency and memory and, unless they are over the budget, its accuracy and size with nothing but a head trained.

    Raises as `with_costs` does.
    """
    project = bench.project(choice, {**_export_settings(), **_HEAD_ALONE})
    path = project.run.path / f"untrained{_judged_by()[1].suffix}"
    with atomic(path) as temporary:
        temporary.write_bytes(_untrained(project))
    trial = with_costs(_trial(project, choice), path, bench.device, memory=bench.budget.of_memory)
    beyond = bench.budget.over(trial)
    if beyond:
        logger.info(f"over the budget, not trained: {beyond}")
        return trial
    return _with_figures(project, trial)


def trained(bench: Workbench, choice: Choice) -> TuningTrial:
    """Train a network as the choice and the recipe say; measure its accuracy, size, latency and memory."""
    project = bench.project(choice, _export_settings())
    trial = _with_figures(project, _trial(project, choice))
    scheme, form = _judged_by()
    return with_costs(trial, project.run.export / form.file_name(scheme.precision), bench.device, memory=bench.budget.of_memory)


def recipe_of(choice: Choice, recipe: Recipe, settings: Settings | None = None) -> Recipe:
    """Return the recipe with what was chosen, and with further settings."""
    chosen: dict[str, object] = {"model.backbone": choice.backbone, "model.alpha": choice.alpha, "model.image_size": choice.image_size}
    chosen["model.channels"] = choice.channels
    if choice.learning_rate is not None:
        chosen["train.learning_rate"] = choice.learning_rate
    return restore(recipe.model_dump(), options=chosen | dict(settings or {}))


def compare_trials(bench: Workbench, one: TuningTrial, other: TuningTrial) -> Compared:
    """Compare the int8 files of two trials on the images that measure, which ranked no trial."""
    scheme, form = _judged_by()
    projects = [Project.open(bench.folder / trial.run) for trial in (one, other)]
    sessions = [open_session(project.run.export / form.file_name(scheme.precision), project.contract) for project in projects]
    return compared(projects[0], *(rightly(project, session) for project, session in zip(projects, sessions, strict=True)))


def _trial(project: Project, choice: Choice) -> TuningTrial:
    return TuningTrial(
        run=project.run.path.name,
        backbone=choice.backbone,
        alpha=choice.alpha,
        image_size=choice.image_size,
        channels=choice.channels,
        learning_rate=choice.learning_rate,
    )


def _with_figures(project: Project, trial: TuningTrial) -> TuningTrial:
    """Train and export; return the trial with its epochs, the size of the int8 file and its top-1 accuracy on the images that choose."""
    train(project)
    export(project)
    keras.backend.clear_session()  # else every trial's graphs stay in memory
    choice = project.run.read().integer_choice()
    assert choice is not None  # export records it
    judged = next(one for one in choice.candidates if one.name == choice.chosen.name)
    images, tuned = len(project.data.choosing.rows("val")), project.run.facts("float", FloatFacts).fine_tuning
    logger.info(
        f"top-1 {100 * figure(judged).value:.2f} % of {measured_on(images, 'held-out training image')}, {judged.size_bytes:,} bytes"
    )
    figures = {
        "epochs": len(tuned.epochs) if tuned else 0,
        "images": images,
        "top1_accuracy": figure(judged).value,
        "top1_interval_95": figure(judged).interval_95,
        "size_bytes": judged.size_bytes,
    }
    return trial.model_copy(update=figures)


def _untrained(project: Project) -> bytes:
    """Return the int8 file of the network as it is built: it is as fast as the trained one."""
    recipe = project.recipe.model
    backbone = in_channels(project.backbone.build(recipe.alpha, recipe.image_size), recipe.channels)
    model = fold_batch_norms(with_head(project, backbone))
    rows = project.data.calibration_rows[:_IMAGES]
    find: Any = _judged_by()[0].quantize
    settings = replace(quantize_settings(project.recipe), ranges="minmax")
    found = find(model, project.data.examples, rows, settings)
    return int8_tflite(found.model.to_keras(model, project.contract), project.contract)


def _judged_by() -> tuple[Scheme, Format]:
    """Return the simplest scheme of integers and the main format that carries it.

    Training with quantization in the loop would move all trials by much the same.
    """
    scheme = SCHEMES.load(integer_schemes(trained=False)[0])
    return scheme, FORMATS.load(formats_of(scheme.precision)[0])


def _export_settings() -> Settings:
    scheme, form = _judged_by()
    return {"quantize.qat": False, "export.formats": [form.name], "export.precisions": [scheme.precision]}
