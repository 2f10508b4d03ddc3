"""Post-training quantization: per-channel weights on their own grids, activation ranges from calibration, no training."""

from typing import Any

import numpy as np

from edgetl.contract import InputContract
from edgetl.data.base import Pictures
from edgetl.quantization.base import Quantized, baked_weights
from edgetl.quantization.calibrate import activation_ranges
from edgetl.training.epochs import History, Schedule


def quantize(
    float_model: Any, pictures: Pictures, rows: np.ndarray, contract: InputContract, settings: Any = None, schedule: Schedule | None = None
) -> tuple[Quantized, History]:
    """The float model's weights and the ranges that the calibration pictures `rows` showed."""
    return Quantized(baked_weights(float_model), activation_ranges(float_model, contract, pictures.pixels, rows)), History()
