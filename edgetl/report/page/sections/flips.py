"""The section on predictions that quantization changed."""

import numpy as np
from numpy.typing import NDArray

from edgetl.compared import Truth
from edgetl.report.page.blocks import Absent, Gallery, Photo, Section, Text
from edgetl.report.page.facts import Facts, Predictions, percent
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
    before, after = a.argmax(1), b.argmax(1)
    flipped = np.flatnonzero(before != after)
    largest = flipped[np.argsort(-np.abs(a - b).max(axis=1)[flipped], kind="stable")]
    text = f"{first} and {second} predict different classes for {len(flipped):,} of {counted(len(before), 'image')}"
    if facts.truth == "labels":
        won = int((after[flipped] == predictions.label_ids[flipped]).sum())
        lost = int((before[flipped] == predictions.label_ids[flipped]).sum())
        text += f": {lost} correct in float only (lost), {won} in int8 only (won), {len(flipped) - lost - won} wrong in both"
    text += "."
    if not len(flipped):
        return Section(_TITLE, (Text(text),))
    if len(flipped) > _SHOWN:
        text += f" Shown are the {_SHOWN} with the largest change of probability."
    shown = [_image(facts.truth, predictions, row, (a[row], b[row])) for row in largest[:_SHOWN].tolist()]
    return Section(_TITLE, (Text(text), Gallery(shown)))


def _image(truth: Truth, predictions: Predictions, row: int, found: tuple[NDArray[np.floating], NDArray[np.floating]]) -> Photo:
    classes, label, name = predictions.class_names, int(predictions.label_ids[row]), predictions.image_names[row]
    named = zip(("float:", "quantized:"), found, strict=True)
    lines = [f"{model} {classes[int(p.argmax())]} ({percent(p.max(), 0)} %)" for model, p in named]
    if truth != "labels":
        return Photo(thumbnail(predictions.pixels[row]), "jpeg", f"{name}; {'; '.join(lines)}", name, lines)
    before, after = found
    outcome = "lost" if before.argmax() == label else "won" if after.argmax() == label else "wrong in both"
    alt = f"{name}, true class {classes[label]}; {'; '.join(lines)}"
    return Photo(thumbnail(predictions.pixels[row]), "jpeg", alt, f"{classes[label]} ({outcome})", lines)
