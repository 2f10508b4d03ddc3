"""Train a classifier as the recipe says: its head alone, then as much of the network as is to learn."""

import logging
import math
from dataclasses import replace
from typing import Any

from edgetl.keras import device_name

from edgetl.accuracy import Metric
from edgetl.data.base import Images
from edgetl.float_record import FloatChoice, UnfreezeFacts
from edgetl.pipeline.project import Project
from edgetl.pipeline.settings import fine_tune_schedule, fine_tune_settings, head_settings, learns_norms, live_epochs, steps_per_epoch
from edgetl.pipeline.train.rejection import find_rejection
from edgetl.pipeline.train.rejoin import rejoining
from edgetl.pipeline.train.teacher import distillation, record_of
from edgetl.pipeline.train.temperature import temperature_of
from edgetl.pipeline.train.thresholds import thresholds_of
from edgetl.run_record import FloatFacts
from edgetl.training.finetune import FineTuneSettings, fine_tune
from edgetl.training.history import History
from edgetl.training.objective import objective_of
from edgetl.training.schedule import Schedule
from edgetl.training.speed import in_precision, policy, uses_xla
from edgetl.training.train_head import train_head
from edgetl.wording import counted

logger = logging.getLogger(__name__)


def learning_steps(project: Project, replicas: int = 1) -> int:
    """Return the number of batches in an epoch of the images that are learned from."""
    return steps_per_epoch(project.recipe, len(project.data.choosing.rows("train")), replicas)


def float_schedule(project: Project, stage: str, inputs: str) -> Schedule:
    """Return the schedule of a stage that all replicas train together."""
    recipe = project.recipe
    steps = learning_steps(project, project.team.replicas)
    schedule = fine_tune_schedule(recipe, project.run, stage, inputs, steps)
    live = learns_norms(recipe, len(project.data.rows("train")))
    return replace(schedule, epochs=live_epochs(recipe, steps)) if live else schedule


def train_classifier(project: Project, model: Any, schedule: Schedule) -> FloatFacts:
    """Train the head alone, then as much of the network as the recipe says, in place; returns what the run records of it.

    The trained head competes with what fine-tuning makes of it, on training images that neither learned from. Where images are few, what
    did better is then trained again on all of them.
    """
    recipe, team, data = project.recipe, project.team, project.data
    logger.info(f"training on {device_name()}" + (f", {team.replicas} replicas in {team.workers} processes" if team.replicas > 1 else ""))
    settings, start = _settings(project), model.get_weights()
    images, learned = len(data.rows("train")), len(data.choosing.rows("train"))
    again = learned < images < recipe.train.again_below
    after = schedule.epochs_after
    first = replace(schedule, epochs_after=after + schedule.epochs) if again and after is not None else schedule
    head, history = _learn(project, model, data.choosing, settings, first)
    choice = _choice(images - learned, head, history, objective_of(project.contract.output).metric)
    temperature = temperature_of(project, model) if team.rank == 0 else None
    divisor = temperature.temperature if temperature else 1.0
    rejection = find_rejection(project, model, divisor) if team.rank == 0 else None
    thresholds = thresholds_of(project, model, divisor) if team.rank == 0 else None
    if again:
        model.set_weights(start)
        steps = steps_per_epoch(recipe, images, team.replicas)
        epochs = history.best_epoch if schedule.patience else schedule.epochs
        logger.info(f"training {'again' if history.best_epoch else 'the head again'}, on all {counted(images, 'training image')}")
        logs = schedule.logs / "on_all" if schedule.logs else None  # beside the curves of the first training, not in place of them
        repeated = replace(schedule.part("training on all"), steps_per_epoch=steps, epochs=epochs, patience=0, epochs_after=after)
        repeated = replace(repeated, logs=logs)
        _learn(project, model, data.images, settings if history.best_epoch else None, repeated)
    return FloatFacts(
        device=device_name(),
        replicas=team.replicas,
        precision=policy(recipe.train.precision),
        class_weights=tuple(round(float(weight), 3) for weight in data.class_weights),
        held_out=images - learned,
        head=head.recorded(),
        fine_tuning=history.recorded(),
        choice=choice,
        trained_again=again,
        teacher=record_of(project) if settings else None,
        temperature=temperature,
        rejection=rejection,
        thresholds=thresholds,
    )


def _choice(images: int, head: History, fine_tuning: History, metric: Metric) -> FloatChoice | None:
    """Return what the images that choose said; None: there was nothing to choose from."""
    if not images or not head.best or not fine_tuning.epochs:
        return None
    tuned = fine_tuning.best or fine_tuning.epochs[-1]
    choice = FloatChoice(
        kept="fine-tuned" if fine_tuning.best else "head",
        images=images,
        head_accuracy=head.best.val_accuracy,
        head_loss=head.best.val_loss,
        accuracy=tuned.val_accuracy,
        loss=tuned.val_loss,
        metric=metric,
    )
    logger.info(f"float model: {choice}")
    return choice


def _settings(project: Project) -> FineTuneSettings | None:
    """Return how the network is fine-tuned; None: it is not."""
    recipe, team = project.recipe, project.team
    settings = fine_tune_settings(recipe, len(project.data.rows("train")))
    if recipe.train.unfreeze == "auto" and recipe.train.epochs:
        unfreeze, learning_rate = team.broadcast(_chosen_by_trials(project) if team.rank == 0 else None)
        settings = replace(settings, unfreeze=unfreeze, learning_rate=learning_rate)
    if not recipe.train.epochs or settings.unfreeze == "none":
        return None
    # Adam's rule for larger batches: Malladi et al. 2022, arXiv:2205.10287
    settings = replace(settings, learning_rate=settings.learning_rate * math.sqrt(team.replicas))
    return replace(settings, jit=uses_xla(recipe.train.jit, team.replicas), distillation=distillation(project))


def _learn(project: Project, model: Any, images: Images, settings: FineTuneSettings | None, schedule: Schedule) -> tuple[History, History]:
    """Train the head, then the network, unless there are no settings for that; returns the histories of both.

    Only what fine-tunes reads the larger training images.
    """
    recipe, team, head_history, history = project.recipe, project.team, History(), History()
    schedule = replace(schedule, judged_by=project.data.judged_by(images))
    head = head_settings(recipe)
    if head is not None and team.rank == 0:
        head_history = train_head(model, project.data.plain(images), head, schedule)
    if settings is not None:
        precision = policy(recipe.train.precision)
        in_place = team.replicas == 1 and precision == "float32"
        with team.scope():
            twin = model if in_place else in_precision(model, precision)
        with rejoining(team):
            if not in_place:
                twin.set_weights(team.broadcast_arrays(model.get_weights()))
            competes = head is not None and images is not project.data.images  # where some images are kept to choose by
            history = fine_tune(twin, project.data.augmented(images), replace(settings, keep_start=competes), schedule, team=team)
            if not in_place:
                model.set_weights(twin.get_weights())  # which all workers must ask for: statistics are averaged when they are read
    return head_history, history


def _chosen_by_trials(project: Project) -> tuple[str, float]:
    """Return how much to unfreeze and the learning rate, as the stage `unfreeze` found them."""
    chosen = project.run.facts("unfreeze", UnfreezeFacts).chosen
    return chosen.unfreeze, chosen.learning_rate
