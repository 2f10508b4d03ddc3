"""Run a model file as its makers do, in a process of its own: it imports nothing of edgetl, and may take another Keras generation.

    python original_program.py KIND MODEL FOLDER

FOLDER holds `images.npy`, uint8 [N, H, W, C], and `feed.json`; `outputs.npy`, float32 [N, ...], and `latency_ms.npy` are put there.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

_BATCH = 32  # images at a time, where the file takes more than one


def _onnx(path: str, takes: Any, gives: Any) -> tuple[Callable[[Any], Any], int]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.x64quantprecision", "1")  # x86 processors without VNNI saturate int8 sums otherwise
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    [image], lowest = session.get_inputs(), -128  # of the grids' integers, which are counted as signed ones

    def run(images: Any) -> Any:
        if takes and image.type != "tensor(float)":
            kind = np.dtype(image.type.removeprefix("tensor(").removesuffix(")"))
            shift = np.iinfo(kind).min - lowest
            images = _on_grid(images, takes["scale"], takes["zero_point"] + shift, kind)
        made = session.run(None, {image.name: images})[0]
        if not gives or made.dtype == np.float32:
            return made
        return (made.astype(np.float32) - (gives["zero_point"] + np.iinfo(made.dtype).min - lowest)) * np.float32(gives["scale"])

    return run, 1


def _tflite(path: str) -> tuple[Callable[[Any], Any], int]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path)
    [takes], [gives] = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(takes["index"], [1, *takes["shape"][1:]])
    interpreter.allocate_tensors()

    def run(images: Any) -> Any:
        interpreter.set_tensor(takes["index"], _integers(images, takes))
        interpreter.invoke()
        made, (scale, zero_point) = interpreter.get_tensor(gives["index"]), gives["quantization"]
        return (made.astype(np.float32) - zero_point) * np.float32(scale) if scale else made

    return run, 1


def _integers(images: Any, takes: Any) -> Any:
    """Return images as the file takes them: as they are, or on its grid."""
    scale, zero_point = takes["quantization"]
    if not scale:
        return images
    return _on_grid(images, scale, zero_point, takes["dtype"])


def _on_grid(images: Any, scale: float, zero_point: int, kind: Any) -> Any:
    ends = np.iinfo(kind)
    return np.clip(np.rint(images / scale) + zero_point, ends.min, ends.max).astype(kind)


def _keras(path: str, *, legacy: bool) -> tuple[Callable[[Any], Any], int]:
    os.environ["TF_USE_LEGACY_KERAS"] = str(int(legacy))
    import tensorflow as tf

    model = tf.keras.models.load_model(path, compile=False)
    return lambda images: model(images, training=False).numpy(), _BATCH


def _saved_model(path: str) -> tuple[Callable[[Any], Any], int]:
    import tensorflow as tf

    model = tf.saved_model.load(path)  # which has to live as long as its function
    infer = model.signatures["serving_default"]
    [name] = infer.structured_input_signature[1]
    return lambda images: (model, next(iter(infer(**{name: tf.constant(images)}).values())))[1].numpy(), 1


def main(kind: str, path: str, folder: Path) -> None:
    feed = json.loads((folder / "feed.json").read_text(encoding="utf-8"))
    pixels = np.load(folder / "images.npy", mmap_mode="r")
    kinds = {
        "onnx": lambda: _onnx(path, feed["takes"], feed["gives"]),
        "tflite": lambda: _tflite(path),
        "saved_model": lambda: _saved_model(path),
        "keras": lambda: _keras(path, legacy=feed["legacy"]),
    }
    run, batch = kinds[kind]()

    def images(start: int, count: int) -> Any:
        made = (pixels[start : start + count][..., feed["order"]] - np.array(feed["mean"])) / np.array(feed["std"])
        return np.ascontiguousarray(made.transpose(0, 3, 1, 2) if feed["channels_first"] else made, np.float32)

    np.save(
        folder / "outputs.npy", np.concatenate([run(images(start, batch)) for start in range(0, len(pixels), batch)]).astype(np.float32)
    )
    one, took = images(0, 1), []
    for _ in range(feed["warmup_runs"]):
        run(one)
    for _ in range(feed["timed_runs"]):
        before = time.perf_counter()
        run(one)
        took.append(1000 * (time.perf_counter() - before))
    np.save(folder / "latency_ms.npy", took)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
