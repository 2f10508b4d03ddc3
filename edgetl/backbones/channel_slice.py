"""Neighbouring channels of an image or of features, as ShuffleNet's (Ma et al. 2018, arXiv:1807.11164) units divide them."""

from typing import Any

from edgetl.keras import keras, layers


@keras.utils.register_keras_serializable("edgetl")
class ChannelSlice(layers.Layer):
    """The channels from `start` on, `count` of them; a slice in every runtime, on the grid of what it reads."""

    def __init__(self, start: int, count: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.start, self.count = start, count

    def call(self, inputs: Any) -> Any:
        return inputs[..., self.start : self.start + self.count]

    def get_config(self) -> dict[str, object]:
        config: dict[str, object] = super().get_config()
        return config | {"start": self.start, "count": self.count}
