"""Put ReLUs before the max-pools that they stand behind: the result is the same, and the convolution's kernel does them with it."""

from typing import Any

from edgetl.keras import layers

from edgetl.backbones.graph import rebuild, users


def before_pools(model: Any) -> Any:
    """Return the same network, with each ReLU that alone reads a max-pool before it: the largest value is the same before and after.

    In integers a ReLU behind a pool is a change of grid, which ONNX Runtime has no operator for.
    """
    readers, partners = users(model), dict[Any, Any]()
    for layer in model.layers:
        behind = readers[id(layer.output)]
        if type(layer) is layers.MaxPooling2D and len(behind) == 1 and type(behind[0]) is layers.ReLU:
            partners |= {layer: behind[0], behind[0]: layer}
    if not partners:
        return model

    def place(one: Any, inputs: Any) -> Any:
        placed = partners.get(one, one)
        copy = placed.__class__.from_config(placed.get_config())
        output = copy(inputs)
        copy.set_weights(placed.get_weights())
        return output

    return rebuild(model, place)
