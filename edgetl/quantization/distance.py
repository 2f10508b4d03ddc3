"""Measure how far a quantized model is from its float model: what training with quantization in the loop could win back."""

from collections.abc import Callable
from typing import Any

from edgetl.keras import keras

import numpy as np
from scipy.special import log_softmax

from edgetl.data.base import Images
from edgetl.data.calibration import sample
from edgetl.data.examples import AugmentedExamples
from edgetl.int8_record import Distance
from edgetl.quantization.quantized import Quantized
from edgetl.training.scoring import scorer


def distance_from(float_model: keras.Model, examples: AugmentedExamples, rows: np.ndarray, seed: int) -> Callable[[Quantized], Distance]:
    """Return what measures how far a quantized model is from float, on other training images than the `rows` that it was calibrated on.

    The KL divergence sees far smaller harm than changed predictions do.
    """
    images, contract = examples.images, examples.contract
    others = _others(images, rows, seed)

    def log_probabilities(compute_logits: Callable[..., np.ndarray]) -> np.ndarray:
        result: np.ndarray = log_softmax(compute_logits(images.pixels, others).astype(np.float64), axis=1)
        return result

    wanted = log_probabilities(scorer(float_model, contract))
    simulated: Any = None
    compute_logits: Callable[..., np.ndarray]

    def distance(quantized: Quantized) -> Distance:
        nonlocal simulated, compute_logits
        if simulated is None:
            simulated = quantized.to_keras(float_model, contract)
            compute_logits = scorer(simulated, contract)
        else:
            quantized.put_into(simulated, float_model)
        found = log_probabilities(compute_logits)
        kl = (np.exp(wanted) * (wanted - found)).sum(1).mean()
        return Distance(images=len(others), kl=max(float(kl), 0.0), changed=float(np.mean(found.argmax(1) != wanted.argmax(1))))

    return distance


def _others(images: Images, rows: np.ndarray, seed: int) -> np.ndarray:
    """Choose as many training images that were not calibrated on; the same ones where the set is too small for that."""
    others = np.setdiff1d(images.rows("train"), rows)
    return sample(images.label_ids, others, len(rows), seed) if len(others) >= len(rows) else rows
