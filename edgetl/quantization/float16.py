"""Weights in half precision; what computes in float32 widens them, what has half-precision arithmetic (GPUs, newer phones) uses it."""

from typing import Any

import numpy as np

from edgetl.quantization.base import Samples, Scheme
from edgetl.quantization.bounds import HALVES


def _configure(converter: Any, samples: Samples) -> None:
    from edgetl.keras import tf

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


def _halves(kernel: np.ndarray, *, depthwise: bool) -> np.ndarray:
    return kernel.astype(np.float16).astype(np.float32)


SCHEME = Scheme("float16", _configure, HALVES, rounded=_halves, keeps_float_biases=True, halves=True)
