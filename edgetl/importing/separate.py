"""Take the network that a quantized file holds apart: the network in real numbers, and the integers of its layers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from edgetl.keras import keras, layers

import numpy as np

from edgetl.backbones.graph import PASSING, walk
from edgetl.errors import listed
from edgetl.importing.base import Unsupported
from edgetl.importing.grids import HIGHEST, LOWEST, Grid, KernelGrid, KernelNumbers, Numbers

_FUSING = (layers.Conv2D, layers.DepthwiseConv2D, layers.Dense, layers.Add)  # what integer runtimes clip by the grid alone
_SIX = 6.0  # where a ReLU6 clips
_OFF_GRID = 1e-2  # of a step: float32 leaves a ten-thousandth


@dataclass(frozen=True)
class _Made:
    """A tensor of the network in real numbers: the layer that makes it, and its grid, None while nothing has put it onto one."""

    tensor: Any
    layer: Any
    grid: Grid | None


def separated(model: Any, marks: Mapping[str, Grid], kernels: Mapping[str, KernelGrid]) -> tuple[Any, Numbers]:
    """Take a network apart into the network in real numbers and the grids of the layers.

    A grid that begins at zero clips what integer arithmetic puts onto it: the network in real numbers gets a ReLU there.

    Args:
        marks: grids by the names of layers that do nothing but stand where they are.

    Raises Unsupported that names every layer that does not compute in integers.
    """
    found: dict[str, Grid] = {}
    floats: list[str] = []

    def place(layer: Any, inputs: Any) -> Any:
        if layer.name in marks:
            return _marked(inputs, marks[layer.name], layer.name)
        sources = inputs if isinstance(inputs, list) else [inputs]
        if any(source.grid is None and not _is_fused(layer, source) for source in sources):
            floats.append(layer.name)
        copy = layer.__class__.from_config(layer.get_config())
        made = copy([one.tensor for one in sources] if isinstance(inputs, list) else inputs.tensor)
        if layer.weights:
            copy.set_weights(layer.get_weights())
        return replace(inputs, tensor=made) if isinstance(layer, PASSING) else _Made(made, copy, None)

    def _marked(source: _Made, grid: Grid, name: str) -> _Made:
        if source.grid == grid:
            return source
        if source.grid is not None:  # a change of grid
            layer = layers.Activation("linear", name=name)
            source = _Made(layer(source.tensor), layer, None)
        elif grid.zero_point == LOWEST and isinstance(source.layer, _FUSING):
            layer = layers.ReLU(_SIX if abs(grid.high - _SIX) < grid.scale / 2 else None, name=f"{source.layer.name}_relu")
            source = _Made(layer(source.tensor), layer, None)
        found[source.layer.name if source.layer is not None else ""] = grid
        return replace(source, grid=grid)

    given = keras.Input(model.input_shape[1:], name="image")
    plain = keras.Model(given, walk(model, _Made(given, None, None), place).tensor, name=model.name)
    image = found.pop("", None)
    if floats or image is None:
        raise Unsupported(f"what these read is on no grid:{listed(floats or ['the first layer'])}")
    return plain, Numbers(image, found, _integers(plain, kernels))


def _is_fused(layer: Any, source: _Made) -> bool:
    """Return whether integer runtimes need no grid between the two layers."""
    return isinstance(layer, PASSING) or (isinstance(layer, layers.ReLU) and isinstance(source.layer, _FUSING))


def _integers(model: Any, grids: Mapping[str, KernelGrid]) -> dict[str, KernelNumbers]:
    found = {}
    for layer in model.layers:
        if not layer.weights:
            continue
        if layer.name not in grids:
            raise Unsupported(f"the numbers of {layer.name} are on no grid")
        grid, kernel = grids[layer.name], layer.get_weights()[0].astype(np.float64)
        depthwise = isinstance(layer, layers.DepthwiseConv2D)
        steps = kernel / (grid.scale[:, None] if depthwise and len(grid.scale) > 1 else grid.scale) + grid.zero_point
        integers = np.rint(steps)
        if np.abs(steps - integers).max() > _OFF_GRID or integers.min() < LOWEST or integers.max() > HIGHEST:
            raise Unsupported(f"the numbers of {layer.name} are not those of its grid")
        found[layer.name] = KernelNumbers(integers.astype(np.int8), grid)
    return found
