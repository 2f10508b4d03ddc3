"""Choose how much of a network learns, in blocks counted from the head down."""

import re
from typing import Any

from edgetl.keras import layers

from edgetl.backbones.graph import users
from edgetl.errors import UsageError
from edgetl.registry import did_you_mean
from edgetl.training.head import dense_layers

_WORDS = ("none", "head", "1-block", "2-blocks", "all")


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


def unfreeze(model: Any, what: str) -> None:
    """Make only this trainable: "head", "N-blocks" and the head, "all", or a layer (or a block's prefix) and all behind it.

    "none" is the same as "head": whether anything is trained at all is decided elsewhere. Raises UsageError.
    """
    if what == "all":
        return
    counted = re.fullmatch(r"(\d+)-blocks?", what)
    if what in ("none", "head"):
        first = dense_layers(model)[0]
    elif counted:
        found = blocks(model)
        if not 1 <= int(counted[1]) <= len(found):
            raise UsageError(f"--unfreeze {what}: {model.name} has 1 to {len(found)} blocks", "or: none, head, all, auto")
        first = found[-int(counted[1])][0]
    else:
        named = [layer for layer in model.layers if layer.name == what] or [layer for layer in model.layers if layer.name.startswith(what)]
        if not named:
            names = [layer.name for layer in model.layers]
            raise UsageError(f"there is no layer '{what}' to fine-tune from", did_you_mean(what, [*_WORDS, *names]))
        first = named[0]
    for layer in model.layers[: model.layers.index(first)]:
        layer.trainable = False
