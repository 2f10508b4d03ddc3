"""What a run trains, and how: the model to start from, its head, then as much of it as the recipe says."""

import logging
import math
from pathlib import Path
from typing import Any

from edgetl.keras import device_name, tf

import numpy as np

from edgetl.backbones.fold import fold_batch_norms
from edgetl.backbones.weights import load as weights
from edgetl.errors import RunError
from edgetl.files import sha256
from edgetl.pipeline.project import Project
from edgetl.pipeline.train.rejoin import rejoining
from edgetl.run_record import FloatFacts, UnfreezeFacts
from edgetl.training.epochs import History, Schedule, resume, save
from edgetl.training.finetune import FineTuneSettings, Material, Teacher, class_weights, fine_tune
from edgetl.training.head import Head, HeadSettings, attach_head, dense_layers, train_head
from edgetl.training.speed import compiled, in_precision, policy
from edgetl.training.tensorboard import Log

logger = logging.getLogger(__name__)


def start_from(project: Project) -> str:
    """Identity of the weights that training starts from."""
    start = Path(project.recipe.model.weights)
    return sha256(start) if start.is_file() else project.recipe.model.weights


def float_schedule(project: Project, stage: str, inputs: str) -> Schedule:
    return project.schedule(stage, project.recipe.train.epochs, project.recipe.train.patience, inputs, project.team.replicas)


def fit(project: Project, model: Any, schedule: Schedule) -> FloatFacts:
    """Train the head alone, then as much of the network as the recipe says; gives what is to be known of it."""
    settings = project.recipe.train
    team, precision = project.team, policy(settings.precision)
    alone = team.replicas == 1 and precision == "float32"
    logger.info(f"training on {device_name()}" + (f", {team.replicas} replicas in {team.workers} processes" if team.replicas > 1 else ""))
    by_class = _by_class(project)
    head, head_trained, fine_tuned = head_settings(project), None, None
    if head is not None and team.rank == 0:
        head_trained = _head(project, model, by_class, head, schedule.part("head")).training()
    tuning = tuning_settings(project, None, teacher_of(project))
    if settings.epochs and tuning.unfreeze != "none":
        with team.scope():
            twin = model if alone else in_precision(model, precision)
        with rejoining(team):
            if not alone:
                twin.set_weights(team.arrays(model.get_weights()))
            history = fine_tune(twin, material_of(project), tuning, schedule, team=team)
            if not alone:
                model.set_weights(twin.get_weights())  # which all workers must ask for: statistics are averaged when they are read
        fine_tuned = history.training()
    return FloatFacts(
        device=device_name(),
        replicas=team.replicas,
        precision=precision,
        class_weights=tuple(round(float(weight), 3) for weight in by_class),
        head=head_trained,
        fine_tuning=fine_tuned,
    )


def _head(project: Project, model: Any, by_class: np.ndarray, settings: HeadSettings, schedule: Schedule) -> History:
    """The head alone, unless that was done before a kill."""
    variables = [variable for layer in dense_layers(model) for variable in layer.variables]
    done, _ = resume(schedule, variables, [])
    if done.entries:
        return done
    trained = train_head(model, project.images, project.contract, by_class, settings)
    now = [variable.numpy() for variable in variables]
    save(schedule, trained, now, now)
    log = Log(schedule.logs and schedule.logs / "head")
    for number, entry in enumerate(trained.entries, 1):
        log(number, entry)
    return trained


def starting_model(project: Project) -> Any:
    """The backbone with the weights that training starts from, under a new head."""
    backbone = starting_backbone(project)
    # Folded first, a pretrained network trains 1.7 times as fast and its statistics are frozen; a random one needs live statistics.
    return with_head(project, backbone if project.recipe.model.weights == "none" else fold_batch_norms(backbone))


def starting_backbone(project: Project) -> Any:
    settings = project.recipe.model
    backbone = project.backbone.build(settings.alpha, settings.image_size)
    weights.load(backbone, project.backbone, settings.weights, settings.alpha, settings.image_size)
    return backbone


def with_head(project: Project, backbone: Any) -> Any:
    """The backbone, itself and no copy, under the recipe's head."""
    head = Head(project.recipe.model.pooling, project.recipe.model.dense)
    return attach_head(backbone, len(project.contract.class_names), head)


def material_of(project: Project) -> Material:
    """Reads the larger images, which a head alone does not need."""
    return Material(project.images, project.training_images, project.contract, _by_class(project), project.augmentation)


def _by_class(project: Project) -> np.ndarray:
    images = project.images
    return class_weights(images.label_ids[images.rows("train")], len(images.class_names), project.recipe.train.balance_above)


def head_settings(project: Project) -> HeadSettings | None:
    """None: the head has no stage of its own."""
    model, train = project.recipe.model, project.recipe.train
    mirror = project.augmentation.flip and project.augmentation.strength > 0
    rates = train.head_epochs, train.head_learning_rate
    return HeadSettings(*rates, train.batch_size, model.dropout, train.label_smoothing, mirror, model.l2) if train.head_epochs else None


def tuning_settings(project: Project, learning_rate: float | None, teacher: Teacher | None) -> FineTuneSettings:
    """The recipe's fine-tuning, or at another learning rate."""
    model, train = project.recipe.model, project.recipe.train
    what, rate = train.unfreeze, train.learning_rate
    if what == "auto" and learning_rate is None and train.epochs:
        chosen = project.run.facts("unfreeze", UnfreezeFacts).chosen if project.team.rank == 0 else None
        what, rate = project.team.tell([chosen.unfreeze, chosen.learning_rate] if chosen else None)
    if learning_rate is None:  # Adam's rule for larger batches: Malladi et al. 2022, arXiv:2205.10287
        rate *= math.sqrt(project.team.replicas)
    return FineTuneSettings(
        batch_size=train.batch_size,
        learning_rate=learning_rate or rate,
        warmup_fraction=train.warmup_fraction,
        unfreeze=what,
        dropout=model.dropout,
        label_smoothing=train.label_smoothing,
        live_norms=model.weights == "none",
        seed=train.seed,
        teacher=teacher,
        l2=model.l2,
        depth_factor=train.depth_factor,
        unfreeze_epochs=train.unfreeze_epochs,
        steps_per_execution=train.steps_per_execution,
        jit=compiled(train.jit, project.team.replicas),
    )


def teacher_of(project: Project) -> Teacher | None:
    """The float model of another run. Raises RunError when it knows other classes."""
    settings = project.recipe.teacher
    if not settings.run:
        return None
    other = Project.open(Path(settings.run))
    if other.contract.class_names != project.contract.class_names:
        raise RunError(f"{settings.run} knows other classes than {project.recipe.data.source}", "choose a teacher of the same classes")
    model, contract = other.float_model, other.contract

    def answer(pixels: Any) -> Any:
        sized = tf.image.resize(pixels, [contract.height, contract.width], antialias=True)
        return model(contract.normalize(sized), training=False)

    return Teacher(answer, settings.weight, settings.temperature)
