"""Import every model file of a folder and compare it with its own runtime; benchmarks/foreign_runs.py goes on from there.

    python benchmarks/importing.py build/foreign ../shared/data/foreign

A line a file: layers, MACs, the largest difference of the outputs on four random images, seconds to import.
The ONNX files come from benchmarks/foreign_models.py.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from edgetl.errors import EdgetlError
from edgetl.importing import kind, read
from edgetl.importing.base import ImportedModel, Wish

SIZES = {"paddle_mobilenet_v3_text_direction.onnx": (48, 192)}  # of files that leave it open
IMAGES = 4
KERAS = """
import os, sys, numpy as np
if sys.argv[2] == "2":
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    import tf_keras as keras
else:
    import keras
model = keras.models.load_model(sys.argv[1], compile=False)
np.save(sys.argv[4], model(np.load(sys.argv[3]), training=False).numpy())
"""


def macs(model: Any) -> int:
    """Count the products of convolutions and dense layers."""
    total = 0
    for layer in model.layers:
        if layer.weights and type(layer).__name__ in ("Conv2D", "DepthwiseConv2D", "Dense"):
            places = int(np.prod(layer.output_shape[1:3])) if len(layer.output_shape) == 4 else 1
            total += places * int(np.prod(layer.get_weights()[0].shape))
    return total


def original(path: Path, found: ImportedModel, images: np.ndarray, folder: Path) -> np.ndarray:
    """Return what the file's own runtime gives."""
    fed = images if found.channels_last else np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    if kind(path) == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return np.concatenate([session.run(None, {name: one[None]})[0].reshape(1, -1) for one in fed])
    if kind(path) == "tflite":
        from ai_edge_litert.interpreter import Interpreter

        interpreter, made = Interpreter(str(path)), []
        interpreter.allocate_tensors()
        for one in fed:
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], one[None])
            interpreter.invoke()
            made.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).reshape(1, -1).copy())
        return np.concatenate(made)
    np.save(folder / "images.npy", fed)
    version = "3" if "Keras 3" in found.origin.producer else "2"
    command = [sys.executable, "-c", KERAS, str(path), version, str(folder / "images.npy"), str(folder / "outputs.npy")]
    subprocess.run(command, check=True, capture_output=True)
    loaded: np.ndarray = np.load(folder / "outputs.npy")
    return loaded


def ours(found: ImportedModel, images: np.ndarray) -> np.ndarray:
    logits = found.model(images * np.float32(found.preprocessing.scale) + np.float32(found.preprocessing.offset), training=False).numpy()
    powers = np.exp(logits - logits.max(1, keepdims=True))
    made: np.ndarray = powers / powers.sum(1, keepdims=True) if found.activation == "softmax" else logits
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, help="where the figures go as JSON lines")
    asked = parser.parse_args()
    import tempfile

    for folder in asked.folders:
        for path in sorted(one for one in folder.iterdir() if one.suffix in (".onnx", ".h5", ".keras", ".tflite")):
            began = time.process_time()
            try:
                found = read(path, Wish(SIZES.get(path.name)))
            except EdgetlError as error:
                sys.stdout.write(f"| {path.name} | REFUSED: {str(error)[:900]} |\n")
                continue
            seconds = time.process_time() - began
            if found.numbers is not None:
                sys.stdout.write(f"| {path.name} | quantized: its integers are kept, see benchmarks/foreign_runs.py |\n")
                continue
            images = np.random.default_rng(1).normal(size=(IMAGES, found.height, found.width, found.channels)).astype(np.float32)
            with tempfile.TemporaryDirectory() as scratch:
                expected = original(path, found, images, Path(scratch))
            apart, size = float(np.abs(ours(found, images) - expected).max()), float(np.abs(expected).max())
            line = f"| {path.name} | {len(found.model.layers)} | {macs(found.model) / 1e6:.1f} | {apart:.1e} | {size:.2f} | {seconds:.1f} |"
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
            if asked.out:
                with asked.out.open("a") as file:
                    file.write(json.dumps({"file": path.name, "apart": apart, "largest": size}) + "\n")


if __name__ == "__main__":
    main()
