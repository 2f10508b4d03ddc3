"""Keras' VGG and ResNet weights are from Caffe: of pixels in the order blue, green, red, each less its mean over ImageNet."""

from edgetl.keras import keras

import numpy as np

_MEANS = np.array([123.68, 116.779, 103.939], np.float32)  # of red, green, blue, in 0..255
SCALE, ZERO_POINT = 1 / 127.5, 128  # the pixel grid that takes their place


def take_rgb(model: keras.Model) -> None:
    """Move the pixels' order and means into the first convolution, in place: networks here read RGB on one grid.

    What differs is the padding at the rim: of pixels 128 (this grid's zero) instead of the means.
    """
    first = next(layer for layer in model.layers if layer.weights)
    kernel, bias = first.get_weights()
    kernel = kernel[:, :, ::-1]
    first.set_weights([kernel / SCALE, bias + (ZERO_POINT - _MEANS) @ kernel.sum((0, 1))])
