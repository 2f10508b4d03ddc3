"""The stages of a run in their order: the one list that says which come, what each does, and for how many epochs it trains."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgetl.chosen import left_by_calibration
from edgetl.export.exported import stage_of
from edgetl.quantization import SCHEMES, integer_schemes
from edgetl.recipe import Recipe
from edgetl.run_folder import RunFolder

TEACHER, VALIDATE = "teacher", "validate"


@dataclass(frozen=True)
class PlannedStage:
    """A stage that is to come.

    Args:
        name: of the stage in run.json; a teacher has a run.json of its own.
        work: what is done in it, as a person says it.
        epochs: of training that follow the fine-tuning, each over all images and about as long as one of fine-tuning.
    """

    name: str
    work: str
    epochs: int = 0


def training(recipe: Recipe, baseline: str = "") -> list[PlannedStage]:
    """Return the stages of a training, with that which compares it with a baseline, if any."""
    stages = [PlannedStage("data", "reading the images")]
    if recipe.teacher.run == "auto":
        stages.append(PlannedStage(TEACHER, "training a teacher"))
    if recipe.train.unfreeze == "auto" and recipe.train.epochs:
        stages.append(PlannedStage("unfreeze", "trying how much of the network to fine-tune"))
    stages.append(PlannedStage("float", _float_work(recipe)))
    if recipe.compress.asked:
        trainings = bool(recipe.compress.sparsity) + bool(recipe.compress.clusters)
        stages.append(PlannedStage("compress", "compression", trainings * recipe.compress.epochs))
    found = integer_schemes(trained=recipe.quantize.qat is not False, own=recipe.quantize.own)
    for name in found if recipe.has_images or recipe.quantize.own else []:
        trained = SCHEMES.load(name).trained
        stages.append(PlannedStage(name, _integer_work(recipe, name), recipe.quantize.epochs if trained else 0))
    if baseline:
        stages.append(PlannedStage(baseline, "comparison with the baseline"))
    return stages


def _integer_work(recipe: Recipe, scheme: str) -> str:
    if SCHEMES.load(scheme).own:
        return f"taking the file's integers ({scheme})"
    if_it_pays = ", if calibration leaves something to win" if recipe.quantize.qat == "auto" else ""
    return f"quantization-aware training ({scheme}){if_it_pays}" if SCHEMES.load(scheme).trained else f"calibration ({scheme})"


def _float_work(recipe: Recipe) -> str:
    if recipe.model.imported and not (recipe.train.epochs or recipe.train.head_epochs):
        return "importing the network"
    return "fine-tuning" if fine_tunes(recipe) else "training the head"


def fine_tunes(recipe: Recipe) -> bool:
    """Return whether the network itself is trained, not its head alone: how long that takes tells how long the rest will."""
    return bool(recipe.train.epochs) and recipe.train.unfreeze != "none"


def exporting(precisions: Sequence[str]) -> list[PlannedStage]:
    """Return the stages of an export."""
    return [PlannedStage(stage_of(precision), f"export of {precision}") for precision in precisions]


def complete(recipe: Recipe) -> list[PlannedStage]:
    """Return the stages from images to validated files."""
    return [*training(recipe), *exporting(recipe.export.precisions), PlannedStage(VALIDATE, "validation of the files")]


def epochs_after(stages: Sequence[PlannedStage], name: str) -> int:
    """Return the epochs of training that follow a stage; 0 where it is not among them."""
    names = [stage.name for stage in stages]
    return sum(stage.epochs for stage in stages[names.index(name) + 1 :]) if name in names else 0


def int8_schemes(run: RunFolder, recipe: Recipe, precision: str = "") -> list[str]:
    """Return the schemes that a run's integer models are chosen from: those that train only where the recipe or calibration says so."""
    left = left_by_calibration(run.read())
    asked = recipe.quantize
    return integer_schemes(precision=precision, trained=asked.trains(left.kl if left else math.inf), own=asked.own)
