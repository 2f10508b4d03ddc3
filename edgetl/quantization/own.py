"""The integers of an imported file as a quantized model, and as arrays of its file."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgetl.importing.grids import Grid, KernelGrid, KernelNumbers, Numbers


def arrays_of(numbers: Numbers) -> dict[str, np.ndarray]:
    """Return the numbers as arrays by name; `numbers_of` reads them."""
    grids = {"image": numbers.image} | {f"output/{name}": grid for name, grid in numbers.outputs.items()}
    arrays = {name: np.array([grid.scale, grid.zero_point], np.float64) for name, grid in grids.items()}
    for name, kernel in numbers.kernels.items():
        parts = {"integers": kernel.integers, "scale": kernel.grid.scale, "bias": kernel.grid.bias, "zero_point": kernel.grid.zero_point}
        arrays |= {f"kernel/{name}/{part}": np.asarray(array) for part, array in parts.items()}
    return arrays


def numbers_of(arrays: Mapping[str, np.ndarray]) -> Numbers:
    """Return the numbers of such arrays. Raises ValueError where they are not all there."""
    grids, kernels = dict[str, Grid](), dict[str, dict[str, Any]]()
    for name, array in arrays.items():
        kind, _, rest = name.partition("/")
        if kind == "kernel":
            layer, _, part = rest.rpartition("/")
            kernels.setdefault(layer, {})[part] = array
        else:
            grids[rest] = Grid(float(array[0]), int(array[1]))
    try:
        image = grids.pop("")
        made = {name: _kernel(**parts) for name, parts in kernels.items()}
    except (KeyError, TypeError) as error:
        raise ValueError(f"it lacks {error}") from error
    return Numbers(image, grids, made)


def _kernel(*, integers: np.ndarray, scale: np.ndarray, bias: np.ndarray, zero_point: np.ndarray) -> KernelNumbers:
    return KernelNumbers(integers.astype(np.int8), KernelGrid(scale.astype(np.float32), int(zero_point), bias.astype(np.int32)))
