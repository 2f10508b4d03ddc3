"""Measure how far a quantized model is from its float model: what training with quantization in the loop could win back."""

from collections.abc import Callable
from typing import Any

from edgetl.keras import keras

import numpy as np

from edgetl.data.base import Images
from edgetl.data.calibration import sample
from edgetl.data.examples import AugmentedExamples
from edgetl.int8_record import Distance
from edgetl.quantization.quantized import Quantized
from edgetl.training.objective import objective_of
from edgetl.training.scoring import scorer


def distance_from(float_model: keras.Model, examples: AugmentedExamples, rows: np.ndarray, seed: int) -> Callable[[Quantized], Distance]:
    """Return what measures how far a quantized model is from float, on other training images than the `rows` that it was calibrated on.

    The KL divergence sees far smaller harm than changed predictions do.
    """
    images, contract = examples.images, examples.contract
    others = _others(images, rows, seed)

    objective = objective_of(contract.output)
    wanted = scorer(float_model, contract)(images.pixels, others)
    simulated: Any = None
    compute_logits: Callable[..., np.ndarray]

    def distance(quantized: Quantized) -> Distance:
        nonlocal simulated, compute_logits
        if simulated is None:
            simulated = quantized.to_keras(float_model, contract)
            compute_logits = scorer(simulated, contract)
        else:
            quantized.put_into(simulated, float_model)
        kl, changed = objective.distances(wanted, compute_logits(images.pixels, others))
        return Distance(images=len(others), kl=max(float(kl.mean()), 0.0), changed=float(changed.mean()))

    return distance


def _others(images: Images, rows: np.ndarray, seed: int) -> np.ndarray:
    """Choose as many training images that were not calibrated on; the same ones where the set is too small for that."""
    others = np.setdiff1d(images.rows("train"), rows)
    return sample(images.label_ids, others, len(rows), seed) if len(others) >= len(rows) else rows
