"""Quantization-aware training: the calibrated model learns, with rounding in the loop, to predict what the float model predicts.

Distillation instead of labels, since a converged model only overfits further (Hinton et al. 2015, arXiv:1503.02531); ranges are
calibrated before the first step, since the library's own start at [-6, 6] and arrive only after thousands of steps.
"""

from dataclasses import replace
from typing import Any

from edgetl.keras import keras, tf

import numpy as np

from edgetl.contract import Contract
from edgetl.data.examples import AugmentedExamples, Batching, epoch_batches
from edgetl.errors import UsageError
from edgetl.quantization.base import Settings
from edgetl.quantization.calibrate import quantize as calibrate
from edgetl.quantization.quantized import QuantizationResult, Quantized, bake
from edgetl.quantization.wrappers import learned_ranges, quantize_aware
from edgetl.training.compress import kept
from edgetl.training.head import features_of
from edgetl.training.objective import objective_of
from edgetl.training.schedule import Schedule, WarmupCosine
from edgetl.training.scoring import scorer
from edgetl.training.step import Loss, Optimizer, Step
from edgetl.training.trainer import Trainer


def quantize(float_model: Any, examples: AugmentedExamples, rows: np.ndarray, settings: Settings, schedule: Schedule) -> QuantizationResult:
    """Calibrate on the images `rows`, then distil on all training images; the last epoch is kept, as the schedule chose it.

    Raises UsageError for a model that computes in another precision than float32.
    """
    _refuse_mixed_precision(float_model)
    images, larger, contract = examples.images, examples.training_images, examples.contract
    objective = objective_of(contract.output)
    start = settings.calibrated or calibrate(float_model, examples, rows, settings)
    calibrated = start.model
    student = quantize_aware(float_model, calibrated, learn_ranges=settings.learn_ranges)
    adam = keras.optimizers.Adam(
        WarmupCosine(settings.learning_rate, schedule.epochs * schedule.steps_per_epoch, schedule.steps_per_epoch // 4)
    )
    adam.build(student.trainable_variables)
    val, batching = images.rows("val"), Batching(rows=images.rows("train"), batch_size=settings.batch_size, seed=settings.seed)

    def baked() -> Quantized:
        return bake(float_model, _trained_weights(float_model, student), learned_ranges(student, calibrated.ranges), contract)

    judged = calibrated.to_keras(float_model, contract)
    compute_logits = scorer(judged, contract)

    def validate() -> tuple[float, float]:
        """Judge what would be shipped, with biases on their grids, which the student's are not."""
        baked().put_into(judged, float_model)
        return objective.judge(compute_logits(images.pixels, val), images.label_ids[val])

    history = Trainer(
        variables=student.variables,
        step=Step(
            loss=_loss(student, float_model, contract, settings),
            optimizers=[Optimizer(keras=adam, variables=student.trainable_variables)],
            augment=examples.augment,
            objective=objective,
            constraint=kept(float_model, student) if settings.compressed else None,
        ),
        batches=lambda epoch, share: epoch_batches(larger, batching, epoch, share),
        judges=len(val),
        validate=validate,
        schedule=replace(schedule, name="quantization-aware training"),
    ).train()
    return QuantizationResult(baked(), start.ranges, history.recorded())


def _refuse_mixed_precision(model: Any) -> None:
    found = {layer.compute_dtype for layer in model.layers} - {"float32"}
    if found:
        raise UsageError(
            f"quantization-aware training needs a float32 model, this one computes in {', '.join(sorted(found))}: "
            "half precision cannot tell apart the values of a grid of 256 steps (tensorflow/model-optimization#367)",
            "train in float32, or leave quantization-aware training out with --no-qat",
        )


def _loss(student: Any, float_model: Any, contract: Contract, settings: Settings) -> Loss:
    features = features_of(float_model)
    teacher, learner = (
        keras.Model(model.input, [model.get_layer(layer).output, model.output])
        for model, layer in ((float_model, features), (student, f"quant_{features}"))
    )
    objective = objective_of(contract.output)
    temperature, feature_weight = settings.temperature, settings.feature_weight  # a graph's function must not hold the images

    def loss(pixels: Any, label_ids: Any, seed: Any) -> tuple[Any, Any]:
        normalized = contract.normalize(pixels)
        teacher_features, teacher_logits = teacher(normalized, training=False)
        features, logits = learner(normalized, training=True)
        value = objective.divergence(teacher_logits, logits, temperature)
        if feature_weight:
            error = tf.reduce_mean(tf.square(features - teacher_features)) / tf.reduce_mean(tf.square(teacher_features))
            value += feature_weight * error
        return value, logits

    return loss


def _trained_weights(float_model: Any, student: Any) -> dict[str, list[np.ndarray]]:
    """Return the student's weights under the float model's layer names, in that model's order of kernel and bias."""
    weights = {}
    for layer in float_model.layers:
        if layer.weights:
            wrapper = student.get_layer(f"quant_{layer.name}")
            trained = {variable.name.rpartition("/")[2]: variable.numpy() for variable in wrapper.weights}
            weights[layer.name] = [trained[variable.name.rpartition("/")[2]] for variable in layer.weights]
    return weights
