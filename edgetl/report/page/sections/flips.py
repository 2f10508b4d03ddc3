"""The section on predictions that quantization changed."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgetl.data.decode import as_image
from edgetl.report.page.blocks import Absent, Gallery, Photo, Section, Text
from edgetl.report.page.facts import Facts, Predictions, percent
from edgetl.wording import counted

_TITLE = "Predictions changed by quantization"
_SHOWN = 24
_EDGE_PX = 160  # of a thumbnail: twice what the page shows, for fine screens
_QUALITY = 80  # JPEG's: 6 KB each


def section(facts: Facts) -> Section | Absent:
    """Return the images that the float and the quantized model predict differently, largest change first."""
    if isinstance(facts.predictions, Absent):
        return facts.absent(_TITLE)
    predictions = facts.predictions
    if predictions.quantized is None:
        return Absent(_TITLE, "the run has no int8 file", "edgetl export RUN --int8")
    first, second = predictions.reference, predictions.quantized
    a, b = predictions.probabilities[first], predictions.probabilities[second]
    before, after = a.argmax(1), b.argmax(1)
    flipped = np.flatnonzero(before != after)
    largest = flipped[np.argsort(-np.abs(a - b).max(axis=1)[flipped], kind="stable")]
    won = int((after[flipped] == predictions.label_ids[flipped]).sum())
    lost = int((before[flipped] == predictions.label_ids[flipped]).sum())
    text = (
        f"{first} and {second} predict different classes for {len(flipped):,} of {counted(len(before), 'image')}: {lost} correct in float "
        f"only (lost), {won} in int8 only (won), {len(flipped) - lost - won} wrong in both."
    )
    if not len(flipped):
        return Section(_TITLE, (Text(text),))
    if len(flipped) > _SHOWN:
        text += f" Shown are the {_SHOWN} with the largest change of probability."
    return Section(_TITLE, (Text(text), Gallery([_image(predictions, int(row), a[row], b[row]) for row in largest[:_SHOWN]])))


def _image(predictions: Predictions, row: int, before: NDArray[np.floating], after: NDArray[np.floating]) -> Photo:
    classes, label = predictions.class_names, int(predictions.label_ids[row])
    lines = [f"{name} {classes[int(p.argmax())]} ({percent(p.max(), 0)} %)" for name, p in (("float:", before), ("quantized:", after))]
    outcome = "lost" if before.argmax() == label else "won" if after.argmax() == label else "wrong in both"
    alt = f"{predictions.image_names[row]}, true class {classes[label]}; {'; '.join(lines)}"
    return Photo(thumbnail(predictions.pixels[row]), "jpeg", alt, f"{classes[label]} ({outcome})", lines)


def thumbnail(pixels: NDArray[np.uint8]) -> bytes:
    """Return a small JPEG of uint8 [H, W, C]."""
    drawn = io.BytesIO()
    way = Image.Resampling.NEAREST if pixels.shape[0] < _EDGE_PX // 2 else Image.Resampling.LANCZOS  # tiny images are to look tiny
    as_image(np.asarray(pixels)).resize((_EDGE_PX, _EDGE_PX), way).save(drawn, "JPEG", quality=_QUALITY)
    return drawn.getvalue()
