"""The int8 grid of a kernel: symmetric, with a scale of its own for each output channel."""

from typing import Any, Protocol

from edgetl.keras import tf

import numpy as np

_SMALLEST_RANGE = 1e-6  # an all-zero channel or activation still needs a scale


class Rounded(Protocol):
    """Return a kernel as the converter will round it; a depthwise one has its channels in another axis."""

    def __call__(self, kernel: np.ndarray, *, depthwise: bool) -> np.ndarray: ...


def channel_limits(kernel: Any, *, depthwise: bool) -> Any:
    """Return the largest magnitude of each output channel: float32 [C_out], or [C, 1] for a depthwise kernel [h, w, C, 1]."""
    return tf.maximum(tf.reduce_max(tf.abs(kernel), axis=[0, 1] if depthwise else list(range(len(kernel.shape) - 1))), _SMALLEST_RANGE)


def on_grid(kernel: np.ndarray, *, depthwise: bool) -> np.ndarray:
    """Return the kernel rounded to its symmetric per-channel int8 grid (-127..127 times limit/127), as float32 of the same shape."""
    scale = channel_limits(kernel, depthwise=depthwise).numpy() / np.float32(127)
    rounded: np.ndarray = np.clip(np.rint(kernel / scale), -127, 127) * scale
    return rounded.astype(np.float32)
