"""Correct biases for rounded kernels: rounding shifts the mean of what a kernel computes (Nagel et al. 2019, arXiv:1906.04721)."""

from typing import Any

from edgetl.keras import graph_of_images, keras, layers, tf

import numpy as np

from edgetl.contract import Contract
from edgetl.data.base import Pixels
from edgetl.quantization.base import Rounded
from edgetl.quantization.quantized import Weights

_BATCH = 32


def input_means(model: Any, contract: Contract, pixels: Pixels, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Compute the mean of each channel that a kernel reads, over images and places: layer name to float32 [C_in]."""
    readers = [layer for layer in model.layers if layer.weights]
    inputs = keras.Model(model.input, [layer.input for layer in readers])

    @graph_of_images(contract.shape)
    def means(batch: Any) -> list[Any]:
        values = inputs(contract.normalize(tf.cast(batch, tf.float32)), training=False)
        return [tf.reduce_mean(value, list(range(len(value.shape) - 1))) for value in values]

    sums = [0.0] * len(readers)
    for start in range(0, len(rows), _BATCH):
        batch = pixels[rows[start : start + _BATCH]]
        sums = [total + mean.numpy() * len(batch) for total, mean in zip(sums, means(batch), strict=True)]
    return {layer.name: np.asarray(total / len(rows), np.float32) for layer, total in zip(readers, sums, strict=True)}


def correct_biases(model: Any, contract: Contract, pixels: Pixels, rows: np.ndarray, rounded: Rounded) -> Any:
    """Return a copy of a float model for a converter that will round its kernels, with biases corrected for that.

    Args:
        pixels, rows: uint8 images [N, H, W, 3] and which of them to calibrate on.
        rounded: see `Scheme`.
    """
    weights = {layer.name: layer.get_weights() for layer in model.layers if layer.weights}
    depthwise = {name for name in weights if isinstance(model.get_layer(name), layers.DepthwiseConv2D)}
    kernels = {name: [rounded(kernel, depthwise=name in depthwise)] for name, (kernel, *_) in weights.items()}
    copy = keras.models.clone_model(model)
    for name, arrays in corrected(model, weights, kernels, input_means(model, contract, pixels, rows)).items():
        copy.get_layer(name).set_weights(arrays)
    return copy


def corrected(model: Any, weights: Weights, rounded: Weights, means: dict[str, np.ndarray]) -> Weights:
    """Return the weights with biases that make each layer's mean output what it was before its kernel was rounded.

    Padding is not counted: at an image's rim the mean input is smaller than the mean used here.
    """
    result = {}
    for layer in model.layers:
        if layer.name in weights and len(weights[layer.name]) == 2:
            kernel, bias = weights[layer.name]
            error = rounded[layer.name][0] - kernel
            if isinstance(layer, layers.DepthwiseConv2D):
                shift = error.sum((0, 1))[:, 0] * means[layer.name]
            else:
                shift = means[layer.name] @ error.reshape(-1, *error.shape[-2:]).sum(0)
            result[layer.name] = [kernel, bias - shift]
        elif layer.name in weights:
            result[layer.name] = weights[layer.name]
    return result
