"""Small ONNX graphs, and models of elsewhere run by the runtimes that they are for, to compare with."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgetl.importing import read
from edgetl.importing.base import ImportedModel
from tests.exact import exact_session

RANDOM = np.random.default_rng(5)


def weights(*shape: int) -> np.ndarray:
    made: np.ndarray = RANDOM.normal(0, 0.4, shape).astype(np.float32)
    return made


class Onnx:
    """A graph of one image [1, 3, 8, 8] in the making; `add` gives the name of a node's output."""

    def __init__(self, shape: tuple[int | str, ...] = (1, 3, 8, 8), opset: int = 17) -> None:
        self.nodes: list[Any] = []
        self.tensors: list[Any] = []
        self.input = helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)
        self.opset, self.metadata = opset, dict[str, str]()

    def constant(self, array: np.ndarray) -> str:
        self.tensors.append(numpy_helper.from_array(array, f"c{len(self.tensors)}"))
        return str(self.tensors[-1].name)

    def add(self, kind: str, *inputs: str | np.ndarray | None, outputs: int = 1, **attributes: Any) -> Any:
        names = ["" if one is None else self.constant(one) if isinstance(one, np.ndarray) else one for one in inputs]
        made = [f"v{len(self.nodes)}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(kind, names, made, name=f"{kind}_{len(self.nodes)}", **attributes))
        return made[0] if outputs == 1 else made

    def convolution(self, value: str, *, reads: int = 3, makes: int = 6, size: int = 3, **attributes: Any) -> str:
        kernel = weights(makes, reads // attributes.get("group", 1), size, size)
        return str(self.add("Conv", value, kernel, weights(makes), kernel_shape=[size, size], **attributes))

    def head(self, value: str, channels: int) -> str:
        """Return three logits of a map's means."""
        return str(self.add("Gemm", self.add("Flatten", self.add("GlobalAveragePool", value)), weights(channels, 3), weights(3)))

    def save(self, path: Path, output: str) -> Path:
        outputs = [helper.make_empty_tensor_value_info(output)]
        graph = helper.make_graph(self.nodes, "graph", [self.input], outputs, self.tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8, producer_name="by hand")
        helper.set_model_props(model, self.metadata)
        path.write_bytes(onnx.shape_inference.infer_shapes(model).SerializeToString())
        return path


def images(model: ImportedModel, count: int = 2) -> np.ndarray:
    """float32 [count, H, W, C] as the file takes them, about 0..255 where it scales."""
    noise = np.random.default_rng(3).normal(size=(count, model.height, model.width, model.channels))
    return (noise * 40 + 100 if not model.preprocessing.is_none else noise).astype(np.float32)


def ours(model: ImportedModel, inputs: np.ndarray) -> np.ndarray:
    """What the imported model predicts, with the file's own preprocessing and activation around it."""
    prepared = inputs * np.float32(model.preprocessing.scale) + np.float32(model.preprocessing.offset)
    logits: np.ndarray = model.model(prepared.astype(np.float32), training=False).numpy()
    if model.activation == "sigmoid":
        return 1 / (1 + np.exp(-logits))
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True) if model.activation == "softmax" else logits


def by_onnxruntime(path: Path, inputs: np.ndarray) -> np.ndarray:
    session = exact_session(path)
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {name: one[None]})[0].reshape(1, -1) for one in inputs])


def apart(found: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference, in shares of the largest value where that is above 1.

    Float32 rounds by shares, and each CPU adds in an order of its own.
    """
    return float(np.abs(found - expected).max() / max(1.0, np.abs(expected).max()))


def differs(path: Path) -> float:
    """Return how far the model that is imported from an ONNX file is apart from the file."""
    model = read(path)
    inputs = images(model)
    return apart(ours(model, inputs), by_onnxruntime(path, inputs if model.channels_last else inputs.transpose(0, 3, 1, 2)))


def by_keras_3(program: str, folder: Path) -> dict[str, Any]:
    """Run a program with Keras 3, in a process of its own; it writes into the folder, and its last line is JSON."""
    text = f"import keras, numpy as np, json\nfrom keras import layers\n{program}"
    done = subprocess.run([sys.executable, "-c", text], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
