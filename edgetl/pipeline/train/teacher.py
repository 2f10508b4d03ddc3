"""The larger network that a small one learns from beside the labels: a run that the recipe names, or one that is trained first."""

import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from edgetl.keras import tf

from edgetl.backbones import BACKBONES
from edgetl.backbones.weights.load import at_hand
from edgetl.errors import RunError
from edgetl.float_record import Teacher
from edgetl.pipeline.plan import TEACHER, PlannedStage
from edgetl.pipeline.project import Project
from edgetl.pipeline.settings import WHOLE_NETWORK
from edgetl.recipe import Recipe, restore
from edgetl.run_folder import RunFolder
from edgetl.run_record import DataFacts
from edgetl.training.finetune import Distillation
from edgetl.training.objective import objective_of
from edgetl.wording import counted

logger = logging.getLogger(__name__)

AUTO, _NONE = "auto", ("", "none")
_LEARNING_RATE = 2e-4  # a large network needs no more, and at 5e-4 it may end below its head
_FEWEST_PIXELS, _MOST_PIXELS = 160, 224  # of its images' sides: fewer show it too little, more take too long


def teacher_run(project: Project) -> RunFolder | None:
    """Return the run to learn from; None: the network learns from labels alone."""
    asked = project.recipe.teacher
    if asked.run in _NONE or (asked.run == AUTO and _reason_for_none(project)):
        return None
    return RunFolder(project.run.path / "teacher" if asked.run == AUTO else Path(asked.run))


def train_teacher(project: Project, train: Callable[[Project], str]) -> list[object]:
    """Train the run to learn from, where the recipe leaves it open and it is not trained yet; returns what identifies it.

    Args:
        train: trains the float model of a project.
    """
    settings, run = project.recipe.teacher, teacher_run(project)
    if run is None:
        if settings.run == AUTO:
            logger.info(f"no teacher: {_reason_for_none(project)}")
        return []
    if settings.run == AUTO:
        recipe = _recipe(project.recipe)
        logger.info(
            f"first a teacher, {recipe.model.backbone} at {recipe.model.image_size} px, is trained on the same images, in {run.path}; "
            "to learn from labels alone: --set teacher.run=none"
        )
        other = Project.of_images(RunFolder.create(run.path, recipe), recipe, project.data.listing)
        # Its training is one stage here, and what follows does not take as long as its epochs.
        other.planned([PlannedStage("float" if stage.name == TEACHER else "", stage.work) for stage in project.plan])
        with other.run.writing():
            train(other)
    return [settings.model_dump() | {"float": run.stage("float").files}]


def record_of(project: Project) -> Teacher | None:
    """Return what the run records of its teacher."""
    run = teacher_run(project)
    if run is None:
        return None
    model = run.read().recipe.model
    return Teacher(
        run=run.path.name,
        backbone=model.backbone,
        alpha=model.alpha,
        image_size=model.image_size,
        seconds=run.stage("float").seconds,
    )


def distillation(project: Project) -> Distillation | None:
    """Return how to learn from the teacher, if there is one. Raises RunError when it knows other classes."""
    settings, run = project.recipe.teacher, teacher_run(project)
    if run is None:
        return None
    other = Project.open(run)
    if other.contract.class_names != project.contract.class_names:
        raise RunError(
            f"{run.path} knows other classes than {project.recipe.data.source}", "choose a teacher that was trained on the same classes"
        )
    model, contract = other.models.float_model, other.contract

    def teacher(pixels: Any) -> Any:
        sized = tf.image.resize(pixels, [contract.height, contract.width], antialias=True)
        return model(contract.normalize(_in_channels(sized, contract.shape[2])), training=False)

    return Distillation(teacher, settings.weight, settings.temperature, objective_of(contract.output))


def _in_channels(pixels: Any, channels: int) -> Any:
    """Return images [N, H, W, 1 or 3] in as many channels as a network takes."""
    if pixels.shape[-1] == channels:
        return pixels
    return tf.image.grayscale_to_rgb(pixels) if channels == 3 else tf.image.rgb_to_grayscale(pixels)


def _reason_for_none(project: Project) -> str:
    """Return why a network that names no teacher has none; empty: it has one, by the networks and the number of images alone."""
    recipe = project.recipe
    if not recipe.train.epochs or recipe.train.unfreeze in ("none", "head"):
        return "the network is not fine-tuned"
    if recipe.model.weights != "imagenet":
        return "the network does not start from ImageNet weights"
    if project.team.workers > 1:
        return "several processes train; name a trained run with --set teacher.run=RUN"
    images = project.run.facts("data", DataFacts).images("train")  # without reading them again where all is done
    if images > recipe.teacher.most_images:
        return f"{counted(images, 'training image')} are more than teacher.most_images ({recipe.teacher.most_images:,})"
    largest = _largest()
    if largest is None:
        return "no larger network's ImageNet weights are at hand"
    own, others = _weights(recipe.model.backbone, recipe.model.alpha), _weights(largest, 1.0)
    if others < recipe.teacher.times_larger * own:
        return f"{largest} ({others / 1e6:.1f} million weights) is not {recipe.teacher.times_larger:g} times as large as the network"
    return ""


def _recipe(recipe: Recipe) -> Recipe:
    """Return the recipe of the teacher: the student's, but for the network, at a rate for large ones; nothing is kept to choose by."""
    size = recipe.model.image_size
    crops = 32 * round(size * recipe.augment.margin / 32)  # what the student's crops are cut from holds no more detail
    changed: dict[str, object] = {
        "model.backbone": _largest(),
        "model.alpha": 1.0,
        "model.image_size": max(size, min(max(crops, _FEWEST_PIXELS), _MOST_PIXELS)),
        "model.pooling": "average",
        "model.dense": (),
        "teacher.run": "none",
        "data.selection_fraction": 0.0,
        "train.learning_rate": _LEARNING_RATE,
        "train.patience": 0,
        **WHOLE_NETWORK,
        "compress.sparsity": 0.0,
        "compress.clusters": 0,
        "track.mlflow": "",
    }
    return restore(recipe.model_dump(), options=changed)


def _largest() -> str | None:
    """Return the largest backbone that may teach and whose weights are here; the registry has them in the order of their size."""
    able = [name for name in BACKBONES if (backbone := BACKBONES.load(name)).teaches and at_hand(backbone, 1.0, _MOST_PIXELS)]
    return able[-1] if able else None


@cache
def _weights(backbone: str, alpha: float) -> int:
    """Return a backbone's number of weights, which do not depend on the size of its images."""
    loaded = BACKBONES.load(backbone)
    return int(loaded.build(alpha, max(loaded.smallest_image, 64)).count_params())
