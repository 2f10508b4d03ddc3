"""Stage 2: the whole network, or its end, with augmentation and a small learning rate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from edgetl.keras import keras, layers, tf

import numpy as np

from edgetl.contract import Contract
from edgetl.data.augment import Augmentation
from edgetl.data.base import Images
from edgetl.data.batches import epoch_batches
from edgetl.errors import UsageError
from edgetl.training.epochs import History, Schedule, train_epochs
from edgetl.training.head import decay
from edgetl.training.memory import fitting
from edgetl.training.schedule import WarmupCosine
from edgetl.training.scoring import scorer
from edgetl.training.team import ALONE, Team
from edgetl.training.unfreeze import depths, unfreeze

# Keras builds MobileNets with batch-norm momenta up to 0.999, which need thousands of steps to arrive; training from scratch on a
# small set has a few hundred.
_NORM_MOMENTUM = 0.9


@dataclass(frozen=True)
class Teacher:
    """A larger model whose predictions are learned from beside the labels (Hinton et al. 2015, arXiv:1503.02531).

    Args:
        answer: float32 pixels 0..255 [N, H, W, 3] to logits float32 [N, K].
        weight: of its part of the loss, in 0..1; the labels' part has the rest.
        temperature: of the softmax that its predictions are compared with.
    """

    answer: Callable[[Any], Any]
    weight: float
    temperature: float

    def loss(self, pixels: Any, logits: Any) -> Any:
        return divergence(self.answer(pixels), logits, self.temperature)


def divergence(wanted: Any, logits: Any, temperature: float) -> Any:
    """KL divergence of a student's predictions from its teacher's, both logits [N, K], softened by the temperature, mean over the batch."""
    each = keras.losses.kl_divergence(tf.nn.softmax(wanted / temperature), tf.nn.softmax(logits / temperature))
    return tf.reduce_mean(each) * temperature**2  # so that the gradient's size does not depend on the temperature


@dataclass(frozen=True)
class FineTuneSettings:
    """What fine-tuning may vary.

    Args:
        batch_size: images a step.
        learning_rate: Adam's peak, reached after `warmup_fraction` of all steps.
        unfreeze: what may learn, see `unfreeze.unfreeze`.
        dropout: before the logits.
        live_norms: batch norms learn their statistics; only a random start needs it.
        teacher: None: learn from the labels alone.
        l2: of the head's kernels, see `head.decay`.
        depth_factor: of the learning rate from one block to the next one below; the head has it whole.
        steps_per_execution: see `Team.steps`.
        jit: compile the step with XLA.
        unfreeze_epochs: that a block waits longer than the one above it before it learns; the head begins.
    """

    batch_size: int
    learning_rate: float
    warmup_fraction: float
    unfreeze: str
    dropout: float
    label_smoothing: float
    live_norms: bool
    seed: int
    teacher: Teacher | None = None
    l2: float = 0.0
    depth_factor: float = 1.0
    unfreeze_epochs: float = 0.0
    steps_per_execution: int = 1
    jit: bool = False


@dataclass(frozen=True, eq=False)
class Material:
    """What a classifier learns from, and how it is prepared.

    Args:
        images: to validate on, in the contract's size.
        training_images: the same images, in the size that `augment` takes.
        weights: float32 [K], see `class_weights`.
    """

    images: Images
    training_images: Images
    contract: Contract
    weights: np.ndarray
    augment: Augmentation


class Constraint(Protocol):
    """What the weights must keep to: called after every step, inside its graph, it puts them back onto what is allowed."""

    state: Sequence[Any]  # variables that it needs to go on after a kill

    def __call__(self) -> None: ...


def class_weights(labels: np.ndarray, classes: int, balance_above: float) -> np.ndarray:
    """float32 [K], inverse to the classes' sizes with mean 1 over the images; all 1 while the sizes are within `balance_above` times."""
    sizes = np.bincount(labels, minlength=classes)
    if sizes.max() <= balance_above * sizes.min():
        return np.ones(classes, np.float32)
    return (len(labels) / (classes * sizes)).astype(np.float32)


def fine_tune(
    model: Any,
    material: Material,
    settings: FineTuneSettings,
    schedule: Schedule,
    description: str = "fine-tuning",
    constraint: Constraint | None = None,
    team: Team = ALONE,
) -> History:
    """Train the classifier in place; it ends with the best epoch's weights.

    Args:
        description: what the one who waits reads.
        constraint: holds from the first step on.
        team: whose strategy the model's variables were made for; a step takes `batch_size` images a replica.
    """
    unfreeze(model, settings.unfreeze)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = _NORM_MOMENTUM
    with team.scope():
        optimizers = _optimizers(model, settings, schedule)
        state = [variable for optimizer, _ in optimizers for variable in optimizer.variables]
    images, of_all = material.images, settings.batch_size * team.replicas
    train, val, score = images.rows("train"), images.rows("val"), scorer(model, material.contract)
    with fitting(settings.batch_size, lambda size: _gradients(model, material, size)):
        return train_epochs(
            description,
            schedule,
            model.variables,
            [*state, *(constraint.state if constraint else ())],
            lambda epoch: team.batches(lambda share: epoch_batches(material.training_images, train, of_all, settings.seed, epoch, share)),
            team.steps(_step(model, material, settings, optimizers, constraint), settings.steps_per_execution),
            lambda: accuracy_and_loss(score(images.pixels, val), images.label_ids[val]),
            team=team,
        )


def _gradients(model: Any, material: Material, size: int) -> Any:
    pixels = material.training_images.pixels
    pixels = material.augment(pixels[np.arange(size) % len(pixels)], np.zeros(2, np.int32))
    with tf.GradientTape() as tape:
        logits = model(material.contract.normalize(pixels), training=True)
    return tape.gradient(logits, model.trainable_variables)


def _optimizers(model: Any, settings: FineTuneSettings, schedule: Schedule) -> list[tuple[Any, list[Any]]]:
    """Adam with its variables, the head's first: one for all, or one a block where blocks learn at rates of their own."""
    groups = {0: model.trainable_variables}
    if settings.depth_factor != 1 or settings.unfreeze_epochs:
        groups, depth_of = {}, depths(model)
        for layer in reversed(model.layers):
            if layer.trainable_variables:
                groups.setdefault(depth_of[layer.name], []).extend(layer.trainable_variables)
    if len(groups) > 1 and _in_float16(model):
        raise UsageError("rates by depth need more than float16's range", "leave them out, or use --precision mixed_bfloat16 or float32")
    steps, found = schedule.epochs * schedule.steps_per_epoch, []
    for depth, variables in groups.items():
        start = round(depth * settings.unfreeze_epochs * schedule.steps_per_epoch)
        peak = settings.learning_rate * settings.depth_factor**depth
        optimizer = keras.optimizers.Adam(WarmupCosine(peak, steps, round(settings.warmup_fraction * steps), start))
        if _in_float16(model):
            optimizer = keras.mixed_precision.LossScaleOptimizer(optimizer)
        optimizer.build(variables)
        found.append((optimizer, variables))
    return found


def _in_float16(model: Any) -> bool:
    """Whose smallest gradients would be zero: its loss is scaled up, and the gradients down again."""
    return str(model.get_layer("logits").compute_dtype) == "float16"


def _step(
    model: Any,
    material: Material,
    settings: FineTuneSettings,
    optimizers: Sequence[tuple[Any, list[Any]]],
    constraint: Constraint | None,
) -> Any:
    """A replica's step: its part of the loss, the whole batch's being the sum over the replicas, and of the accuracy."""
    head = model.get_layer("logits")
    trunk = keras.Model(model.input, head.input)
    objective = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=settings.label_smoothing, reduction="none")
    contract, augment, weights, teacher = material.contract, material.augment, tf.constant(material.weights), settings.teacher

    def learn(pixels: Any, labels: Any, seed: Any, share: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            features = trunk(contract.normalize(pixels), training=settings.live_norms)
            logits = tf.cast(head(tf.nn.experimental.stateless_dropout(features, settings.dropout, seed)), tf.float32)
            loss = tf.reduce_mean(
                objective(tf.one_hot(labels, len(contract.class_names)), logits, sample_weight=tf.gather(weights, labels))
            )
            if teacher is not None:
                loss = (1 - teacher.weight) * loss + teacher.weight * teacher.loss(pixels, logits)
            if settings.l2:
                loss += decay(model, settings.l2)
            loss *= share
            scaled = optimizers[0][0].get_scaled_loss(loss) if _in_float16(model) else loss
        for (optimizer, variables), slopes in zip(optimizers, tape.gradient(scaled, [group for _, group in optimizers]), strict=True):
            slopes = optimizer.get_unscaled_gradients(slopes) if _in_float16(model) else slopes
            optimizer.apply_gradients(zip(slopes, variables, strict=True))
        if constraint is not None:
            constraint()
        return loss, share * tf.reduce_mean(tf.cast(tf.argmax(logits, 1, tf.int32) == labels, tf.float32))

    if settings.jit:  # but for the augmentation, whose crops XLA cannot resize
        learn = tf.function(learn, jit_compile=True)
    return lambda pixels, labels, seed, share: learn(augment(pixels, seed), labels, seed, share)


def accuracy_and_loss(logits: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Top-1 accuracy and mean cross-entropy of float32 logits [N, K]."""
    shifted = logits - logits.max(1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return float(np.mean(logits.argmax(1) == labels)), float(-log_probabilities[np.arange(len(labels)), labels].mean())
