"""Post-training quantization: per-channel weights on their own grids, activation ranges from calibration, no training."""

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import log_softmax

from edgetl.contract import Contract
from edgetl.data.base import Images, Pixels
from edgetl.data.calibration import sample
from edgetl.data.examples import AugmentedExamples
from edgetl.quantization.base import QuantizationResult, Quantized, Scheme, Settings, bake, integers
from edgetl.quantization.bounds import INTEGERS
from edgetl.quantization.calibrate import METHODS, histograms
from edgetl.quantization.correct import corrected, input_means
from edgetl.run_record import RangeMethod
from edgetl.training.schedule import Schedule
from edgetl.training.scoring import scorer

logger = logging.getLogger(__name__)


def quantize(
    float_model: Any, examples: AugmentedExamples, rows: np.ndarray, settings: Settings, schedule: Schedule | None = None
) -> QuantizationResult:
    """Take the float model's weights and the ranges that the calibration images `rows` showed.

    With ranges "auto" the method, and whether biases are corrected, is chosen by what moves the predictions on other training images least.
    """
    images, contract = examples.images, examples.contract
    seen = histograms(float_model, contract, images.pixels, rows)
    weights = {layer.name: layer.get_weights() for layer in float_model.layers if layer.weights}
    names = METHODS if settings.ranges == "auto" else [settings.ranges]
    candidates = {name: bake(float_model, weights, {layer: METHODS[name](h) for layer, h in seen.items()}, contract) for name in names}
    if settings.ranges != "auto":
        return QuantizationResult(candidates[settings.ranges], RangeMethod(settings.ranges))
    judged_on = _others(images, rows, settings.seed)
    divergence = _divergence_from(float_model, contract, images.pixels, judged_on)
    apart = {name: divergence(model) for name, model in candidates.items()}
    best = min(apart, key=lambda name: apart[name])
    means = input_means(float_model, contract, images.pixels, rows)
    better_biases = bake(float_model, corrected(float_model, weights, candidates[best].weights, means), candidates[best].ranges, contract)
    name = f"{best}, biases corrected"
    candidates[name], apart[name] = better_biases, divergence(better_biases)
    chosen = min(apart, key=lambda name: apart[name])
    logger.info(
        f"ranges: {chosen}; KL from float on {len(judged_on)} training images: {', '.join(f'{n} {kl:.5f}' for n, kl in apart.items())}"
    )
    return QuantizationResult(candidates[chosen], RangeMethod(chosen, apart))


def _divergence_from(float_model: Any, contract: Contract, pixels: Pixels, rows: np.ndarray) -> Callable[[Quantized], float]:
    """Return what computes a quantized model's mean KL divergence from the float model, in nats: it sees far smaller harm than flips do."""

    def log_probabilities(model: Any) -> np.ndarray:
        result: np.ndarray = log_softmax(scorer(model, contract)(pixels, rows).astype(np.float64), axis=1)
        return result

    wanted = log_probabilities(float_model)

    def divergence(quantized: Quantized) -> float:
        found = log_probabilities(quantized.to_keras(float_model, contract))
        return float((np.exp(wanted) * (wanted - found)).sum(1).mean())

    return divergence


def _others(images: Images, rows: np.ndarray, seed: int) -> np.ndarray:
    """Choose as many training images that were not calibrated on; the same ones where the set is too small for that."""
    others = np.setdiff1d(images.rows("train"), rows)
    return sample(images.label_ids, others, len(rows), seed) if len(others) >= len(rows) else rows


SCHEME = Scheme("int8", integers, INTEGERS, quantize)
