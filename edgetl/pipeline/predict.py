"""What a model says of an image."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetl.contract import Contract
from edgetl.data.decode import BadImage, decode
from edgetl.data.sources import read_image
from edgetl.errors import DataError, RunError
from edgetl.run_folder import RunFolder
from edgetl.runtimes import open_session

_BEST_FIRST = ("model_int8.tflite", "model_int8.onnx", "model_float32.tflite", "model_float32.onnx", "model_float16.tflite")


def predict(target: Path, names: Sequence[str], top: int) -> list[dict[str, Any]]:
    """The `top` most probable classes of each image, by a model file (beside its contract.json) or by a run (its int8 TFLite file)."""
    path = _model_of(target)
    contract = Contract.read(path.parent / "contract.json")
    session = open_session(path, contract)
    predictions = []
    for name in names:
        probabilities = session(pixels_of(name, contract)[None])[0]
        best = np.argsort(-probabilities, kind="stable")[:top]
        predictions.append(
            {"image": name, "top": [{"label": contract.class_names[k], "probability": round(float(probabilities[k]), 4)} for k in best]}
        )
    return predictions


def pixels_of(name: str, contract: Contract) -> NDArray[np.uint8]:
    """uint8 [H, W, 3] of a file or an embedded image. Raises DataError when it is none."""
    try:
        return decode(read_image(name), contract)
    except BadImage as error:
        raise DataError(f"{name} cannot be read as an image: {error}", "JPEG, PNG, BMP, GIF and WebP images are read") from error


def _model_of(target: Path) -> Path:
    if not target.is_dir():
        return target
    export = RunFolder.open(target).export
    made = [export / name for name in _BEST_FIRST if (export / name).is_file()]
    if not made:
        raise RunError(f"{target} has no exported model yet", f"run: edgetl export {target}")
    return made[0]
