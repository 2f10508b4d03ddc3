"""ONNX files, made from the TFLite file so that both hold one set of numbers.

Going from the Keras model instead would keep float weights in an int8 model.
"""

import os
import tempfile
import warnings
from pathlib import Path

import edgetl.keras  # noqa: F401  first of all: Keras 2 is chosen before tf2onnx imports TensorFlow

import numpy as np
import onnx
import tf2onnx
import tf2onnx.optimizer
from onnxruntime.transformers.float16 import convert_float_to_float16

from edgetl.console import hushed
from edgetl.contract import Contract
from edgetl.errors import ExportError
from edgetl.export import integer_graph, tflite_checks
from edgetl.export.canonical import drop_idle_reshapes, settle
from edgetl.export.onnx_optimizer import optimized

# Else tf2onnx copies the graph before each pass, half of a conversion, and goes on without a word where one fails, which is a bug to see.
os.environ["TF2ONNX_CATCH_ERRORS"] = "FALSE"
_OPSET = 17  # what tf2onnx writes without experiments, and every ONNX Runtime since 1.12 (2022) reads


def float_onnx(content: bytes, *, halves: bool = False) -> bytes:
    """Convert a float TFLite file. Raises ExportError.

    Args:
        halves: compute in half precision, between a Cast at each end.
    """
    model = _from_tflite(content, keep_pairs=False)
    return written(convert_float_to_float16(model, keep_io_types=True) if halves else model)


def quantized_pairs(content: bytes, contract: Contract, *, selective: bool = False) -> bytes:
    """Convert an int8 TFLite file to plain operators between Q/DQ pairs. Raises ExportError if a runtime could not make it all integers.

    Args:
        selective: some operators are in float on purpose.
    """
    model = _from_tflite(content, keep_pairs=True)
    for rewrite in integer_graph.PASSES:
        rewrite(model)
    check_same_grids(content, model)
    finished = written(model)
    if not selective:
        check_integer(finished, contract)
    return finished


def written(model: onnx.ModelProto) -> bytes:
    """Return the model's bytes, the same in every process."""
    settle(model)
    model.producer_name, model.producer_version, model.graph.name = "edgetl", "", "classifier"
    onnx.checker.check_model(model, full_check=True)
    finished: bytes = model.SerializeToString()
    return finished


def _from_tflite(content: bytes, *, keep_pairs: bool) -> onnx.ModelProto:
    # q_dq_optimizer drops the Q/DQ pairs before residual additions, which then run in float; merge_duplication makes one constant of
    # equal ones (two layers' zero biases), which have scales of their own, under a name that changes from process to process.
    passes = tf2onnx.optimizer._optimizers
    kept = passes.copy()
    with tempfile.TemporaryDirectory() as folder, hushed(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the interpreter in TensorFlow that it uses: deprecated there, not for us to mend
        source = Path(folder) / "model.tflite"
        source.write_bytes(content)
        try:
            for name in ("q_dq_optimizer", "merge_duplication") if keep_pairs else ("merge_duplication",):
                del passes[name]
            model, _ = tf2onnx.convert.from_tflite(str(source), opset=_OPSET)
        finally:
            passes.clear()
            passes.update(kept)  # in their order
    converted: onnx.ModelProto = model
    drop_idle_reshapes(converted)
    return converted


def fused(pairs: bytes) -> bytes:
    """Return the graph that ONNX Runtime makes of Q/DQ pairs whenever it loads them: the same predictions, opened in a third of the time.

    Constants are not shared, so that each keeps its TFLite tensor's name (2 KB in 520).
    """
    return written(onnx.load_from_string(optimized(pairs, for_any_processor=True, without=("ConstantSharing",))))


def check_integer(content: bytes, contract: Contract) -> None:
    """Raise ExportError that names every operator which ONNX Runtime would run in float, but for a softmax that the contract has."""
    floats = integer_graph.float_operators(onnx.load_from_string(optimized(content)), float_end=contract.ends_in_float)
    if floats:
        raise ExportError(
            f"the int8 ONNX file still computes in float: {', '.join(floats)}", "choose a backbone whose operators have integer kernels"
        )


def check_same_grids(content: bytes, model: onnx.ModelProto) -> None:
    """Raise ExportError unless every quantized tensor has the TFLite tensor's scale and zero point (int8 activations moved by 128)."""
    wanted, found = tflite_checks.grids(content), integer_graph.grids(model)
    wrong = [name for name, grid in found.items() if name not in wanted or not _same(wanted[name], grid)]
    missing = set(wanted) - set(found) - tflite_checks.without_counterpart(content)
    if wrong or missing:
        raise ExportError(
            f"scales differ between TFLite and ONNX: {', '.join([*wrong, *sorted(missing)])}",
            "this is a bug in edgetl: report it in an issue",
        )


def _same(lite: tuple[np.ndarray, np.ndarray, str], onnx_grid: tuple[np.ndarray, np.ndarray, str]) -> bool:
    (scale, zero, dtype), (onnx_scale, onnx_zero, onnx_dtype) = lite, onnx_grid
    shift = 128 if (dtype, onnx_dtype) == ("INT8", "UINT8") else 0
    # tf2onnx writes one scale where all channels share it, and TFLite's biases have zero point 0 throughout.
    return bool(np.allclose(scale, onnx_scale, rtol=1e-6, atol=0) and np.all(zero.astype(np.int64) + shift == onnx_zero.astype(np.int64)))
