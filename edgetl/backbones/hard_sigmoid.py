"""The gate of MobileNetV3 (Howard et al. 2019, arXiv:1905.02244): hard-sigmoid, and with it hard-swish, from plain arithmetic."""

from typing import Any

from edgetl.keras import keras, layers, tf


@keras.utils.register_keras_serializable("edgetl")
class HardSigmoid(layers.Layer):
    """relu6(x + 3) * height / 6: from 0 to `height`, 1 unless asked otherwise.

    At height 6 it is an addition that clips, which integer runtimes have; what reads it then owes a factor of 1/6.
    """

    def __init__(self, height: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.height = height

    def call(self, inputs: Any) -> Any:
        clipped = tf.nn.relu6(inputs + 3.0)
        return clipped if self.height == 6.0 else clipped * (self.height / 6.0)

    def get_config(self) -> dict[str, object]:
        config: dict[str, object] = super().get_config()
        return config | {"height": self.height}


def hard_swish(x: Any, name: str) -> Any:
    """x * hard_sigmoid(x), a Multiply called `name`."""
    return layers.Multiply(name=name)([x, HardSigmoid(name=f"{name}_gate")(x)])
