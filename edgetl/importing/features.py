"""Cut the classifier off a network from elsewhere: what is left gives the features that a new one is put on."""

from typing import Any

from edgetl.keras import keras, layers

from edgetl.errors import ModelFileError

_MOVES = (layers.GlobalAveragePooling2D, layers.Reshape, layers.Flatten)  # which change nothing in what has one place


def without_classifier(model: Any) -> Any:
    """Return the network up to what its last dense layer reads, pooled or flattened as it has it; without one, up to its end.

    A convolution of one place counts as dense. Raises ModelFileError where nothing is left that could learn.
    """
    layer = model.layers[-1]
    while isinstance(layer, _MOVES) and _has_one_place(layer):
        layer = layer.inbound_nodes[0].inbound_layers
    dense = isinstance(layer, layers.Dense) or (type(layer) is layers.Conv2D and _has_one_place(layer))
    network = keras.Model(model.input, layer.input if dense else model.output, name=model.name)
    if not network.weights:
        raise ModelFileError(
            "nothing in the network but its classifier can be learned", "give a network of convolutions, or name a --backbone"
        )
    return network


def _has_one_place(layer: Any) -> bool:
    return set(layer.input_shape[1:-1]) <= {1}
