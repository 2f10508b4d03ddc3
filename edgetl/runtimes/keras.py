"""Keras itself: the model that was trained, against which the files are judged."""

from pathlib import Path
from typing import Any

from edgetl.keras import class_probabilities, graph_of_images, tf

import numpy as np
from numpy.typing import NDArray

from edgetl.backbones import keras_file as saved_model
from edgetl.contract import Contract
from edgetl.input import FREE_BATCH, Batch
from edgetl.runtimes.base import Runtime, check_shapes, opening


class KerasSession:
    """A Keras model, float or quantized, from normalized float32 pixels [N, H, W, 3] to logits [N, K], as a Session.

    Args:
        model: the model; its weights are read at each call, not copied.
        contract: gives the normalization and the image's size.
    """

    batch: Batch = FREE_BATCH
    batch_size = 64  # keeps all cores busy; MobileNet's largest activation at 224 px is then 0.3 GiB

    def __init__(self, model: Any, contract: Contract) -> None:
        @graph_of_images(contract.shape)
        def probabilities(pixels: Any) -> Any:
            logits = model(contract.normalize(tf.cast(pixels, tf.float32)), training=False)
            return class_probabilities(logits, contract.output)

        self._probabilities = probabilities

    def __call__(self, pixels: NDArray[np.uint8], /) -> NDArray[np.float32]:
        predictions: NDArray[np.float32] = self._probabilities(pixels).numpy()
        return predictions


def open_session(path: Path, contract: Contract, threads: int = 1) -> KerasSession:
    """`threads` is not heeded: TensorFlow has one pool a process, fixed at its first operation."""
    with opening(path, *saved_model.FAULTS):
        model = saved_model.load(path)
        takes, (batch, logits) = list(model.input_shape), model.output_shape
    check_shapes(path, takes, [batch, logits - contract.output.rejects_inside], contract)
    return KerasSession(model, contract)


RUNTIME = Runtime(open_session)
