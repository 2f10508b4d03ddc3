"""Follow a file's transpositions and reshapes: of channels they change the account only, of a map that is flattened they become a layer."""

from dataclasses import replace
from typing import NamedTuple

from edgetl.keras import layers

import numpy as np

from edgetl.importing.base import Unsupported
from edgetl.importing.operators import Shape
from edgetl.importing.tensors import Gathered, Source, Value


def reordered(value: Value, order: Shape) -> Value:
    """Return the value with its axes in another order."""
    numbers = {axis: value.axes[:axis].count("c") for axis, letter in enumerate(value.axes) if letter == "c"}
    turned = [numbers[axis] for axis in order if axis in numbers]
    channels = value.channels.transpose(turned) if len(turned) > 1 else value.channels
    axes = "".join(value.axes[axis] for axis in order)
    return replace(value, axes=axes, extents=tuple(value.extents[axis] for axis in order), channels=channels, owned=value.owned)


class _Axis(NamedTuple):
    letter: str
    extent: int


def reshaped(value: Value, target: Shape, gathered: Gathered, name: str) -> Value:
    """Return the value with its numbers counted off in other axes. Raises Unsupported where that would mix places and channels."""
    if target == value.extents:
        return value
    left = [_Axis(letter, extent) for letter, extent in zip(value.axes[1:], value.extents[1:], strict=True) if extent > 1]
    if [extent for extent in target[1:] if extent > 1] == [np.prod([axis.extent for axis in left])] and {"h", "w"} & {
        a.letter for a in left
    }:
        value = _flattened(value, gathered, name)
        left = [_Axis("c", value.extents[1])]
    letters = "n"
    for extent in target[1:]:
        letters += _next(left, extent) if extent > 1 else "1"
    kept = tuple(extent for letter, extent in zip(letters, target, strict=True) if letter == "c")
    return replace(value, axes=letters, extents=target, channels=value.channels.reshape(kept or (1,)))


def _next(left: list[_Axis], extent: int) -> str:
    """Return the letter of an axis of so many entries, and take them from the axes that are left."""
    axis = left.pop(0)
    while axis.extent < extent and left and axis.letter == left[0].letter == "c":
        axis = _Axis("c", axis.extent * left.pop(0).extent)
    if axis.extent > extent and axis.letter == "c" and axis.extent % extent == 0:
        left.insert(0, _Axis("c", axis.extent // extent))
        return "c"
    if axis.extent != extent:
        raise Unsupported("it mixes places and channels")
    return axis.letter


def _flattened(value: Value, gathered: Gathered, name: str) -> Value:
    """Return all numbers of a map as features, in the file's order."""
    tensor, order = gathered.tensor(value)
    width, channels = value.size[1], int(tensor.shape[-1])
    steps = {"h": np.arange(value.size[0]) * width * channels, "w": np.arange(width) * channels}
    places = np.zeros((1,) * len(value.axes), np.int64)
    every = [extent if letter == "c" else 1 for letter, extent in zip(value.axes, value.extents, strict=True)]
    places = places + order.reshape(every)
    for axis, letter in enumerate(value.axes):
        if letter in steps:
            places = places + steps[letter].reshape([-1 if other == axis else 1 for other in range(len(value.axes))])
    layer = layers.Flatten(name=gathered.name(name))
    source = Source(value.size[0] * width * channels, (1, 1), lambda: layer(tensor), flat=True, nonnegative=value.nonnegative)
    return Value("nc", (1, places.size), (source,), places.reshape(-1), (1, 1))
