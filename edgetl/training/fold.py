"""The same function without batch normalization: what phones run has none, and training anything else trains another model."""

from typing import Any

from edgetl.keras import keras, layers

import numpy as np

from edgetl.backbones.graph import rebuild, users


def fold_batch_norms(model: keras.Model) -> keras.Model:
    """Return a new model with every batch norm folded into the convolution before it, without dropout; equal in inference up to rounding.

    A batch norm that follows no convolution of its own stays as it is.
    Source: Jacob et al. 2018, arXiv:1712.05877, section 3.2.
    """
    readers = users(model)
    folded: set[str] = set()

    def place(layer: Any, inputs: Any) -> Any:
        if layer.name in folded or isinstance(layer, layers.Dropout):
            return inputs
        after = readers[id(layer.output)]
        norm = after[0] if len(after) == 1 and isinstance(after[0], layers.BatchNormalization) else None
        if norm is None or not _foldable(layer):
            copy = layer.__class__.from_config(layer.get_config())
            output = copy(inputs)
            copy.set_weights(layer.get_weights())
            return output
        folded.add(norm.name)
        copy = layer.__class__.from_config(layer.get_config() | {"use_bias": True})
        output = copy(inputs)
        copy.set_weights(_folded_weights(layer, norm))
        return output

    return rebuild(model, place)


def _foldable(layer: Any) -> bool:
    """Linear convolutions only. Exact types: Keras' DepthwiseConv2D is no Conv2D, its Conv2DTranspose is one with another kernel layout."""
    return type(layer) in (layers.Conv2D, layers.DepthwiseConv2D) and layer.activation is keras.activations.linear


def _folded_weights(layer: Any, norm: Any) -> list[np.ndarray]:
    kernel, *bias = layer.get_weights()
    gamma = norm.gamma.numpy() if norm.scale else 1.0
    beta = norm.beta.numpy() if norm.center else 0.0
    factor = gamma / np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
    # A depthwise kernel is [h, w, C, 1], any other [h, w, C_in, C_out]: the norm's channels are C and C_out.
    per_channel = factor[:, None] if isinstance(layer, layers.DepthwiseConv2D) else factor
    return [kernel * per_channel, beta + ((bias[0] if bias else 0.0) - norm.moving_mean.numpy()) * factor]
