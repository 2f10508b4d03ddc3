"""Post-training quantization: per-channel weights on their own grids, activation ranges from calibration, no training."""

from typing import Any

import numpy as np

from edgetl.contract import InputContract
from edgetl.data.base import Pictures
from edgetl.quantization.base import Quantized, bake
from edgetl.quantization.calibrate import activation_ranges
from edgetl.training.epochs import History, Schedule


def quantize(
    float_model: Any, pictures: Pictures, rows: np.ndarray, contract: InputContract, settings: Any = None, schedule: Schedule | None = None
) -> tuple[Quantized, History]:
    """The float model's weights and the ranges that the calibration pictures `rows` showed."""
    ranges = activation_ranges(float_model, contract, pictures.pixels, rows)
    weights = {layer.name: layer.get_weights() for layer in float_model.layers if layer.weights}
    return bake(float_model, weights, ranges, contract), History()
