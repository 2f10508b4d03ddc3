"""Keras' layers without weights, in neutral operators: sums, joins, pools, padding and shapes."""

from collections.abc import Callable

import numpy as np

from edgetl.importing import operators as ops
from edgetl.importing.base import Unsupported
from edgetl.importing.graph import Sketch, arithmetic
from edgetl.importing.keras_call import Json, Layer
from edgetl.importing.operators import FIRST, LAST

Values = list[Json]  # names of values, or numbers
Method = Callable[[Sketch, Layer, Values, str], None]


def many(kind: str) -> Method:
    """Express a sum, difference or product of values and numbers, two by two."""

    def add_all(sketch: Sketch, layer: Layer, values: Values, output: str) -> None:
        names = []
        for number, value in enumerate(values):
            name = value if isinstance(value, str) else f"{output}/number{number}"
            if not isinstance(value, str):
                sketch.constants[name] = np.array(value, np.float64)
            names.append(name)
        if not 2 <= len(names) <= 64:
            raise Unsupported(f"it has {len(names)} inputs")
        so_far = names[0]
        for number, name in enumerate(names[1:], 2):
            out = output if number == len(names) else f"{output}/{number}"
            arithmetic(sketch, kind, (so_far, name), out)
            so_far = out

    return add_all


def _concatenate(sketch: Sketch, layer: Layer, values: Values, output: str) -> None:
    names = [value for value in values if isinstance(value, str)]
    sketch.add(ops.Join(int(layer.config.get("axis", -1))), names, output)


def _zero_padding(sketch: Sketch, layer: Layer, values: Values, output: str) -> None:
    rows, columns = layer.config["padding"]
    pads = [(int(one[0]), int(one[1])) if isinstance(one, list) else (int(one), int(one)) for one in (rows, columns)]
    sketch.add(ops.Pad([(0, 0), *pads, (0, 0)] if layer.layout is LAST else [(0, 0), (0, 0), *pads]), values, output)


def _pool(kind: str) -> Method:
    def add_one(sketch: Sketch, layer: Layer, values: Values, output: str) -> None:
        size, _ = layer.layout.split(sketch.shape(values[0]))
        sketch.add(ops.Pool(kind, layer.window(layer.pair("pool_size"), size), layer.layout), values, output)

    return add_one


def _global(kind: str) -> Method:
    def add_one(sketch: Sketch, layer: Layer, values: Values, output: str) -> None:
        axes = (1, 2) if layer.layout is LAST else (2, 3)
        sketch.add(ops.Reduce(kind, axes, keeps_axes=bool(layer.config.get("keepdims", False))), values, output)

    return add_one


def _flatten(sketch: Sketch, layer: Layer, values: Values, output: str) -> None:
    value = values[0]
    if layer.layout is FIRST and len(sketch.shape(value)) == 4:  # Keras puts the channels last before it counts
        value = sketch.add(ops.Reorder((0, 2, 3, 1)), [value], f"{output}/last")
    sketch.add(ops.Reshape((1, -1)), [value], output)


def _reshape(sketch: Sketch, layer: Layer, values: Values, output: str) -> None:
    sketch.add(ops.Reshape((1, *(int(one) for one in layer.config["target_shape"]))), [values[0]], output)


def _permute(sketch: Sketch, layer: Layer, values: Values, output: str) -> None:
    sketch.add(ops.Reorder((0, *(int(one) for one in layer.config["dims"]))), [values[0]], output)


MOVES: dict[str, Method] = {
    **{"Add": many("+"), "Subtract": many("-"), "Multiply": many("*"), "TrueDivide": many("/"), "Divide": many("/")},
    **{"Concatenate": _concatenate, "ZeroPadding2D": _zero_padding, "MaxPooling2D": _pool("max"), "AveragePooling2D": _pool("mean")},
    **{"GlobalAveragePooling2D": _global("mean"), "GlobalMaxPooling2D": _global("max")},
    **{"Flatten": _flatten, "Reshape": _reshape, "Permute": _permute},
}
