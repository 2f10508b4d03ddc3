"""Read who uses what in a network, and build it again with other layers."""

import collections
from collections.abc import Callable, Sequence
from typing import Any

from edgetl.keras import keras, layers

from edgetl.backbones.channel_slice import ChannelSlice

# These hand on the grid of what they read: a range of their own would make the converter requantize.
PASSING = (layers.ZeroPadding2D, layers.MaxPooling2D, layers.Flatten, layers.Reshape, layers.Dropout, ChannelSlice)


def users(model: keras.Model) -> dict[int, list[Any]]:
    """Return the layers that read each tensor, by its identity."""
    found = collections.defaultdict(list)
    for layer in model.layers:
        for node in layer.inbound_nodes:
            for tensor in node.keras_inputs:
                found[id(tensor)].append(layer)
    return found


def rebuild(model: keras.Model, place: Callable[[Any, Any], Any]) -> keras.Model:
    """Build another model of a functional one: `place(layer, inputs)` gives what replaces the layer."""
    image = keras.Input(model.input_shape[1:], name="image")
    return keras.Model(image, walk(model, image, place), name=model.name)


def copied(layer: Any, inputs: Any, weights: Sequence[Any] | None = None, **changes: Any) -> Any:
    """Return what a copy of a layer makes of the inputs.

    Args:
        weights: the copy's; None: the layer's own.
        changes: of the layer's configuration.
    """
    copy = layer.__class__.from_config(layer.get_config() | changes)
    output = copy(inputs)
    copy.set_weights(layer.get_weights() if weights is None else weights)
    return output


def walk(model: keras.Model, given: Any, place: Callable[[Any, Any], Any]) -> Any:
    """Walk a functional model in its order, with `place(layer, inputs)` for what each layer makes; returns what the last one does.

    Args:
        given: what stands for the model's input.
    """
    made = {id(model.input): given}
    for layer in model.layers:
        if not isinstance(layer, layers.InputLayer):
            inputs = [made[id(tensor)] for tensor in layer.inbound_nodes[0].keras_inputs]
            made[id(layer.output)] = place(layer, inputs[0] if len(inputs) == 1 else inputs)
    return made[id(model.output)]
