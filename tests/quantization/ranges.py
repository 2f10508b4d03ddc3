"""The ranges that images show, without a choice among methods."""

from typing import Any

import numpy as np

from edgetl.contract import Contract
from edgetl.data.base import Pixels
from edgetl.quantization.calibrate import histograms, minmax
from edgetl.quantization.quantized import Ranges


def activation_ranges(model: Any, contract: Contract, pixels: Pixels, rows: np.ndarray) -> Ranges:
    """Return the lowest and highest value of each ranged layer's output over the images."""
    return {name: minmax(histogram) for name, histogram in histograms(model, contract, pixels, rows).items()}
