"""The blocks of a network, counted from the head down."""

import re
from typing import Any

from edgetl.keras import layers

from edgetl.backbones.graph import users
from edgetl.training.head import dense_layers


def blocks(model: Any) -> list[list[Any]]:
    """Return a classifier's layers below its head, in blocks from the image up.

    A block ends where all that follows reads one tensor only, so that residual sums and parallel branches stay whole; neighbours with the
    same first number in their names ("block5_conv1", "block5_conv2") are one.
    """
    readers = users(model)
    order = {layer.name: number for number, layer in enumerate(model.layers)}
    found: list[list[Any]] = []
    piece: list[Any] = []
    last_read = 0  # the last layer that reads what came before the one at hand
    for number, layer in enumerate(model.layers[: order[dense_layers(model)[0].name]]):
        piece.append(layer)
        closed, last_read = last_read <= number, max(last_read, *(order[reader.name] for reader in readers[id(layer.output)]))
        if not closed or not (found or _key(piece)):  # inside a block; or the image, before there is one
            continue
        if found and _key(piece) in ("", _key(found[-1])):
            found[-1] += piece
        else:
            found.append(piece)
        piece = []
    return found


def _key(block: list[Any]) -> str:
    """Return the first number in the name of the block's first layer with a kernel, or that name; empty without one."""
    first = next((layer.name for layer in block if layer.weights and not isinstance(layer, layers.BatchNormalization)), "")
    number = re.search(r"\d+(?!d)", first)  # "conv2d" names no block
    return number.group() if number else first


def depths(model: Any) -> dict[str, int]:
    """Return layer name to distance from the prediction: 0 in the head, 1 in the last block, and so on."""
    below = reversed(blocks(model))
    found = {layer.name: depth for depth, block in enumerate(below, 1) for layer in block}
    return {layer.name: found.get(layer.name, 0) for layer in model.layers}
