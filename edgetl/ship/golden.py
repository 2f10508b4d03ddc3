"""Golden predictions: a few images and what each model file says of them, for an app to prove that it runs the same model the same way."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetl.contract import PROBABILITY_SCALE
from edgetl.errors import ParityError

IMAGES = 12  # enough for each class of a small set and for the close calls, in few hundred KiB of pixels
# Kernels of other processors round otherwise: a trained int8 MobileNet moved by 15 steps at most, 2 on average, between any two
# measured. A wrong normalization, channel order or label order moves sure predictions by a hundred.
MAX_STEPS, MEAN_STEPS = 24.0, 4.0
# The image that proves cropping and resizing: the golden images five in a row, cut below, so that neither the crop's corner nor
# the reduction is a whole number. An exact filter in other arithmetic rounds a value up where Pillow rounds down.
_COLUMNS, _RESIZE_STEPS = 5, 1


@dataclass(frozen=True)
class Golden:
    """Raw pixels uint8 [N, H, W, 3], the true class's name of each [N], each model file's probabilities [N, K] by the file's
    name, and what the mosaic's central square is at the model's size, uint8 [H, W, 3]."""

    pixels: NDArray[np.uint8]
    labels: tuple[str, ...]
    predictions: Mapping[str, NDArray[np.floating[Any]]]
    resized: NDArray[np.uint8]

    def files(self, labels: Sequence[str]) -> dict[str, bytes]:
        """What goes into a bundle: the pixels one after the other, the resized mosaic, and a document with everything else."""
        predictions = {name: rows.astype(np.float64).round(6) for name, rows in self.predictions.items()}
        document = {
            "shape": list(self.pixels.shape),
            "labels": list(self.labels),
            "predictions": {name: rows.tolist() for name, rows in predictions.items()},
            "top1": {name: [labels[row.argmax()] for row in rows] for name, rows in predictions.items()},
            "tolerance": {"max_steps": MAX_STEPS, "mean_steps": MEAN_STEPS, "step": PROBABILITY_SCALE},
            "mosaic": {"columns": _COLUMNS, "height": len(mosaic(self.pixels)), "max_steps": _RESIZE_STEPS},
        }
        return {
            "golden/pixels.bin": self.pixels.tobytes(),
            "golden/resized.bin": self.resized.tobytes(),
            "golden/golden.json": json.dumps(document, indent=1, ensure_ascii=False).encode(),
        }

    @classmethod
    def of(cls, files: Mapping[str, bytes], labels: Sequence[str]) -> "Golden":
        """Raises KeyError, TypeError or ValueError when these are not the files of one, ParityError when its labels had another order."""
        document = json.loads(files["golden/golden.json"])
        pixels = np.frombuffer(files["golden/pixels.bin"], np.uint8).reshape(document["shape"])
        resized = np.frombuffer(files["golden/resized.bin"], np.uint8).reshape(document["shape"][1:])
        predictions = {name: np.asarray(rows, np.float64) for name, rows in document["predictions"].items()}
        if not len(pixels) or not all(isinstance(label, str) for label in document["labels"]):
            raise ValueError("it holds no images, or labels that are no texts")
        if any(rows.shape != (len(pixels), len(labels)) for rows in predictions.values()) or len(document["labels"]) != len(pixels):
            raise ValueError("images, labels and predictions differ in number")
        for name, rows in predictions.items():
            if [labels[row.argmax()] for row in rows] != document["top1"][name]:
                raise ParityError(
                    f"{name} gave its golden predictions with the labels in another order", "take the labels that it was bundled with"
                )
        return cls(pixels, tuple(document["labels"]), predictions, resized)


def mosaic(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The images in rows of five, from the first again where they run out, cut to 7/3 of an image's height."""
    rows = 3
    cells = pixels[np.arange(rows * _COLUMNS) % len(pixels)].reshape(rows, _COLUMNS, *pixels.shape[1:])
    whole = cells.transpose(0, 2, 1, 3, 4).reshape(rows * pixels.shape[1], -1, 3)
    return np.ascontiguousarray(whole[: 7 * pixels.shape[1] // 3])


def choose(predictions: NDArray[Any], labels: NDArray[Any], count: int = IMAGES) -> NDArray[np.int64]:
    """Rows of `count` images (or all): the surest right prediction of each class in turn up to half of them, then the closest calls.

    Args:
        predictions: probabilities [N, K]; labels: the true classes [N].
    """
    ordered = np.sort(predictions, axis=1)
    margins = ordered[:, -1] - ordered[:, -2]
    right = predictions.argmax(1) == labels
    surest = [max(np.flatnonzero(labels == one), key=lambda row: (right[row], margins[row], -row)) for one in np.unique(labels)]
    chosen = list(dict.fromkeys(surest))[: count // 2]
    close = [row for row in np.argsort(margins, kind="stable") if row not in chosen]
    return np.asarray((chosen + close)[:count], np.int64)


def check_resize(wanted: NDArray[np.uint8], found: NDArray[np.uint8]) -> int:
    """How far the resized mosaic is from the golden one, in levels of 255. Raises ParityError beyond the tolerance."""
    steps = int(np.abs(wanted.astype(np.int16) - found).max())
    if steps > _RESIZE_STEPS:
        raise ParityError(f"cropping and resizing give other pixels: {steps} levels off", "this version of Pillow resizes otherwise")
    return steps


def check(name: str, wanted: NDArray[Any], found: NDArray[Any]) -> dict[str, float]:
    """How far a file's predictions are from the golden ones, in steps of 1/256. Raises ParityError beyond the tolerance."""
    if wanted.shape != found.shape:
        problem = f"{name} predictions {found.shape}, the golden predictions are {wanted.shape}"
        raise ParityError(problem, "the bundle's parts are of different models")
    steps = np.abs(wanted.astype(np.float64) - found) / PROBABILITY_SCALE
    facts = {"max_steps": round(float(steps.max()), 3), "mean_steps": round(float(steps.mean()), 3)}
    if not np.isfinite(found).all() or steps.max() > MAX_STEPS or steps.mean() > MEAN_STEPS:
        raise ParityError(
            f"{name} does not give its golden predictions: {facts['max_steps']:g} steps of 1/256 off at most ({MAX_STEPS:g} are allowed), "
            f"{facts['mean_steps']:g} on average ({MEAN_STEPS:g})",
            "the file, the pixels' order or the labels' order is not what was validated",
        )
    return facts
