"""Weights in int8 per channel, activations in float and quantized anew for each image as it comes: nothing to calibrate."""

from typing import Any

from edgetl.keras import tf

from edgetl.quantization.base import Samples, Scheme, on_grid


def _configure(converter: Any, samples: Samples) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]


SCHEME = Scheme("dynamic_int8", _configure, rounded=on_grid)
