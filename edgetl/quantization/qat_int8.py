"""Quantization-aware training: the calibrated model learns, with rounding in the loop, to answer as the float model does.

Distillation instead of labels, since a converged model only overfits further (Hinton et al. 2015, arXiv:1503.02531); ranges are
calibrated before the first step, since the library's own start at [-6, 6] and arrive only after thousands of steps.
"""

from dataclasses import dataclass
from typing import Any

from edgetl.keras import keras, tf

import numpy as np

from edgetl.contract import InputContract
from edgetl.data.augment import Augmentation
from edgetl.data.base import Pictures
from edgetl.data.batches import epoch_batches
from edgetl.quantization.base import Quantized, bake
from edgetl.quantization.calibrate import activation_ranges
from edgetl.quantization.wrappers import quantize_aware
from edgetl.training.epochs import History, Schedule, train_epochs
from edgetl.training.finetune import accuracy_and_loss
from edgetl.training.schedule import WarmupCosine
from edgetl.training.scoring import scorer


@dataclass(frozen=True)
class DistilSettings:
    """What the student learns from: pictures in the size that `augment` takes; learning_rate is Adam's peak, temperature the softmax's."""

    training_pictures: Pictures
    batch_size: int
    learning_rate: float
    temperature: float
    augment: Augmentation
    seed: int


def quantize(
    float_model: Any, pictures: Pictures, rows: np.ndarray, contract: InputContract, settings: DistilSettings, schedule: Schedule
) -> tuple[Quantized, History]:
    """Calibrate on the pictures `rows`, then distil on all training pictures; the best epoch by validation is kept."""
    ranges = activation_ranges(float_model, contract, pictures.pixels, rows)
    student = quantize_aware(float_model, ranges)
    optimizer = keras.optimizers.Adam(
        WarmupCosine(settings.learning_rate, schedule.epochs * schedule.steps_per_epoch, schedule.steps_per_epoch // 4)
    )
    optimizer.build(student.trainable_variables)
    train, val, score = pictures.rows("train"), pictures.rows("val"), scorer(student, contract)
    history = train_epochs(
        "quantization-aware training",
        schedule,
        student.variables,
        optimizer.variables,
        lambda epoch: epoch_batches(settings.training_pictures, train, settings.batch_size, settings.seed, epoch),
        _step(student, float_model, contract, settings, optimizer),
        lambda: accuracy_and_loss(score(pictures.pixels, val), pictures.labels[val]),
    )
    return bake(float_model, _trained_weights(float_model, student), ranges, contract), history


def _step(student: Any, teacher: Any, contract: InputContract, settings: DistilSettings, optimizer: Any) -> Any:
    temperature = settings.temperature

    @tf.function(reduce_retracing=True)
    def step(pixels: Any, labels: Any, seed: Any) -> tuple[Any, Any]:
        images = contract.normalize(settings.augment(pixels, seed))
        target = tf.nn.softmax(teacher(images, training=False) / temperature)
        with tf.GradientTape() as tape:
            logits = student(images, training=True)
            divergence = keras.losses.kl_divergence(target, tf.nn.softmax(logits / temperature))
            loss = tf.reduce_mean(divergence) * temperature**2  # so that the gradient's size does not depend on the temperature
        optimizer.apply_gradients(zip(tape.gradient(loss, student.trainable_variables), student.trainable_variables, strict=True))
        return loss, tf.reduce_mean(tf.cast(tf.argmax(logits, 1, tf.int32) == labels, tf.float32))

    return step


def _trained_weights(float_model: Any, student: Any) -> dict[str, list[np.ndarray]]:
    """The student's weights under the float model's layer names, in that model's order of kernel and bias."""
    weights = {}
    for layer in float_model.layers:
        if layer.weights:
            wrapper = student.get_layer(f"quant_{layer.name}")
            trained = {variable.name.rpartition("/")[2]: variable.numpy() for variable in wrapper.weights}
            weights[layer.name] = [trained[variable.name.rpartition("/")[2]] for variable in layer.weights]
    return weights
