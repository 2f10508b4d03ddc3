"""Place a window as the file does: by Keras' own padding where that is the same, else with zeros around the image, exactly."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from edgetl.keras import layers

from edgetl.importing.base import Unsupported
from edgetl.importing.operators import Pair, Pool, Window, same_pads
from edgetl.importing.tensors import Value

_NONE = ((0, 0), (0, 0))


@dataclass(frozen=True)
class Strided:
    """How a convolution is placed.

    Args:
        window: as the layer has it.
        padding: Keras' word.
        zeros: around the image, where no word of Keras' says it.
        skips: strides that the layer cannot have, taken behind it.
    """

    window: Window
    padding: str
    zeros: tuple[Pair, Pair]
    skips: Pair
    name: str

    def options(self) -> dict[str, object]:
        """Return the layer's arguments."""
        return {"strides": self.window.strides, "padding": self.padding, "dilation_rate": self.window.dilations}

    def before(self, tensor: Any) -> Any:
        """Return what the layer reads."""
        return padded(tensor, self.zeros, f"{self.name}_pad")() if self.zeros != _NONE else tensor

    def after(self, tensor: Any) -> Any:
        """Return every so-manieth place: a largest value of one place each, which every runtime has."""
        return layers.MaxPooling2D(1, self.skips, name=f"{self.name}_strides")(tensor) if self.skips != (1, 1) else tensor


def strided(window: Window, size: Pair, name: str, *, equal: bool = False) -> Strided:
    """Return how a convolution of an image of this height and width is placed.

    Args:
        equal: the layer knows one stride for both directions only, as depthwise ones do.
    """
    apart = equal and window.strides[0] != window.strides[1]
    if apart or (window.dilations != (1, 1) and window.strides != (1, 1)):  # TensorFlow has neither
        return replace(strided(replace(window, strides=(1, 1)), size, name), skips=window.strides)
    if window.pads == _NONE:
        return Strided(window, "valid", _NONE, (1, 1), name)
    if window.pads == same_pads(size, window):
        return Strided(window, "same", _NONE, (1, 1), name)
    return Strided(window, "valid", window.pads, (1, 1), name)


def padded(tensor: Any, pads: tuple[Pair, Pair], name: str) -> Callable[[], Any]:
    """Return what makes a tensor with zeros around it."""
    return lambda: layers.ZeroPadding2D(pads, name=name)(tensor)


def pooled(pool: Pool, value: Value, tensor: Any, name: str) -> Callable[[], Any]:
    """Return what makes the pool of a tensor. Raises Unsupported where Keras cannot place it so."""
    window, zeros = pool.window, _NONE
    if window.dilations != (1, 1):
        raise Unsupported("it pools with gaps")
    same = window.pads == same_pads(value.size, window) and window.pads != _NONE
    if pool.kind == "max":
        if window.pads != _NONE and not same:
            if not value.nonnegative:
                raise Unsupported("it pads by minus infinity, and no ReLU stands before it")
            zeros = window.pads
    elif window.pads != _NONE:
        if not pool.counts_padding and not same:
            raise Unsupported("it averages fewer places at the rim than Keras does")
        zeros, same = (window.pads, False) if pool.counts_padding else (_NONE, same)
    kind = layers.MaxPooling2D if pool.kind == "max" else layers.AveragePooling2D
    layer = kind(window.size, window.strides, "same" if same else "valid", name=name)
    return lambda: layer(padded(tensor, zeros, f"{name}_pad")() if zeros != _NONE else tensor)
