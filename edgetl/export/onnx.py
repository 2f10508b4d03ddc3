"""ONNX files, made from the TFLite file so that both hold one set of numbers.

Going from the Keras model instead would keep float weights in an int8 model.
"""

import json
import tempfile
import warnings
from pathlib import Path

import edgetl.keras  # noqa: F401  first of all: Keras 2 is chosen before tf2onnx imports TensorFlow

import numpy as np
import onnx
import onnxruntime
import tf2onnx
import tf2onnx.optimizer

from edgetl.console import hushed
from edgetl.contract import InputContract
from edgetl.errors import ExportError
from edgetl.export import integer_graph, tflite
from edgetl.export.base import Format
from edgetl.export.canonical import settle

_OPSET = 17  # what tf2onnx writes without experiments, and every ONNX Runtime since 1.12 (2022) reads


def convert(content: bytes, contract: InputContract, precision: str) -> bytes:
    """An ONNX file with the TFLite file's numbers; int8 ones have integer operators only, which is checked. Raises ExportError."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "model.tflite"
        source.write_bytes(content)
        model = _from_tflite(source, keep_pairs=precision == "int8")
    if precision == "int8":
        for rewrite in integer_graph.PASSES:
            rewrite(model)
        check_same_grids(content, model)
    settle(model)
    _describe(model, contract)
    onnx.checker.check_model(model, full_check=True)
    finished: bytes = model.SerializeToString()
    if precision == "int8":
        check_integer(finished)
    return finished


def _from_tflite(source: Path, keep_pairs: bool) -> onnx.ModelProto:
    with hushed(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the interpreter in TensorFlow that it uses: deprecated there, not for us to mend
        # q_dq_optimizer drops the Q/DQ pairs before residual additions, which then run in float; merge_duplication makes one constant of
        # equal ones (two layers' zero biases), which have scales of their own, under a name that changes from process to process.
        passes = tf2onnx.optimizer._optimizers
        kept = passes.copy()
        try:
            for name in ("q_dq_optimizer", "merge_duplication") if keep_pairs else ("merge_duplication",):
                del passes[name]
            model, _ = tf2onnx.convert.from_tflite(str(source), opset=_OPSET)
        finally:
            passes.clear()
            passes.update(kept)  # in their order
    converted: onnx.ModelProto = model
    return converted


def _describe(model: onnx.ModelProto, contract: InputContract) -> None:
    """Put the input contract and the labels into the file's metadata_props."""
    facts = {"edgetl.contract": json.dumps(contract.to_dict(), ensure_ascii=False), "labels": "\n".join(contract.labels)}
    onnx.helper.set_model_props(model, facts)
    model.producer_name, model.graph.name = "edgetl", "classifier"


def optimized(content: bytes) -> onnx.ModelProto:
    """The graph as ONNX Runtime runs it on this machine with its default session options."""
    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # it warns that the written graph fits this machine only: it is looked at and thrown away
        options.optimized_model_filepath = str(Path(folder) / "optimized.onnx")
        onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        return onnx.load(options.optimized_model_filepath)


def check_integer(content: bytes) -> None:
    """Raise ExportError that names every operator which ONNX Runtime would run in float."""
    floats = integer_graph.float_operators(optimized(content))
    if floats:
        raise ExportError(
            f"the int8 ONNX file still computes in float: {', '.join(floats)}", "choose a backbone whose operators have integer kernels"
        )


def check_same_grids(content: bytes, model: onnx.ModelProto) -> None:
    """Raise ExportError unless every quantized tensor has the TFLite tensor's scale and zero point (int8 activations moved by 128)."""
    wanted, found = tflite.grids(content), integer_graph.grids(model)
    wrong = [name for name, grid in found.items() if name not in wanted or not _same(wanted[name], grid)]
    missing = set(wanted) - set(found) - tflite.type_changes(content)
    if wrong or missing:
        raise ExportError(
            f"scales differ between TFLite and ONNX: {', '.join([*wrong, *sorted(missing)])}", "this is a fault of edgetl: please report it"
        )


def _same(lite: tuple[np.ndarray, np.ndarray, str], onnx_grid: tuple[np.ndarray, np.ndarray, str]) -> bool:
    (scale, zero, dtype), (onnx_scale, onnx_zero, onnx_dtype) = lite, onnx_grid
    shift = 128 if (dtype, onnx_dtype) == ("INT8", "UINT8") else 0
    # tf2onnx writes one scale where all channels share it, and TFLite's biases have zero point 0 throughout.
    return bool(np.allclose(scale, onnx_scale, rtol=1e-6, atol=0) and np.all(zero.astype(np.int64) + shift == onnx_zero.astype(np.int64)))


FORMAT = Format(".onnx", ("float32", "int8"), convert)
