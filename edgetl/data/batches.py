"""Batches for training: the order of an epoch and every random draw follow from (seed, epoch), so that a resumed run sees the same."""

from collections.abc import Iterator
from typing import Any

from edgetl.keras import tf

import numpy as np

from edgetl.data.base import Pictures


def epoch_batches(pictures: Pictures, rows: np.ndarray, batch_size: int, seed: int, epoch: int) -> Any:
    """One epoch in random order, streamed.

    Returns:
        a tf.data.Dataset of (uint8 pixels [n, H, W, 3], int32 labels [n], int32 seed [2]); the last batch may be smaller.
    """
    order = rows[np.random.default_rng([seed, epoch]).permutation(len(rows))]

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            yield pictures.pixels[batch], pictures.labels[batch], np.array([seed + epoch * 7919, start], np.int32)

    signature = (
        tf.TensorSpec((None, *pictures.pixels.shape[1:]), tf.uint8),
        tf.TensorSpec((None,), tf.int32),
        tf.TensorSpec((2,), tf.int32),
    )
    # Nothing here is for autotuning, and its thread sleeps for up to twice the time it has run: the end of an epoch would wait for it.
    options = tf.data.Options()
    options.autotune.enabled = False
    return tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(4).with_options(options)
