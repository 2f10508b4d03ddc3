"""Keras' layers and operations, of both generations, in neutral operators: one function each."""

import numpy as np

from edgetl.importing import operators as ops
from edgetl.importing.base import Unsupported
from edgetl.importing.graph import Sketch
from edgetl.importing.keras_call import Arguments, Json, Layer, activate, activation_name
from edgetl.importing.keras_moves import MOVES, Method, Values, many
from edgetl.importing.operators import Window


def add(sketch: Sketch, layer: Layer, call: Arguments, output: str) -> None:
    """Add a layer, or a bare operation, with its activation. Raises Unsupported where there is nothing to express it by."""
    method = _LAYERS.get(layer.kind)
    if method is None:
        raise Unsupported("it is unknown; what a file names is never looked up or run")
    try:
        active = layer.config.get("activation", "linear") if layer.kind in _WITH_ACTIVATION else "linear"
        name = activation_name(active)
        before = output if name == "linear" else f"{output}/linear"
        method(sketch, layer, call.values, before)
        if name != "linear":
            activate(sketch, (name, active), layer.version, (before, output))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        raise Unsupported(f"its configuration is damaged: {str(error)[:100]}") from error


def _convolution(sketch: Sketch, layer: Layer, values: Values, output: str) -> None:
    size, _ = layer.layout.split(sketch.shape(values[0]))
    kernel, groups = layer.array("kernel"), int(layer.config.get("groups", 1))
    bias = layer.array("bias") if layer.config.get("use_bias", True) else np.zeros(kernel.shape[-1:])
    window = layer.window(layer.pair("kernel_size"), size)
    sketch.add(ops.Convolution(kernel, bias, window, groups, layer.layout), values, output)


def _depthwise(sketch: Sketch, layer: Layer, values: Values, output: str) -> None:
    size, channels = layer.layout.split(sketch.shape(values[0]))
    depthwise = layer.arrays.get("depthwise_kernel", layer.arrays.get("kernel"))
    if depthwise is None or depthwise.ndim != 4:
        raise Unsupported("the file does not have its kernel")
    kernel = depthwise.reshape(*depthwise.shape[:2], 1, -1)
    window = layer.window(layer.pair("kernel_size"), size)
    separable = layer.kind == "SeparableConv2D"
    has_bias = layer.config.get("use_bias", True) and not separable
    bias = layer.array("bias") if has_bias else np.zeros(kernel.shape[-1:])
    made = sketch.add(ops.Convolution(kernel, bias, window, channels, layer.layout), values, f"{output}/depthwise" if separable else output)
    if separable:
        point = layer.array("pointwise_kernel")
        bias = layer.array("bias") if layer.config.get("use_bias", True) else np.zeros(point.shape[-1:])
        sketch.add(ops.Convolution(point, bias, Window((1, 1)), 1, layer.layout), [made], output)


def _dense(sketch: Sketch, layer: Layer, values: Values, output: str) -> None:
    kernel = layer.array("kernel")
    bias = layer.array("bias") if layer.config.get("use_bias", True) else np.zeros(kernel.shape[-1:])
    sketch.add(ops.FullyConnected(kernel, bias), values, output)


def _by_axis(sketch: Sketch, value: str, axis: Json, array: np.ndarray) -> np.ndarray:
    """Return an array of one axis so that it is broadcast along that axis of a value."""
    shape = sketch.shape(value)
    place = ops.axis_of(int(axis[0] if isinstance(axis, list) else -1 if axis is None else axis), shape)
    return array.reshape(array.size, *([1] * (len(shape) - 1 - place)))


def _batch_norm(sketch: Sketch, layer: Layer, values: Values, output: str) -> None:
    mean, variance = (layer.array(name).astype(np.float64) for name in ("moving_mean", "moving_variance"))
    factor = (layer.array("gamma") if layer.config.get("scale", True) else 1.0) / np.sqrt(variance + layer.config["epsilon"])
    offset = (layer.array("beta") if layer.config.get("center", True) else 0.0) - mean * factor
    axis = layer.config.get("axis", -1)
    sketch.add(ops.Affine(_by_axis(sketch, values[0], axis, factor), _by_axis(sketch, values[0], axis, offset)), values, output)


def _normalization(sketch: Sketch, layer: Layer, values: Values, output: str) -> None:
    given = [layer.config.get(name) for name in ("mean", "variance")]
    mean, variance = (
        np.array(layer.array(name) if one is None else one, np.float64) for name, one in zip(("mean", "variance"), given, strict=True)
    )
    factor = 1 / np.maximum(np.sqrt(variance), 1e-7)
    if layer.config.get("invert"):
        raise Unsupported("it is inverted")
    sketch.add(ops.Affine(factor, -mean * factor), values, output)


def _rescaling(sketch: Sketch, layer: Layer, values: Values, output: str) -> None:
    scale, offset = (np.array(layer.config.get(name, default), np.float64) for name, default in (("scale", 1.0), ("offset", 0.0)))
    sketch.add(ops.Affine(scale, offset), values, output)


def _relu(sketch: Sketch, layer: Layer, values: Values, output: str) -> None:
    slope = layer.config.get("negative_slope") or 0.0
    highest = layer.config.get("max_value")
    if layer.config.get("threshold") or (slope and highest is not None):
        raise Unsupported("it has a threshold, or a slope and a highest value")
    operator = ops.Leaky(np.array([float(slope)])) if slope else ops.Clip(0.0, np.inf if highest is None else float(highest))
    sketch.add(operator, values, output)


def _leaky(sketch: Sketch, layer: Layer, values: Values, output: str) -> None:
    slope: Json = layer.config.get("negative_slope", layer.config.get("alpha", 0.3))
    sketch.add(ops.Leaky(np.array([float(slope)])), values, output)


def _prelu(sketch: Sketch, layer: Layer, values: Values, output: str) -> None:
    sketch.add(ops.Leaky(layer.array("alpha")), values, output)


def _activation(sketch: Sketch, layer: Layer, values: Values, output: str) -> None:
    sketch.alias(output, values[0])


def _named_activation(name: str) -> Method:
    return lambda sketch, layer, values, output: activate(sketch, (name, None), "3", (values[0], output))


def _hard_sigmoid(sketch: Sketch, layer: Layer, values: Values, output: str) -> None:
    """Read our own layer, or Keras 3's operation of this name."""
    made = sketch.add(ops.Gate(1 / 6), [values[0]], f"{output}/gate")
    sketch.add(ops.Affine(np.array([float(layer.config.get("height", 1.0))]), np.zeros(1)), [made], output)


def _slice(sketch: Sketch, layer: Layer, values: Values, output: str) -> None:
    start, count = int(layer.config["start"]), int(layer.config["count"])
    sketch.add(ops.Take(-1, np.arange(start, start + min(count, 1 << 16))), [values[0]], output)


def _lambda_of_tensorflow(sketch: Sketch, layer: Layer, values: Values, output: str) -> None:
    """Read one of the operations that Keras 2 keeps by name, by a table of names."""
    name = str(layer.config.get("function", "")).rpartition(".")[2]
    kinds = {"add": "+", "bias_add": "+", "subtract": "-", "sub": "-", "multiply": "*", "mul": "*", "truediv": "/", "divide": "/"}
    if name in kinds:
        many(kinds[name])(sketch, layer, values, output)
    elif name in ("relu", "relu6", "sigmoid", "silu", "softmax", "tanh"):
        activate(sketch, (activation_name(name), None), "2", (values[0], output))
    elif name == "cast":
        sketch.alias(output, values[0])
    else:
        raise Unsupported(f"it calls {name[:80]!r}")


_WITH_ACTIVATION = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Dense", "Activation")
_NOISE = ("Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "AlphaDropout")
_AUGMENTATION = ("RandomFlip", "RandomRotation", "RandomZoom", "RandomContrast", "RandomTranslation", "RandomBrightness")
_SAME = (*_NOISE, *_AUGMENTATION, "ActivityRegularization", "Identity", "Activation")
_LAYERS: dict[str, Method] = {
    **dict.fromkeys(_SAME, _activation),
    **{"Conv2D": _convolution, "DepthwiseConv2D": _depthwise, "SeparableConv2D": _depthwise, "Dense": _dense},
    **{"BatchNormalization": _batch_norm, "Normalization": _normalization, "Rescaling": _rescaling, "TFOpLambda": _lambda_of_tensorflow},
    **{"ReLU": _relu, "LeakyReLU": _leaky, "PReLU": _prelu, "HardSigmoid": _hard_sigmoid, "ChannelSlice": _slice},
    **{"Softmax": _named_activation("softmax"), "Sigmoid": _named_activation("sigmoid"), "Tanh": _named_activation("tanh")},
    **{"Relu": _named_activation("relu"), "Relu6": _named_activation("relu6"), "Silu": _named_activation("swish")},
    **{"HardSilu": _named_activation("hard_swish"), "HardSwish": _named_activation("hard_swish")},
    **MOVES,
}
KNOWN = frozenset(_LAYERS)
