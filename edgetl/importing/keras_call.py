"""A layer of a Keras file: its configuration, its arrays, and what it is called with, as both generations write them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgetl.importing import operators as ops
from edgetl.importing.base import Unsupported
from edgetl.importing.graph import Sketch
from edgetl.importing.operators import FIRST, LAST, Layout, Pair, Window

Json = Any  # what a JSON text may hold: checked where it is read, and any surprise is one error
Config = dict[str, Json]
_OURS = ("HardSigmoid", "ChannelSlice")  # layers of edgetl's own


@dataclass(frozen=True, eq=False)
class Arguments:
    """Names of the values that a layer is called with, or numbers."""

    values: list[Json]


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer's configuration, and its arrays by their names."""

    layer: Config
    arrays: dict[str, np.ndarray]
    version: str

    @property
    def config(self) -> Config:
        config = self.layer["config"]
        if not isinstance(config, dict):
            raise Unsupported("its configuration is damaged")
        return config

    @property
    def kind(self) -> str:
        return kind_of(self.layer)

    def array(self, name: str) -> np.ndarray:
        """Return an array. Raises Unsupported where the file does not have it."""
        if name not in self.arrays:
            raise Unsupported(f"the file does not have its {name}")
        return self.arrays[name]

    @property
    def layout(self) -> Layout:
        return FIRST if self.config.get("data_format") == "channels_first" else LAST

    def pair(self, name: str, default: Json = 1) -> Pair:
        value = self.config.get(name, default)
        one, other = value if isinstance(value, list) else (value, value)
        if not isinstance(one, int) or not isinstance(other, int):
            raise Unsupported(f"its {name} is {value}")
        return one, other

    def window(self, size: Pair, image: Pair) -> Window:
        strides = self.pair("strides") if self.config.get("strides") is not None else size
        window = Window(size, strides, dilations=self.pair("dilation_rate"))
        match self.config.get("padding", "valid"):
            case "valid":
                return window
            case "same":
                return Window(size, strides, ops.same_pads(image, window), window.dilations)
        raise Unsupported(f"its padding is {self.config['padding']}")


def kind_of(layer: Config) -> str:
    """Return the class of a layer; one that only has the name of Keras' is called by its module, which nobody knows."""
    name, module = str(layer["class_name"]), layer.get("module") or "keras"
    ours = name.startswith("edgetl>") or str(module).startswith("edgetl.")
    plain = name.removeprefix("edgetl>")
    known = plain in _OURS if ours else str(module).partition(".")[0] in ("keras", "tf_keras")
    if not known:
        return f"{module}.{name}"
    return plain


def arguments(call: Json, known: dict[tuple[str, int], str]) -> Arguments | None:
    """Return what a call reads, of either generation's spelling; None: a layer before it is not there yet."""
    found: list[Json] = []
    parts = [*call.get("args", []), *call.get("kwargs", {}).values()] if isinstance(call, dict) else _as_first_written(call)

    def take(part: Json) -> bool:
        if isinstance(part, dict) and part.get("class_name") == "__keras_tensor__":
            part = part["config"]["keras_history"]
        if isinstance(part, list) and len(part) >= 3 and isinstance(part[0], str) and part[0] != "_CONSTANT_VALUE":
            value = known.get((part[0], part[1]))
            found.append(value)
            return value is not None
        if isinstance(part, list) and part and isinstance(part[0], dict | list | str):
            return min([take(one) for one in part]) if part[0] != "_CONSTANT_VALUE" else take(part[2])
        if not isinstance(part, bool | None | str):
            found.append(part)
        return True

    return Arguments(found) if min([take(part) for part in parts], default=True) else None


def _as_first_written(call: Json) -> list[Json]:
    """Return the arguments of a call of Keras 2: [[layer, call, tensor, {more}], ...], or one of them without the outer list."""
    every = [call] if call and isinstance(call[0], str) else call
    parts: list[Json] = []
    for one in every:
        parts.append(one[:3])
        if len(one) > 3 and isinstance(one[3], dict):
            parts += [value for key, value in one[3].items() if key not in ("training", "name", "mask")]
    return parts


def weight_names(layer: Config) -> tuple[str, ...]:
    """Return the names of a layer's arrays, in the order in which `.keras` files number them."""
    config = layer.get("config")
    if not isinstance(config, dict):
        return ()
    bias = ("bias",) if config.get("use_bias", True) else ()
    match layer.get("class_name"):
        case "Conv2D" | "Dense":
            return ("kernel", *bias)
        case "DepthwiseConv2D":
            return ("depthwise_kernel", *bias)
        case "SeparableConv2D":
            return ("depthwise_kernel", "pointwise_kernel", *bias)
        case "BatchNormalization":
            norm = [name for name, key in (("gamma", "scale"), ("beta", "center")) if config.get(key, True)]
            return (*norm, "moving_mean", "moving_variance")
        case "PReLU":
            return ("alpha",)
        case "Normalization":
            return ("mean", "variance")
    return ()


def activation_name(value: Json) -> str:
    """Return the name of an activation, whichever release wrote it."""
    if isinstance(value, dict):
        inside = value.get("config")
        value = inside if isinstance(inside, str) else value.get("class_name")
    return str(value or "linear").lower().replace("hard_silu", "hard_swish").replace("silu", "swish").replace("re_lu", "relu")


def activate(sketch: Sketch, active: tuple[str, Json], version: str, ends: tuple[str, str]) -> None:
    """Add an activation by its name."""
    (name, _), (source, output) = active, ends
    slope = 1 / 6 if version.startswith("3") else 0.2  # of Keras' own hard-sigmoid, which changed
    gates: dict[str, ops.Operator] = {"hard_swish": ops.Gate(1 / 6), "swish": ops.Sigmoidal("sigmoid")}
    plain: dict[str, ops.Operator] = {
        **{"relu": ops.Clip(0.0, np.inf), "relu6": ops.Clip(0.0, 6.0), "sigmoid": ops.Sigmoidal("sigmoid"), "tanh": ops.Sigmoidal("tanh")},
        **{
            "softmax": ops.Softmax(-1),
            "log_softmax": ops.Softmax(-1),
            "hard_sigmoid": ops.Gate(slope),
            "leaky_relu": ops.Leaky(np.array([0.2])),
        },
    }
    if name in gates:
        made = sketch.add(gates[name], [source], f"{output}/gate")
        sketch.add(ops.Product(), [source, made], output)
    elif name in plain:
        sketch.add(plain[name], [source], output)
    else:
        raise Unsupported(f"its activation {name[:80]!r} is unknown")
