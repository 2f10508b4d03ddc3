"""A TFLite file of integers while it is written: its tensors and operators as the schema's objects."""

from dataclasses import dataclass
from typing import Any

from edgetl.keras import layers

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgetl.backbones.graph import users
from edgetl.contract import Contract
from edgetl.errors import ExportError
from edgetl.importing.grids import LOWEST, Grid, Numbers
from edgetl.output import PROBABILITY_SCALE

Fused = schema.ActivationFunctionType
_Type, _Options = schema.TensorType, schema.BuiltinOptions
_PROBABILITIES = Grid(PROBABILITY_SCALE, LOWEST)
# Of the operators that take 8 bits only from a later version of theirs on.
_VERSIONS = {
    **{"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 4, "ADD": 2, "MUL": 2, "CONCATENATION": 2, "MAX_POOL_2D": 2},
    **{"AVERAGE_POOL_2D": 2, "MEAN": 2, "PAD": 2, "STRIDED_SLICE": 2, "SOFTMAX": 2, "LOGISTIC": 2, "TANH": 2, "DEQUANTIZE": 2},
    **{"RELU": 2, "RELU6": 2, "LEAKY_RELU": 2},
}


@dataclass(frozen=True)
class Tensor:
    """A tensor of the file: its number, shape without the batch, and grid, None of floats."""

    index: int
    shape: tuple[int, ...]
    grid: Grid | None


class Writer:
    """Holds a file that is being written."""

    def __init__(self, model: Any, contract: Contract, numbers: Numbers) -> None:
        self.contract, self.numbers, self.readers = contract, numbers, users(model)
        asymmetric = [name for name, kernel in numbers.kernels.items() if kernel.grid.zero_point]
        by_channel = [name for name in numbers.kernels if len(numbers.kernels[name].grid.scale) > 1]
        if asymmetric and by_channel:
            raise ExportError(
                f"{asymmetric[0]} has a zero point, {by_channel[0]} a scale for each channel: TFLite has no integers for both in one file",
                "quantize the network again, with symmetric weights",
            )
        self.bytes, self.shift = (_Type.UINT8, 128) if asymmetric else (_Type.INT8, 0)
        self.file, self.graph = schema.ModelT(), schema.SubGraphT()
        self.file.version, self.file.description = 3, "edgetl"
        self.file.subgraphs, self.file.operatorCodes, self.file.buffers = [self.graph], [], [schema.BufferT()]
        self.graph.name, self.graph.tensors, self.graph.operators = "main", [], []

    def tensor(self, name: str, shape: tuple[int, ...], kind: int, grid: tuple[Any, Any] | None = None, data: Any = None) -> int:
        """Add a tensor with its scales and zero points, and its numbers where it is a constant."""
        made = schema.TensorT()
        made.name, made.shape, made.type, made.buffer = name, list(shape), kind, 0
        if grid is not None:
            made.quantization = schema.QuantizationParametersT()
            made.quantization.scale, made.quantization.zeroPoint = (np.atleast_1d(part).tolist() for part in grid)
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            made.buffer = len(self.file.buffers)
            self.file.buffers.append(buffer)
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1

    def value(self, name: str, shape: tuple[int, ...], grid: Grid) -> Tensor:
        """Add an activation of one image."""
        index = self.tensor(name, (1, *shape), self.bytes, (grid.scale, grid.zero_point + self.shift))
        return Tensor(index, shape, grid)

    def whole_numbers(self, name: str, numbers: Any) -> int:
        """Add a constant of sizes or axes."""
        array = np.asarray(numbers, np.int32)
        return self.tensor(name, array.shape, _Type.INT32, data=array)

    def add(self, kind: str, inputs: list[int], output: int, options: Any = None) -> None:
        """Add an operator; `options` are the schema's."""
        operator, number = schema.OperatorT(), getattr(schema.BuiltinOperator, kind)
        known = [one.builtinCode for one in self.file.operatorCodes]
        if number not in known:
            self.file.operatorCodes.append(code(number, _VERSIONS.get(kind, 1)))
            known.append(number)
        operator.opcodeIndex, operator.inputs, operator.outputs = known.index(number), inputs, [output]
        if options is not None:
            operator.builtinOptions = options
            operator.builtinOptionsType = getattr(_Options, type(options).__name__.removesuffix("T"))
        self.graph.operators.append(operator)

    def image(self) -> Tensor:
        """Add the input: bytes, whose grid is the contract's."""
        grid, shape, name = self.numbers.image, self.contract.shape, self.contract.input.name
        given = self.tensor(name, (1, *shape), _Type.UINT8, (grid.scale, grid.zero_point + 128))
        self.graph.inputs = [given]
        if self.bytes == _Type.UINT8:
            return Tensor(given, shape, grid)
        made = self.value(f"{name}/int8", shape, grid)
        self.add("QUANTIZE", [given], made.index, schema.QuantizeOptionsT())
        return made

    def end(self, logits: Tensor) -> None:
        """Add the activation and the output; where the contract ends in float, the logits as float32."""
        name = self.contract.output.name
        if self.contract.ends_in_float:
            made = self.tensor(name, (1, *logits.shape), _Type.FLOAT32)
            self.add("DEQUANTIZE", [logits.index], made, schema.DequantizeOptionsT())
        else:
            made = self.value(name if self.bytes == _Type.UINT8 else f"{name}/int8", logits.shape, _PROBABILITIES).index
            if self.contract.output.several:
                self.add("LOGISTIC", [logits.index], made)
            else:
                options = schema.SoftmaxOptionsT()
                options.beta = 1.0
                self.add("SOFTMAX", [logits.index], made, options)
            if self.bytes != _Type.UINT8:
                before, made = made, self.tensor(name, (1, *logits.shape), _Type.UINT8, (PROBABILITY_SCALE, 0))
                self.add("QUANTIZE", [before], made, schema.QuantizeOptionsT())
        self.graph.outputs = [made]

    def fused(self, layer: Any) -> tuple[Any, int]:
        """Return the layer whose output an operator gives, and the activation that is inside: the ReLU that alone reads it, or none."""
        if layer.name in self.numbers.outputs:
            return layer, Fused.NONE
        [relu] = self.readers[id(layer.output)]
        return relu, Fused.RELU if relu.max_value is None else Fused.RELU6

    def output(self, layer: Any) -> tuple[Tensor, int]:
        """Add the tensor that an operator gives, named after the layer that it ends; and the activation inside."""
        ended, activation = self.fused(layer)
        return self.value(f"{ended.name}/output", tuple(layer.output_shape[1:]), self.numbers.outputs[ended.name]), activation

    def kernel(self, layer: Any, source: Tensor) -> tuple[list[int], Tensor, int]:
        """Add a kernel and its bias; returns the operator's inputs, its output, and the activation inside."""
        made, activation = self.output(layer)
        numbers, grid = self.numbers.kernels[layer.name].integers, self.numbers.kernels[layer.name].grid
        order, axis = {layers.Conv2D: ((3, 0, 1, 2), 0), layers.DepthwiseConv2D: ((3, 0, 1, 2), 3), layers.Dense: ((1, 0), 0)}[type(layer)]
        placed = numbers.transpose(order)
        data = placed if self.bytes == _Type.INT8 else (placed.astype(np.int16) + 128).astype(np.uint8)
        points = np.full(len(grid.scale), grid.zero_point + self.shift)
        kernel = self.tensor(f"{layer.name}/kernel", placed.shape, self.bytes, (grid.scale, points), data)
        assert source.grid is not None
        steps = np.float32(source.grid.scale) * grid.scale
        bias = self.tensor(f"{layer.name}/bias", grid.bias.shape, _Type.INT32, (steps, np.zeros(len(steps), int)), grid.bias)
        for index, along in ((kernel, axis), (bias, 0)):
            self.graph.tensors[index].quantization.quantizedDimension = along if len(steps) > 1 else 0
        return [source.index, kernel, bias], made, activation

    def on_grid(self, source: Tensor, grid: Grid, name: str) -> Tensor:
        """Return a value on this grid, by a QUANTIZE where it has another."""
        if source.grid == grid:
            return source
        made = self.value(name, source.shape, grid)
        self.add("QUANTIZE", [source.index], made.index, schema.QuantizeOptionsT())
        return made


def code(operator: int, version: int = 1) -> Any:
    """Return the entry of an operator in a file's table of kinds."""
    made = schema.OperatorCodeT()
    made.builtinCode = made.deprecatedBuiltinCode = operator
    made.version = version
    return made
