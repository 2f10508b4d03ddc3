"""A network of colour images made one of gray images."""

from typing import Any

from edgetl.keras import keras

import numpy as np

from edgetl.backbones.graph import copied, walk
from edgetl.input import Channels


def in_channels(backbone: keras.Model, channels: Channels) -> keras.Model:
    """Return a backbone of images [N, H, W, 3] as it is, or as one of gray images [N, H, W, 1].

    Kernels of the first convolutions are summed over the colours: of a gray image the network computes what it did of the same image in
    three equal channels.
    """
    if channels == "RGB":
        return backbone
    height, width, _ = backbone.input_shape[1:]
    image = keras.Input((height, width, 1), name="image")

    def place(layer: Any, inputs: Any) -> Any:
        of_colours = inputs.shape[-1] == 1 if not isinstance(inputs, list) else False
        kernels = [_summed(one) for one in layer.get_weights()] if of_colours else None
        return copied(layer, inputs, kernels)

    return keras.Model(image, walk(backbone, image, place), name=backbone.name)


def _summed(weight: Any) -> Any:
    """Return a kernel [h, w, 3, O] as one of a channel [h, w, 1, O]; any other weight as it is."""
    return np.sum(weight, axis=2, keepdims=True) if weight.ndim == 4 and weight.shape[2] == 3 else weight
