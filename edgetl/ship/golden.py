"""Golden answers: a few pictures and what each model file says of them, for an app to prove that it runs the same model the same way."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetl.contract import PROBABILITY_SCALE
from edgetl.errors import ParityError

PICTURES = 12  # enough for each class of a small set and for the close calls, in few hundred KiB of pixels
# Kernels of other processors round otherwise: a trained int8 MobileNet moved by 15 steps at most, 2 on average, between any two
# measured. A wrong normalization, channel order or label order moves sure answers by a hundred.
MAX_STEPS, MEAN_STEPS = 24.0, 4.0


@dataclass(frozen=True)
class Golden:
    """Raw pixels uint8 [N, H, W, 3], the true class of each [N], and each model file's probabilities float32 [N, K] by the file's name."""

    pixels: NDArray[np.uint8]
    labels: NDArray[Any]
    answers: Mapping[str, NDArray[np.float32]]

    def files(self) -> dict[str, bytes]:
        """What goes into a bundle: the pixels one after the other, and a document with everything else."""
        document = {
            "shape": list(self.pixels.shape),
            "labels": [int(label) for label in self.labels],
            "answers": {name: [[round(float(p), 6) for p in row] for row in rows] for name, rows in self.answers.items()},
            "tolerance": {"max_steps": MAX_STEPS, "mean_steps": MEAN_STEPS, "step": PROBABILITY_SCALE},
        }
        return {"golden/pixels.bin": self.pixels.tobytes(), "golden/golden.json": json.dumps(document, indent=1).encode()}

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> "Golden":
        """Raises KeyError, TypeError or ValueError when these are not the files of one."""
        document = json.loads(files["golden/golden.json"])
        pixels = np.frombuffer(files["golden/pixels.bin"], np.uint8).reshape(document["shape"])
        answers = {name: np.asarray(rows, np.float32) for name, rows in document["answers"].items()}
        if any(len(rows) != len(pixels) for rows in answers.values()) or len(document["labels"]) != len(pixels):
            raise ValueError("pictures and answers differ in number")
        return cls(pixels, np.asarray(document["labels"]), answers)


def choose(answers: NDArray[Any], labels: NDArray[Any], count: int = PICTURES) -> NDArray[np.int64]:
    """Rows of `count` pictures (or all): the surest right answer of each class in turn up to half of them, then the closest calls.

    Args:
        answers: probabilities [N, K]; labels: the true classes [N].
    """
    ordered = np.sort(answers, axis=1)
    margins = ordered[:, -1] - ordered[:, -2]
    right = answers.argmax(1) == labels
    surest = [max(np.flatnonzero(labels == one), key=lambda row: (right[row], margins[row], -row)) for one in np.unique(labels)]
    chosen = list(dict.fromkeys(surest))[: count // 2]
    close = [row for row in np.argsort(margins, kind="stable") if row not in chosen]
    return np.asarray((chosen + close)[:count], np.int64)


def check(name: str, wanted: NDArray[Any], found: NDArray[Any]) -> dict[str, float]:
    """How far a file's answers are from the golden ones, in steps of 1/256. Raises ParityError beyond the tolerance."""
    if wanted.shape != found.shape:
        problem = f"{name} answers {found.shape}, the golden answers are {wanted.shape}"
        raise ParityError(problem, "the bundle's parts are of different models")
    steps = np.abs(wanted.astype(np.float64) - found) / PROBABILITY_SCALE
    facts = {"max_steps": round(float(steps.max()), 3), "mean_steps": round(float(steps.mean()), 3)}
    if not np.isfinite(found).all() or steps.max() > MAX_STEPS or steps.mean() > MEAN_STEPS:
        raise ParityError(
            f"{name} does not give its golden answers: {facts['max_steps']:g} steps of 1/256 off at most ({MAX_STEPS:g} are allowed), "
            f"{facts['mean_steps']:g} on average ({MEAN_STEPS:g})",
            "the file, the pixels' order or the labels' order is not what was validated",
        )
    return facts
