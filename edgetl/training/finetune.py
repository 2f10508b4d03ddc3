"""Stage 2 of a training: the whole network, or its end, with augmentation and a small learning rate."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from edgetl.keras import keras, layers, tf

import numpy as np

from edgetl.data.examples import AugmentedExamples, Batching, epoch_batches
from edgetl.errors import UsageError
from edgetl.registry import did_you_mean
from edgetl.training.blocks import blocks, depths
from edgetl.training.fold import computed_folded
from edgetl.training.head import decay, dense_layers
from edgetl.training.history import History
from edgetl.training.memory import explained_memory_errors
from edgetl.training.objective import ONE_CLASS, Objective, objective_of
from edgetl.training.schedule import Schedule, WarmupCosine
from edgetl.training.scoring import scorer
from edgetl.training.step import Constraint, Loss, Optimizer, Step
from edgetl.training.team import ALONE, Team
from edgetl.training.trainer import Trainer

# Keras builds MobileNets with batch-norm momenta up to 0.999, which need thousands of steps to arrive; training from scratch on a
# small set has a few hundred.
_NORM_MOMENTUM = 0.9
_UNFREEZE = ("none", "head", "1-block", "2-blocks", "all")


@dataclass(frozen=True)
class Distillation:
    """Learning from a larger model's predictions beside the labels (Hinton et al. 2015, arXiv:1503.02531).

    Args:
        teacher: float32 pixels 0..255 [N, H, W, 3] to logits float32 [N, K].
        weight: of its part of the loss, in 0..1; the labels' part has the rest.
        temperature: of the probabilities that are compared.
        objective: of the task that both learn.
    """

    teacher: Callable[[Any], Any]
    weight: float
    temperature: float
    objective: Objective = ONE_CLASS

    def loss(self, pixels: Any, logits: Any) -> Any:
        wanted = self.teacher(pixels)
        width = min(wanted.shape[-1], logits.shape[-1])  # one of them alone may have a logit of unknown images
        return self.objective.divergence(wanted[:, :width], logits[:, :width], self.temperature)


@dataclass(frozen=True, kw_only=True)
class FineTuneSettings:
    """Options of fine-tuning.

    Args:
        batch_size: images a step and replica.
        learning_rate: Adam's peak, reached after `warmup_fraction` of all steps.
        unfreeze: which layers learn, see `unfreeze`.
        dropout: before the logits.
        live_norms: batch norms learn their statistics, as random initial weights need and many images allow; else those stay as they are.
        l2: of the head's kernels, see `head.decay`.
        depth_factor: of the learning rate from one block to the next one below; the head has all of it.
        unfreeze_epochs: epochs that each block waits longer than the one above it before it learns; the head begins.
        steps_per_execution: see `Step`.
        jit: compile the step with XLA.
        distillation: None: learn from the labels alone.
        constraint: what the weights must keep to from the first step on.
        keep_start: the model ends as it began where that does better on the images that choose.
    """

    batch_size: int
    learning_rate: float
    warmup_fraction: float
    unfreeze: str
    dropout: float
    label_smoothing: float
    live_norms: bool
    seed: int
    l2: float = 0.0
    depth_factor: float = 1.0
    unfreeze_epochs: float = 0.0
    steps_per_execution: int = 1
    jit: bool = False
    distillation: Distillation | None = None
    constraint: Constraint | None = None
    keep_start: bool = False


def fine_tune(model: Any, examples: AugmentedExamples, settings: FineTuneSettings, schedule: Schedule, *, team: Team = ALONE) -> History:
    """Train the classifier in place; it ends with the weights of the last epoch, or of the best one where the schedule stops early.

    Args:
        team: whose strategy the model's variables were made for.
    """
    unfreeze(model, settings.unfreeze)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = _NORM_MOMENTUM
    with team.scope():
        optimizers = _optimizers(model, settings, schedule)
    images, larger = examples.images, examples.training_images
    objective = objective_of(examples.contract.output)
    val, score = images.rows("val"), scorer(model, examples.contract)
    batching = Batching(rows=images.rows("train"), batch_size=settings.batch_size * team.replicas, seed=settings.seed)
    trainer = Trainer(
        variables=model.variables,
        step=Step(
            loss=_loss(model, examples, settings),
            optimizers=optimizers,
            augment=examples.augment,
            constraint=settings.constraint,
            objective=objective,
            jit=settings.jit,
            steps_per_execution=settings.steps_per_execution,
        ),
        batches=lambda epoch, share: epoch_batches(larger, batching, epoch, share),
        judges=len(val),
        validate=lambda: objective.judge(score(images.pixels, val), images.label_ids[val]),
        schedule=schedule,
        keep_start=settings.keep_start,
        team=team,
    )
    with explained_memory_errors(settings.batch_size, lambda size: _gradients(model, examples, size)):
        return trainer.train()


def unfreeze(model: Any, what: str) -> None:
    """Make only this trainable: "head", "N-blocks" and the head, "all", or a layer (or a block's prefix) and all behind it.

    "none" is the same as "head": whether anything is trained at all is decided elsewhere. Raises UsageError.
    """
    if what == "all":
        return
    counted = re.fullmatch(r"(\d+)-blocks?", what)
    if what in ("none", "head"):
        first = dense_layers(model)[0]
    elif counted:
        found = blocks(model)
        if not 1 <= int(counted[1]) <= len(found):
            raise UsageError(f"--unfreeze {what}: {model.name} has 1 to {len(found)} blocks", "or: none, head, all, auto")
        first = found[-int(counted[1])][0]
    else:
        named = [layer for layer in model.layers if layer.name == what] or [layer for layer in model.layers if layer.name.startswith(what)]
        if not named:
            names = [layer.name for layer in model.layers]
            raise UsageError(f"there is no layer '{what}' to fine-tune from", did_you_mean(what, [*_UNFREEZE, *names]))
        first = named[0]
    for layer in model.layers[: model.layers.index(first)]:
        layer.trainable = False


def _loss(model: Any, examples: AugmentedExamples, settings: FineTuneSettings) -> Loss:
    head = model.get_layer("logits")
    trunk = keras.Model(model.input, head.input)
    features_of = partial(trunk, training=True) if settings.live_norms else computed_folded(trunk)
    objective = objective_of(examples.contract.output)
    # The contract and the weights alone: a graph's function must not hold the images.
    contract, weights, distillation = examples.contract, tf.constant(examples.class_weights), settings.distillation

    def loss(pixels: Any, label_ids: Any, seed: Any) -> tuple[Any, Any]:
        features = features_of(contract.normalize(pixels))
        logits = tf.cast(head(tf.nn.experimental.stateless_dropout(features, settings.dropout, seed)), tf.float32)
        value = objective.loss(label_ids, logits, weights, settings.label_smoothing)
        if distillation is not None:
            value = (1 - distillation.weight) * value + distillation.weight * distillation.loss(pixels, logits)
        if settings.l2:
            value += decay(model, settings.l2)
        return value, logits

    return loss


def _optimizers(model: Any, settings: FineTuneSettings, schedule: Schedule) -> list[Optimizer]:
    """Return one Adam for all variables, or one for each block where blocks learn at rates of their own, the head's first."""
    groups = {0: model.trainable_variables}
    if settings.depth_factor != 1 or settings.unfreeze_epochs:
        groups, depth_of = {}, depths(model)
        for layer in reversed(model.layers):
            if layer.trainable_variables:
                groups.setdefault(depth_of[layer.name], []).extend(layer.trainable_variables)
    # Float16's smallest gradients would be zero: the loss is scaled up, and the gradients down again.
    in_float16 = str(model.get_layer("logits").compute_dtype) == "float16"
    if len(groups) > 1 and in_float16:
        raise UsageError(
            "learning rates by depth need more than float16's range",
            "leave train.depth_factor out, or use --precision mixed_bfloat16 or float32",
        )
    steps, optimizers = schedule.epochs * schedule.steps_per_epoch, []
    for depth, variables in groups.items():
        start = round(depth * settings.unfreeze_epochs * schedule.steps_per_epoch)
        peak = settings.learning_rate * settings.depth_factor**depth
        adam = keras.optimizers.Adam(WarmupCosine(peak, steps, round(settings.warmup_fraction * steps), start))
        if in_float16:
            adam = keras.mixed_precision.LossScaleOptimizer(adam)
        adam.build(variables)
        optimizers.append(Optimizer(keras=adam, variables=variables))
    return optimizers


def _gradients(model: Any, examples: AugmentedExamples, size: int) -> Any:
    """Compute the gradients of a batch of `size` images, to see whether it fits into memory."""
    pixels = examples.training_images.pixels
    pixels = examples.augment(pixels[np.arange(size) % len(pixels)], np.zeros(2, np.int32))
    with tf.GradientTape() as tape:
        logits = model(examples.contract.normalize(pixels), training=True)
    return tape.gradient(logits, model.trainable_variables)
