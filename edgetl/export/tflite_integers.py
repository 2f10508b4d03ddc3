"""TFLite files of given integers, written operator by operator: no converter is asked, which would count them in its own way.

Each layer becomes one operator, with the ReLU that alone reads it inside, and with a QUANTIZE before a join whose inputs have other
grids. A file whose kernels have a zero point is one of uint8 throughout, as those were that TensorFlow 1 wrote.
"""

from collections.abc import Callable
from typing import Any

from edgetl.keras import layers

from ai_edge_litert import schema_py_generated as schema

from edgetl.backbones.channel_slice import ChannelSlice
from edgetl.backbones.graph import walk
from edgetl.contract import Contract
from edgetl.errors import ExportError
from edgetl.export.tflite_objects import Fused, Tensor, Writer
from edgetl.importing.grids import LOWEST, Grid, Numbers
from edgetl.importing.tflite_reader import packed
from edgetl.quantization.quantized import FakeQuantize

_PADDING = {"same": schema.Padding.SAME, "valid": schema.Padding.VALID}
_FIXED = {"sigmoid": Grid(1 / 256, LOWEST), "tanh": Grid(1 / 128, 0)}  # of curves, by TFLite's quantization specification


def integer_tflite(model: Any, contract: Contract, numbers: Numbers) -> bytes:
    """Write a fake-quantized Keras model with these integers: `image` raw uint8 [1, H, W, C] to `probabilities` [1, K]. Raises ExportError.

    They are uint8 in steps of 1/256. Where the contract ends in float it is the logits that come out, as float32.
    """
    writer = Writer(model, contract, numbers)

    def place(layer: Any, inputs: Any) -> Any:
        if isinstance(layer, FakeQuantize | layers.Dropout):
            return inputs
        if type(layer) not in _METHODS:
            raise ExportError(f"{layer.name} ({type(layer).__name__}) has no integer operator", "report this message in an issue")
        return _METHODS[type(layer)](writer, layer, inputs)

    logits = walk(model, writer.image(), place)
    writer.end(logits)
    return packed(writer.file)


def _convolution(writer: Writer, layer: Any, source: Tensor) -> Tensor:
    inputs, made, activation = writer.kernel(layer, source)
    depthwise = isinstance(layer, layers.DepthwiseConv2D)
    options = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
    if depthwise:
        options.depthMultiplier = 1
    _windowed(options, layer, activation)
    options.dilationHFactor, options.dilationWFactor = layer.dilation_rate
    writer.add("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", inputs, made.index, options)
    return made


def _windowed(options: Any, layer: Any, activation: int) -> None:
    options.padding, options.fusedActivationFunction = _PADDING[layer.padding], activation
    options.strideH, options.strideW = layer.strides


def _dense(writer: Writer, layer: Any, source: Tensor) -> Tensor:
    inputs, made, activation = writer.kernel(layer, source)
    options = schema.FullyConnectedOptionsT()
    options.fusedActivationFunction = activation
    writer.add("FULLY_CONNECTED", inputs, made.index, options)
    return made


def _together(kind: str, options: Callable[[], Any]) -> Callable[[Writer, Any, list[Tensor]], Tensor]:
    def add(writer: Writer, layer: Any, sources: list[Tensor]) -> Tensor:
        made, activation = writer.output(layer)
        given = options()
        given.fusedActivationFunction = activation
        writer.add(kind, [source.index for source in sources], made.index, given)
        return made

    return add


def _join(writer: Writer, layer: Any, sources: list[Tensor]) -> Tensor:
    made, options = writer.output(layer)[0], schema.ConcatenationOptionsT()
    assert made.grid is not None
    options.axis = len(made.shape)
    inputs = [writer.on_grid(source, made.grid, f"{layer.name}/input_{number}").index for number, source in enumerate(sources)]
    writer.add("CONCATENATION", inputs, made.index, options)
    return made


def _pool(writer: Writer, layer: Any, source: Tensor) -> Tensor:
    """Add a pool of windows, which keeps the grid; an average's own is put on behind it."""
    averages = isinstance(layer, layers.AveragePooling2D)
    assert source.grid is not None
    pooled = writer.value(f"{layer.name}/{'pooled' if averages else 'output'}", tuple(layer.output_shape[1:]), source.grid)
    options = schema.Pool2DOptionsT()
    _windowed(options, layer, Fused.NONE)
    options.filterHeight, options.filterWidth = layer.pool_size
    writer.add("AVERAGE_POOL_2D" if averages else "MAX_POOL_2D", [source.index], pooled.index, options)
    return writer.on_grid(pooled, writer.numbers.outputs[layer.name], f"{layer.name}/output") if averages else pooled


def _mean(writer: Writer, layer: Any, source: Tensor) -> Tensor:
    """Add the average of all places: a pool where the grid stays, as files from elsewhere have it there, else a mean."""
    grid, shape = writer.numbers.outputs[layer.name], (1, 1, source.shape[-1])
    kept = len(layer.output_shape) == 4
    made = writer.value(f"{layer.name}/{'output' if kept else 'pooled'}", shape, grid)
    if source.grid == grid:
        options = schema.Pool2DOptionsT()
        options.padding, options.strideH, options.strideW = schema.Padding.VALID, 1, 1
        options.filterHeight, options.filterWidth = source.shape[:2]
        writer.add("AVERAGE_POOL_2D", [source.index], made.index, options)
    else:
        reduced = schema.ReducerOptionsT()
        reduced.keepDims = True
        axes = writer.whole_numbers(f"{layer.name}/axes", [1, 2])
        writer.add("MEAN", [source.index, axes], made.index, reduced)
    return made if kept else _reshape(writer, layer, made)


def _reshape(writer: Writer, layer: Any, source: Tensor) -> Tensor:
    shape = tuple(layer.output_shape[1:])
    assert source.grid is not None
    made, options = writer.value(f"{layer.name}/output", shape, source.grid), schema.ReshapeOptionsT()
    options.newShape = [1, *shape]
    writer.add("RESHAPE", [source.index, writer.whole_numbers(f"{layer.name}/shape", [1, *shape])], made.index, options)
    return made


def _pad(writer: Writer, layer: Any, source: Tensor) -> Tensor:
    assert source.grid is not None
    made = writer.value(f"{layer.name}/output", tuple(layer.output_shape[1:]), source.grid)
    pads = writer.whole_numbers(f"{layer.name}/pads", [(0, 0), *layer.padding, (0, 0)])
    writer.add("PAD", [source.index, pads], made.index, schema.PadOptionsT())
    return made


def _slice(writer: Writer, layer: Any, source: Tensor) -> Tensor:
    assert source.grid is not None
    shape = tuple(layer.output_shape[1:])
    made, lead = writer.value(f"{layer.name}/output", shape, source.grid), [0] * len(shape)
    ends = [[*lead, layer.start], [1, *source.shape[:-1], layer.start + layer.count], [1] * (len(shape) + 1)]
    inputs = [writer.whole_numbers(f"{layer.name}/{name}", one) for name, one in zip(("begin", "end", "strides"), ends, strict=True)]
    writer.add("STRIDED_SLICE", [source.index, *inputs], made.index, schema.StridedSliceOptionsT())
    return made


def _relu(writer: Writer, layer: Any, source: Tensor) -> Tensor:
    if writer.graph.tensors[source.index].name == f"{layer.name}/output":  # inside of the operator before it
        return source
    made, _ = writer.output(layer)
    writer.add("RELU" if layer.max_value is None else "RELU6", [source.index], made.index)
    return made


def _leaky(writer: Writer, layer: Any, source: Tensor) -> Tensor:
    made, options = writer.output(layer)[0], schema.LeakyReluOptionsT()
    options.alpha = float(layer.alpha)
    writer.add("LEAKY_RELU", [source.index], made.index, options)
    return made


def _curve(writer: Writer, layer: Any, source: Tensor) -> Tensor:
    """Add a sigmoid or tanh on the grid that TFLite has for it, and a change to the layer's; of "linear" the change alone."""
    name, grid = layer.activation.__name__, writer.numbers.outputs[layer.name]
    if name in _FIXED:
        made = writer.value(f"{layer.name}/curve", source.shape, _FIXED[name])
        writer.add("LOGISTIC" if name == "sigmoid" else "TANH", [source.index], made.index)
        source = made
    return writer.on_grid(source, grid, f"{layer.name}/output")


_METHODS: dict[type, Callable[[Writer, Any, Any], Tensor]] = {
    **{layers.Conv2D: _convolution, layers.DepthwiseConv2D: _convolution, layers.Dense: _dense},
    **{layers.Add: _together("ADD", schema.AddOptionsT), layers.Multiply: _together("MUL", schema.MulOptionsT), layers.Concatenate: _join},
    **{layers.MaxPooling2D: _pool, layers.AveragePooling2D: _pool, layers.GlobalAveragePooling2D: _mean},
    **{layers.Flatten: _reshape, layers.Reshape: _reshape, layers.ZeroPadding2D: _pad, ChannelSlice: _slice},
    **{layers.ReLU: _relu, layers.LeakyReLU: _leaky, layers.Activation: _curve},
}
