"""Calibrate after training: nothing is trained."""

from typing import TYPE_CHECKING

import numpy as np

from edgetl.quantization.base import Scheme, Settings, integers
from edgetl.quantization.bounds import INTEGERS

if TYPE_CHECKING:
    from edgetl.keras import keras

    from edgetl.data.examples import AugmentedExamples
    from edgetl.quantization.quantized import QuantizationResult
    from edgetl.training.schedule import Schedule


def _quantize(
    float_model: "keras.Model", examples: "AugmentedExamples", rows: np.ndarray, settings: Settings, schedule: "Schedule | None" = None
) -> "QuantizationResult":
    from edgetl.quantization.calibrate import quantize

    return quantize(float_model, examples, rows, settings, schedule)


SCHEME = Scheme("int8", integers, INTEGERS, _quantize)
