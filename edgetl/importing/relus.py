"""Put ReLUs before the max-pools that they stand behind: the result is the same, and the convolution's kernel does them with it."""

from typing import Any

from edgetl.keras import layers

from edgetl.backbones.graph import copied, rebuild, users


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

    return rebuild(model, lambda layer, inputs: copied(partners.get(layer, layer), inputs))
