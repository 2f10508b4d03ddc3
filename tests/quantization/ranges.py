"""The ranges that images show, without a choice among methods."""

from typing import Any

import numpy as np

from edgetl.contract import Contract
from edgetl.data.base import Pixels
from edgetl.quantization.base import Ranges
from edgetl.quantization.calibrate import histograms, minmax


def activation_ranges(model: Any, contract: Contract, pixels: Pixels, rows: np.ndarray) -> Ranges:
    """Return the lowest and highest value of each ranged layer's output over the images."""
    return {name: minmax(histogram) for name, histogram in histograms(model, contract, pixels, rows).items()}
