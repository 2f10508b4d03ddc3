"""The memory and the work that a TFLite file asks of a microcontroller."""

import math
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgetl.importing.tflite_reader import read
from edgetl.micro.ethos_u import Compiled
from edgetl.micro.interpreter import Interpreter
from edgetl.micro.operators import check, resolvers

# Kernels that are made for a processor (CMSIS-NN, ESP-NN) ask the arena for buffers of theirs, which the reference kernels do not need.
MARGIN = 0.1
_KIB = 1024
_CONVOLUTIONS = {schema.BuiltinOperator.CONV_2D, schema.BuiltinOperator.TRANSPOSE_CONV}


@dataclass(frozen=True)
class Footprint:
    """Memory and work that a file needs on a microcontroller.

    Args:
        arena_bytes: working memory (RAM) for tensors and tables, measured by TensorFlow Lite Micro's interpreter on this computer.
        flash_bytes: the file itself, as a constant of the program; the program's own code comes on top.
        macs: multiplications with an addition, of one prediction.
        resolvers: the methods that register its operators, see `resolvers`.
        basis: where the arena's figure comes from, as a sentence; measured: whether it was.
    """

    arena_bytes: int
    flash_bytes: int
    macs: int
    resolvers: tuple[str, ...]
    basis: str = "Measured by TensorFlow Lite Micro's interpreter on a computer, with its reference kernels."
    measured: bool = True

    @property
    def arena_size_bytes(self) -> int:
        """The arena to reserve: what was measured and a tenth, up to the next KiB."""
        return reserved(self.arena_bytes)


def reserved(arena_bytes: int) -> int:
    """Return the arena to reserve where so much was measured, see `Footprint.arena_size_bytes`."""
    return math.ceil(arena_bytes * (1 + MARGIN) / _KIB) * _KIB


def footprint(content: bytes) -> Footprint:
    """Measure a TFLite file.

    Raises ExportError where TensorFlow Lite Micro cannot run it, DependencyError where its interpreter is not installed.
    """
    check(content)
    with Interpreter(content) as interpreter:
        interpreter(np.zeros(interpreter.input.shape, interpreter.input.dtype))  # kernels check what they are given when they run
        return Footprint(interpreter.arena_bytes, len(content), macs(content), tuple(resolvers(content)))


def estimated(content: bytes, made: Compiled) -> Footprint:
    """Return what a file of these bytes needs once it is compiled for an NPU, by the compiler's estimate; what the CPU keeps is checked."""
    check(made.content)
    basis = f"Estimated by Arm's compiler for {made.estimate.accelerator}, and not measured."
    return Footprint(made.estimate.sram_bytes, len(made.content), macs(content), tuple(resolvers(made.content)), basis, measured=False)


def macs(content: bytes) -> int:
    """Count the multiplications with an addition of one image: those of convolutions and dense layers."""
    model = read(content)
    graph = model.subgraphs[0]
    return sum(_macs(model, graph.tensors, operator) for operator in graph.operators)


def _macs(model: schema.ModelT, tensors: list[schema.TensorT], operator: schema.OperatorT) -> int:
    code = model.operatorCodes[operator.opcodeIndex]
    kind = max(code.builtinCode, code.deprecatedBuiltinCode)
    shapes = [[int(size) for size in tensors[index].shape] if index >= 0 else [] for index in (*operator.inputs, *operator.outputs)]
    if kind in _CONVOLUTIONS:  # a kernel [O, H, W, I] at every place of the output, of the input where it is transposed
        placed = shapes[2] if kind == schema.BuiltinOperator.TRANSPOSE_CONV else shapes[-1]
        return math.prod(placed[1:3]) * math.prod(shapes[1])
    if kind == schema.BuiltinOperator.DEPTHWISE_CONV_2D:  # [1, H, W, C]
        return math.prod(shapes[-1][1:3]) * math.prod(shapes[1])
    if kind == schema.BuiltinOperator.FULLY_CONNECTED:  # [O, I]
        return math.prod(shapes[-1][:-1]) * math.prod(shapes[1])
    return 0
