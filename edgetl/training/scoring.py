"""A Keras model applied to stored pixels, batch by batch."""

from collections.abc import Callable
from typing import Any

from edgetl.keras import graph_of_images, tf

import numpy as np

from edgetl.contract import Contract
from edgetl.data.base import Pixels
from edgetl.progress import progress

_BATCH = 64  # enough to keep two cores or a GPU busy; 64 images of 224 px are 38 MB as float32


def scorer(model: Any, contract: Contract, *, mirrored: bool = False) -> Callable[..., np.ndarray]:
    """Return a function of (pixels, rows, description) that computes the model's float32 outputs [len(rows), ...].

    It is compiled on its first call and sees later changes of the model's weights. With a description it shows a progress bar.

    Args:
        model: a callable on normalized float32 [N, H, W, 3].
        mirrored: turn the images left-right first.
    """

    @graph_of_images(contract.shape)
    def outputs(pixels: Any) -> Any:
        pixels = tf.reverse(pixels, [2]) if mirrored else pixels
        return tf.cast(model(contract.normalize(tf.cast(pixels, tf.float32)), training=False), tf.float32)

    def score(pixels: Pixels, rows: np.ndarray, description: str = "") -> np.ndarray:
        batches = [rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH)]
        if not description:
            return np.concatenate([outputs(pixels[batch]).numpy() for batch in batches])
        with progress(description, len(rows)) as tick:
            computed = []
            for batch in batches:
                computed.append(outputs(pixels[batch]).numpy())
                tick(len(batch))
        return np.concatenate(computed)

    return score
