"""Quantization-aware training: the calibrated model learns, with rounding in the loop, to answer as the float model does.

Distillation instead of labels, since a converged model only overfits further (Hinton et al. 2015, arXiv:1503.02531); ranges are
calibrated before the first step, since the library's own start at [-6, 6] and arrive only after thousands of steps.
"""

from typing import Any

from edgetl.keras import keras, tf

import numpy as np

from edgetl.contract import Contract
from edgetl.data.base import Images
from edgetl.data.batches import epoch_batches
from edgetl.errors import UsageError
from edgetl.quantization.base import Quantized, Scheme, Settings, bake, integers
from edgetl.quantization.ptq_int8 import quantize as calibrate
from edgetl.quantization.wrappers import learned_ranges, quantize_aware
from edgetl.training.compress import kept
from edgetl.training.epochs import Schedule, train_epochs
from edgetl.training.finetune import accuracy_and_loss, divergence
from edgetl.training.schedule import WarmupCosine
from edgetl.training.scoring import scorer
from edgetl.training.team import ALONE


def quantize(
    float_model: Any, images: Images, rows: np.ndarray, contract: Contract, settings: Settings, schedule: Schedule
) -> tuple[Quantized, dict[str, Any]]:
    """Calibrate on the images `rows`, then distil on all training images; the best epoch by validation is kept, or none if none is.

    Raises UsageError for a model that computes in another precision than float32.
    """
    _refuse_mixed_precision(float_model)
    calibrated, facts = (settings.calibrated, {}) if settings.calibrated else calibrate(float_model, images, rows, contract, settings)
    student = quantize_aware(float_model, calibrated, settings.learn_ranges)
    optimizer = keras.optimizers.Adam(
        WarmupCosine(settings.learning_rate, schedule.epochs * schedule.steps_per_epoch, schedule.steps_per_epoch // 4)
    )
    optimizer.build(student.trainable_variables)
    train, val = images.rows("train"), images.rows("val")

    def baked() -> Quantized:
        return bake(float_model, _trained_weights(float_model, student), learned_ranges(student, calibrated.ranges), contract)

    judged = calibrated.to_keras(float_model, contract)
    score = scorer(judged, contract)

    def validate() -> tuple[float, float]:
        """Of what would be shipped, with biases on their grids, which the student's are not."""
        judged.set_weights(baked().to_keras(float_model, contract).get_weights())
        return accuracy_and_loss(score(images.pixels, val), images.label_ids[val])

    history = train_epochs(
        "quantization-aware training",
        schedule,
        student.variables,
        optimizer.variables,
        lambda epoch: epoch_batches(settings.training_images, train, settings.batch_size, settings.seed, epoch),
        ALONE.steps(_step(student, float_model, contract, settings, optimizer)),
        validate,
        start_counts=True,
    )
    return baked(), facts | {"training": history.training()}


def _refuse_mixed_precision(model: Any) -> None:
    found = {layer.compute_dtype for layer in model.layers} - {"float32"}
    if found:
        raise UsageError(
            f"quantization-aware training needs a float32 model, this one computes in {', '.join(sorted(found))}: "
            "half precision cannot tell apart the values of a grid of 256 steps (tensorflow/model-optimization#367)",
            "train in float32, or leave quantization-aware training out with --no-qat",
        )


def _step(student: Any, float_model: Any, contract: Contract, settings: Settings, optimizer: Any) -> Any:
    teacher, learner = (
        keras.Model(model.input, [model.get_layer(pool).output, model.output])
        for model, pool in ((float_model, "pool"), (student, "quant_pool"))
    )
    keep_compressed = kept(float_model, student)

    def step(pixels: Any, labels: Any, seed: Any, share: Any) -> tuple[Any, Any]:
        images = contract.normalize(settings.augment(pixels, seed))
        wanted_features, wanted = teacher(images, training=False)
        with tf.GradientTape() as tape:
            features, logits = learner(images, training=True)
            loss = divergence(wanted, logits, settings.temperature)
            if settings.feature_weight:
                error = tf.reduce_mean(tf.square(features - wanted_features)) / tf.reduce_mean(tf.square(wanted_features))
                loss += settings.feature_weight * error
        optimizer.apply_gradients(zip(tape.gradient(loss, student.trainable_variables), student.trainable_variables, strict=True))
        keep_compressed()
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


SCHEME = Scheme("int8", integers, quantize)
