"""Weights in int8 per channel, activations in int16: nearly float's predictions where integers are a must.

The weights are those of an int8 model, the better one without its activations' rounding; its biases know that of its kernels. The
activations' ranges are calibrated here. LiteRT runs it in its plain kernels: measured a hundred times slower than float on x86. What it
loses is what int8 weights lose.
"""

from typing import Any

from edgetl.keras import tf

from edgetl.quantization.base import Samples, Scheme


def _configure(converter: Any, samples: Samples) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = samples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8]


SCHEME = Scheme("int16x8", _configure, int8_weights=True)
