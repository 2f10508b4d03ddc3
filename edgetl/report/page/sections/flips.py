"""The section on predictions that quantization changed."""

import numpy as np
from numpy.typing import NDArray

from edgetl.compared import Truth
from edgetl.data.base import names_shown
from edgetl.evaluation.measures import measures_of
from edgetl.report.page.blocks import Absent, Gallery, Photo, Section, Text
from edgetl.report.page.facts import Facts, Predictions, percent
from edgetl.report.plots.thumbnail import thumbnail
from edgetl.wording import counted, joined, quoted

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
    shown = [_image(facts.truth, predictions, row, (a[row], b[row])) for row in largest[:_SHOWN].tolist()]
    return Section(_TITLE, (Text(text), Gallery(shown)))


def _decided(predictions: Predictions, name: str) -> NDArray[np.integer]:
    """Return what a model says of each image: its class [N, 1], or which of several it finds, [N, K] of 0 and 1."""
    return predictions.decisions(name).astype(np.int64) if predictions.several else predictions.top1(name)[:, None]


def _image(truth: Truth, predictions: Predictions, row: int, found: tuple[NDArray[np.floating], NDArray[np.floating]]) -> Photo:
    name, label, decided = predictions.image_names[row], _true(predictions, row), [_said(predictions, p) for p in found]
    lines = [f"{model} {said}" for model, said in zip(("float:", "quantized:"), decided, strict=True)]
    if truth != "labels":
        return Photo(thumbnail(predictions.pixels[row]), "jpeg", f"{name}; {'; '.join(lines)}", name, lines)
    measures, label_ids = measures_of(predictions.output), predictions.label_ids[row : row + 1]
    before, after = (bool(measures.right(p[None], label_ids)[0]) for p in found)
    outcome = "lost" if before else "won" if after else "wrong in both"
    what = "true classes" if predictions.several else "true class"
    alt = f"{name}, {what} {label}; {'; '.join(lines)}"
    return Photo(thumbnail(predictions.pixels[row]), "jpeg", alt, f"{label} ({outcome})", lines)


def _true(predictions: Predictions, row: int) -> str:
    return joined(quoted(names_shown(predictions.label_ids[row], predictions.class_names))) or "none"


def _said(predictions: Predictions, probabilities: NDArray[np.floating]) -> str:
    """Return what probabilities [K] say, with the probability of each class that is named."""
    if not predictions.several:
        return f"{predictions.class_names[int(probabilities.argmax())]} ({percent(float(probabilities.max()), 0)} %)"
    present, names = np.flatnonzero(predictions.output.present(probabilities[None])[0]), quoted(predictions.class_names)
    return ", ".join(f"{names[k]} ({percent(float(probabilities[k]), 0)} %)" for k in present) or "none"
