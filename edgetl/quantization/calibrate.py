"""Activation ranges, seen on calibration pictures."""

from typing import Any

from edgetl.keras import keras, tf

import numpy as np

from edgetl.console import progress
from edgetl.contract import InputContract
from edgetl.quantization.base import ranged_layers

_BATCH = 32  # pictures: all activations of a batch pass through memory, though not at once
_SMALLEST_HIGH = 1e-3  # a ReLU that never fired still needs a scale


def activation_ranges(model: keras.Model, contract: InputContract, pixels: np.ndarray, rows: np.ndarray) -> dict[str, tuple[float, float]]:
    """Smallest and largest value of each ranged layer's output over the pictures; zero is inside, so ReLU ranges start at exactly 0."""
    names = ranged_layers(model)
    outputs = keras.Model(model.input, [model.get_layer(name).output for name in names])

    @tf.function(reduce_retracing=True)
    def ends(batch: Any) -> tuple[Any, Any]:
        values = outputs(contract.normalize(tf.cast(batch, tf.float32)), training=False)
        return tf.stack([tf.reduce_min(v) for v in values]), tf.stack([tf.reduce_max(v) for v in values])

    low, high = np.zeros(len(names)), np.full(len(names), _SMALLEST_HIGH)
    with progress("calibration", len(rows)) as tick:
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            lows, highs = ends(pixels[batch])
            low, high = np.minimum(low, lows.numpy()), np.maximum(high, highs.numpy())
            tick(len(batch))
    return {name: (float(a), float(b)) for name, a, b in zip(names, low, high, strict=True)}
