"""The integers of an imported file, as they are: nothing is calibrated and nothing trained."""

from typing import TYPE_CHECKING

import numpy as np

from edgetl.quantization.base import Scheme, Settings, integers
from edgetl.quantization.bounds import INTEGERS

if TYPE_CHECKING:
    from edgetl.keras import keras

    from edgetl.data.examples import AugmentedExamples
    from edgetl.quantization.quantized import QuantizationResult
    from edgetl.training.schedule import Schedule


def quantize(
    float_model: "keras.Model", examples: "AugmentedExamples", rows: np.ndarray, settings: Settings, schedule: "Schedule"
) -> "QuantizationResult":
    """Return what the file holds, which the settings have."""
    assert settings.calibrated is not None
    return settings.calibrated


SCHEME = Scheme("int8", integers, INTEGERS, quantize, own=True)
