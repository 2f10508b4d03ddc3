"""Train a classifier as the recipe says: its head alone, then as much of the network as is to learn."""

import logging
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgetl.keras import device_name, tf

from edgetl.data.examples import Examples
from edgetl.errors import RunError
from edgetl.pipeline.project import Project
from edgetl.pipeline.settings import fine_tune_schedule, fine_tune_settings, head_settings, steps_per_epoch
from edgetl.pipeline.train.rejoin import rejoining
from edgetl.run_record import FloatFacts, UnfreezeFacts
from edgetl.training.finetune import Distillation, fine_tune
from edgetl.training.history import History
from edgetl.training.schedule import Schedule
from edgetl.training.speed import in_precision, policy, uses_xla
from edgetl.training.train_head import train_head

logger = logging.getLogger(__name__)


def float_schedule(project: Project, stage: str, inputs: str) -> Schedule:
    """Return the schedule of a stage that all replicas train together."""
    steps = steps_per_epoch(project.recipe, len(project.data.rows("train")), project.team.replicas)
    return fine_tune_schedule(project.recipe, project.run, stage, inputs, steps)


def train_classifier(project: Project, model: Any, schedule: Schedule) -> FloatFacts:
    """Train the head alone, then as much of the network as the recipe says, in place; returns what the run records of it."""
    recipe, team, head_history, history = project.recipe, project.team, History(), History()
    precision = policy(recipe.train.precision)
    in_place = team.replicas == 1 and precision == "float32"
    logger.info(f"training on {device_name()}" + (f", {team.replicas} replicas in {team.workers} processes" if team.replicas > 1 else ""))

    head = head_settings(recipe)
    if head is not None and team.rank == 0:
        head_history = train_head(model, Examples(project.data.images, project.contract, project.data.class_weights), head, schedule)

    settings = fine_tune_settings(recipe)
    if recipe.train.unfreeze == "auto" and recipe.train.epochs:
        unfreeze, learning_rate = team.broadcast(_chosen_by_trials(project) if team.rank == 0 else None)
        settings = replace(settings, unfreeze=unfreeze, learning_rate=learning_rate)
    if recipe.train.epochs and settings.unfreeze != "none":
        # Adam's rule for larger batches: Malladi et al. 2022, arXiv:2205.10287
        settings = replace(settings, learning_rate=settings.learning_rate * math.sqrt(team.replicas))
        settings = replace(settings, jit=uses_xla(recipe.train.jit, team.replicas), distillation=_distillation(project))
        with team.scope():
            twin = model if in_place else in_precision(model, precision)
        with rejoining(team):
            if not in_place:
                twin.set_weights(team.broadcast_arrays(model.get_weights()))
            history = fine_tune(twin, project.data.examples, settings, schedule, team=team)
            if not in_place:
                model.set_weights(twin.get_weights())  # which all workers must ask for: statistics are averaged when they are read
    return FloatFacts(
        device=device_name(),
        replicas=team.replicas,
        precision=precision,
        class_weights=tuple(round(float(weight), 3) for weight in project.data.class_weights),
        head=head_history.recorded(),
        fine_tuning=history.recorded(),
    )


def _chosen_by_trials(project: Project) -> tuple[str, float]:
    """Return how much to unfreeze and the learning rate, as the stage `unfreeze` found them."""
    chosen = project.run.facts("unfreeze", UnfreezeFacts).chosen
    return chosen.unfreeze, chosen.learning_rate


def _distillation(project: Project) -> Distillation | None:
    """Return how to learn from the float model of the run that the recipe names, if any. Raises RunError when it knows other classes."""
    settings = project.recipe.teacher
    if not settings.run:
        return None
    other = Project.open(Path(settings.run))
    if other.contract.class_names != project.contract.class_names:
        raise RunError(
            f"{settings.run} knows other classes than {project.recipe.data.source}", "choose a teacher that was trained on the same classes"
        )
    model, contract = other.models.float_model, other.contract

    def teacher(pixels: Any) -> Any:
        sized = tf.image.resize(pixels, [contract.height, contract.width], antialias=True)
        return model(contract.normalize(sized), training=False)

    return Distillation(teacher, settings.weight, settings.temperature)
