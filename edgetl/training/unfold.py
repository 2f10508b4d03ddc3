"""Put batch norms back that an exporter folded into the convolutions: a network is fine-tuned better with them."""

from collections.abc import Sequence
from typing import Any

from edgetl.keras import keras, layers, tf

import numpy as np

from edgetl.backbones.graph import copied, rebuild
from edgetl.training.fold import foldable
from edgetl.training.head import is_of_a_head

_LEAST = 1e-3  # of the layer's median: a kernel that is smaller is dead, and keeps its scale


def unfold_batch_norms(model: Any, batches: Sequence[np.ndarray]) -> Any:
    """Return the same function with a batch norm behind each convolution of a map; no layer is called as those of heads are.

    Args:
        batches: images float32 [n, H, W, C] as the model reads them, whose outputs' means and variances the norms get.
    """
    found = _moments(model, batches)

    def place(layer: Any, inputs: Any) -> Any:
        name = f"file_{layer.name}" if is_of_a_head(layer.name) else layer.name
        if layer.name not in found:
            return copied(layer, inputs, name=name)
        mean, variance = found[layer.name]
        kernel, *bias = layer.get_weights()
        kernel, factor = _rescaled(layer, kernel)
        norm = layers.BatchNormalization(name=f"{name}_bn")
        output = norm(copied(layer, inputs, [kernel], name=name, use_bias=False))
        variance = variance * factor**2
        norm.set_weights([np.sqrt(variance + norm.epsilon) / factor, mean, (mean - (bias[0] if bias else 0.0)) * factor, variance])
        return output

    return rebuild(model, place)


def _rescaled(layer: Any, kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a kernel at the scale that trained ones have before a norm, and the factor of each output channel that makes it so.

    Adam's steps have the same size for all weights: what matters is how large these are. Those of ImageNet's MobileNets are as Glorot's
    random ones within a third, depthwise ones around 1, whatever the norm behind them makes of it; folded, they are not.
    """
    depthwise = isinstance(layer, layers.DepthwiseConv2D)
    height, width, read, made = kernel.shape
    usual = 1.0 if depthwise else np.sqrt(2 / (height * width * (read + made)))
    size = np.sqrt((kernel**2).mean(axis=(0, 1, 3) if depthwise else (0, 1, 2)))
    middle = float(np.median(size)) or 1.0
    factor = (usual / np.where(size > _LEAST * middle, size, middle)).astype(np.float32)
    return kernel * (factor[:, None] if depthwise else factor), factor


def _moments(model: Any, batches: Sequence[np.ndarray]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return mean and variance of each output channel of each convolution that a norm can stand behind, by its name."""
    own = [layer for layer in model.layers if foldable(layer) and max(layer.output_shape[1:3]) > 1]
    if not own:
        return {}
    outputs = keras.Model(model.input, [layer.output for layer in own])

    @tf.function(input_signature=[tf.TensorSpec((None, *model.input_shape[1:]))])
    def sums(images: Any) -> Any:
        made = outputs(images, training=False)
        return [(tf.reduce_mean(one, [1, 2]), tf.reduce_mean(one**2, [1, 2])) for one in (made if len(own) > 1 else [made])]

    every = [sums(batch) for batch in batches]
    found = {}
    for number, layer in enumerate(own):
        mean, square = (np.concatenate([batch[number][part] for batch in every]).astype(np.float64).mean(axis=0) for part in (0, 1))
        found[layer.name] = (mean.astype(np.float32), np.maximum(square - mean**2, 0.0).astype(np.float32))
    return found
