"""The section on predictions that quantization changed."""

import numpy as np
from numpy.typing import NDArray

from edgetl.compared import Truth
from edgetl.evaluation.measures import measures_of
from edgetl.report.page.blocks import Absent, Gallery, Photo, Section, Text
from edgetl.report.page.facts import Facts, Predictions
from edgetl.report.page.photos import predicted, true_classes
from edgetl.report.plots.thumbnail import thumbnail
from edgetl.wording import counted

_TITLE = "Predictions changed by quantization"
_SHOWN = 24


def section(facts: Facts) -> Section | Absent:
    """Return the images that the float and the quantized model predict differently, largest change first."""
    predictions = facts.predicted(_TITLE, judged=False)
    if isinstance(predictions, Absent):
        return predictions
    if predictions.quantized is None:
        return Absent(_TITLE, "the run has no int8 file", "edgetl export RUN --int8")
    first, second = predictions.reference, predictions.quantized
    a, b = predictions.probabilities[first], predictions.probabilities[second]
    before, after = _decided(predictions, first), _decided(predictions, second)
    flipped = np.flatnonzero((before != after).any(axis=1))
    largest = flipped[np.argsort(-np.abs(a - b).max(axis=1)[flipped], kind="stable")]
    text = f"{first} and {second} predict different classes for {len(flipped):,} of {counted(len(before), 'image')}"
    if facts.truth == "labels":
        truth = predictions.label_ids.reshape(len(before), -1)
        won, lost = (int((decided == truth).all(axis=1)[flipped].sum()) for decided in (after, before))
        text += f": {lost} correct in float only (lost), {won} in int8 only (won), {len(flipped) - lost - won} wrong in both"
    text += "."
    if not len(flipped):
        return Section(_TITLE, (Text(text),))
    if len(flipped) > _SHOWN:
        text += f" Shown are the {_SHOWN} with the largest change of probability."
    rows = largest[:_SHOWN].tolist()
    shown = [_image(facts.truth, predictions, row, pixels) for row, pixels in zip(rows, predictions.read(rows), strict=True)]
    return Section(_TITLE, (Text(text), Gallery(shown)))


def _decided(predictions: Predictions, name: str) -> NDArray[np.integer]:
    """Return what a model says of each image: its class [N, 1], or which of several it finds, [N, K] of 0 and 1."""
    return predictions.decisions(name).astype(np.int64) if predictions.several else predictions.top1(name)[:, None]


def _image(truth: Truth, predictions: Predictions, row: int, pixels: NDArray[np.uint8] | None) -> Photo:
    found = [predictions.probabilities[name][row] for name in predictions.shown]
    name, label = predictions.image_names[row], true_classes(predictions, row)
    lines = [f"{model} {predicted(predictions, p)}" for model, p in zip(("float:", "quantized:"), found, strict=True)]
    content = b"" if pixels is None else thumbnail(pixels)
    if truth != "labels":
        return Photo(content, "jpeg", f"{name}; {'; '.join(lines)}", name, lines)
    measures, label_ids = measures_of(predictions.output), predictions.label_ids[row : row + 1]
    before, after = (bool(measures.right(p[None], label_ids)[0]) for p in found)
    outcome = "lost" if before else "won" if after else "wrong in both"
    what = "true classes" if predictions.several else "true class"
    return Photo(content, "jpeg", f"{name}, {what} {label}; {'; '.join(lines)}", f"{label} ({outcome})", lines)
