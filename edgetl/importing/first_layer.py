"""Put the preprocessing of an imported network into its first layer, so that it reads the contract's grid of raw pixels."""

from typing import Any

from edgetl.keras import keras, layers

import numpy as np

from edgetl.backbones.graph import copied, rebuild, users, walk
from edgetl.importing.convention import InputAffine

PREPROCESSING = "preprocessing"


def on_pixels(model: Any, affine: InputAffine) -> tuple[Any, bool]:
    """Return the same network for inputs `scale * (pixel - zero_point)`, and whether it computes the same at padded borders, too.

    Zeros around an image stand for one pixel in all colours then, in the file perhaps for another in each: there the two differ.
    """
    layer, padded = _first(model)
    if layer is None or (isinstance(layer, layers.DepthwiseConv2D) and affine.order != tuple(range(len(affine.order)))):
        return _with_layer_before(model, affine), True

    def place(one: Any, inputs: Any) -> Any:
        return copied(one, inputs, _folded(one, affine), use_bias=True) if one is layer else copied(one, inputs)

    return rebuild(model, place), affine.has_one_centre or not padded


def two_classes(model: Any) -> Any:
    """Return a network of one logit, whose sigmoid is the probability of the second class, as one of two logits with the same softmax.

    Another network is returned as it is.
    """
    last = model.layers[-1]
    if model.output_shape[-1] != 1 or not isinstance(last, layers.Dense):
        return model

    def place(one: Any, inputs: Any) -> Any:
        if one is not last:
            return copied(one, inputs)
        return copied(one, inputs, [np.concatenate([0 * part, part], axis=-1) for part in one.get_weights()], units=2)

    return rebuild(model, place)


def _first(model: Any) -> tuple[Any, bool]:
    """Return the convolution that alone reads the image, None if there is none, and whether it reads zeros around the image."""
    readers, tensor, padded = users(model), model.input, False
    while len(readers[id(tensor)]) == 1:
        [layer] = readers[id(tensor)]
        if type(layer) in (layers.Conv2D, layers.DepthwiseConv2D):
            plain = getattr(layer, "groups", 1) == 1 and (not isinstance(layer, layers.DepthwiseConv2D) or layer.depth_multiplier == 1)
            return (layer if plain else None), padded or (layer.padding == "same" and max(layer.kernel_size) > 1)
        if not isinstance(layer, layers.ZeroPadding2D):
            break
        tensor, padded = layer.output, True
    return None, False


def _folded(layer: Any, affine: InputAffine) -> list[np.ndarray]:
    """Return kernel and bias of a convolution that is to read the grid: its sum is taken apart into pixels and what is constant."""
    kernel, *biases = (weights.astype(np.float64) for weights in layer.get_weights())
    # A depthwise kernel is [h, w, C, 1], any other [h, w, C_in, C_out]: the third axis is the file's channels in both.
    factor, offset = affine.factor[:, None], (affine.factor * (affine.zero_point - affine.centre))[:, None]
    constant = kernel * offset
    bias = constant.sum(axis=(0, 1, 3) if isinstance(layer, layers.DepthwiseConv2D) else (0, 1, 2))
    scaled = kernel * factor / affine.scale
    by_colour = np.empty_like(scaled)
    by_colour[:, :, list(affine.order)] = scaled
    return [by_colour.astype(np.float32), (bias + (biases[0] if biases else 0.0)).astype(np.float32)]


def _with_layer_before(model: Any, affine: InputAffine) -> Any:
    """Return the network behind a convolution of one place that makes its input of the grid."""
    channels = len(affine.order)
    kernel = np.zeros((channels, channels))
    kernel[list(affine.order), np.arange(channels)] = affine.factor / affine.scale
    return behind_kernel(model, kernel[None, None], affine.factor * (affine.zero_point - affine.centre))


def behind_kernel(model: Any, kernel: np.ndarray, bias: np.ndarray) -> Any:
    """Return the network behind a convolution of one place, called PREPROCESSING: its kernel is [1, 1, C, C], its bias [C]."""
    image = keras.Input(model.input_shape[1:], name="image")
    layer = layers.Conv2D(len(bias), 1, name=PREPROCESSING)
    prepared = layer(image)
    layer.set_weights([kernel, bias])
    return keras.Model(image, walk(model, prepared, copied), name=model.name)
