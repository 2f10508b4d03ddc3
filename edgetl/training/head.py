"""The head on a backbone: pooling, hidden layers if any, and the logits."""

import re
from dataclasses import dataclass
from typing import Any

from edgetl.keras import keras, layers, tf


@dataclass(frozen=True)
class Head:
    """The layers on a backbone.

    Args:
        pooling: what becomes of its feature map: "average" or "max" of each channel, or "flatten", which keeps the places.
        dense: widths of the hidden layers, each with a ReLU, before the logits.
    """

    pooling: str = "average"
    dense: tuple[int, ...] = ()


PLAIN = Head()
_POOL = "pool"
_LOGITS = "logits"
_DENSE = re.compile(rf"dense_\d+|{_LOGITS}")
_OWN = re.compile(rf"{_POOL}(_max)?|({_DENSE.pattern})(_relu)?|unknown(_.*)?")


def attach_head(backbone: Any, classes: int, head: Head = PLAIN) -> Any:
    """Return a classifier of a backbone and a new head: normalized float32 [N, H, W, 3] to logits float32 [N, K]."""
    features = backbone.output
    x = features if len(features.shape) == 2 else _pooled(features, head.pooling)  # which a network from elsewhere may have pooled
    for number, width in enumerate(head.dense, 1):
        x = layers.ReLU(name=f"dense_{number}_relu")(layers.Dense(width, name=f"dense_{number}")(x))
    return keras.Model(backbone.input, layers.Dense(classes, name=_LOGITS)(x), name=backbone.name)


def _pooled(features: Any, pooling: str) -> Any:
    if pooling == "max":  # in a layer that has integer kernels everywhere, which a maximum over axes has not
        features = layers.MaxPooling2D(features.shape[1:3], name="pool_max")(features)
    # Of one place the mean is the place itself, and flattening it would be lost: the TFLite converter leaves that to the dense layer
    # behind, whose bias tf2onnx 1.17 then drops.
    if pooling == "average" or tuple(features.shape[1:3]) == (1, 1):
        return layers.GlobalAveragePooling2D(name=_POOL)(features)
    return layers.Flatten(name=_POOL)(features)


def trunk_of(model: Any) -> Any:
    """Return the classifier up to its pooled features [N, C]."""
    return keras.Model(model.input, model.get_layer(features_of(model)).output)


def features_of(model: Any) -> str:
    """Return the name of the layer that gives the features: what the head reads, or of a network without one of ours the last layer."""
    first = next(iter(dense_layers(model)), model.layers[-1])
    read = first.inbound_nodes[0].inbound_layers
    return str((first if isinstance(read, list) else read).name)


def dense_layers(model: Any) -> list[Any]:
    """Return the head's layers with weights, in order, the logits last."""
    return [layer for layer in model.layers if _DENSE.fullmatch(layer.name)]


def is_of_a_head(name: str) -> bool:
    """Return whether layers of heads are called so, and no others may be."""
    return bool(_OWN.fullmatch(name))


def decay(model: Any, l2: float) -> Any:
    """Compute `l2` times the sum of the squares of the head's kernels: a part of the loss that keeps them small."""
    return l2 * sum(tf.reduce_sum(tf.square(layer.kernel)) for layer in dense_layers(model))
