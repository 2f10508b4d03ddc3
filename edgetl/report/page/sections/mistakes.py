"""The section on mistakes: every image that the main model gets wrong, and unknown images that it takes as one of its classes."""

import numpy as np
from numpy.typing import NDArray

from edgetl.compared import SPLIT_NAMES
from edgetl.evaluation.measures import measures_of
from edgetl.report.page.blocks import Absent, Block, Gallery, Photo, Section, Text
from edgetl.report.page.facts import Facts, Predictions, Rejects, percent
from edgetl.report.page.photos import predicted, true_classes, wrong_classes
from edgetl.report.page.sections.rejection import unknown_photos
from edgetl.report.plots.thumbnail import edge_px, thumbnail
from edgetl.wording import counted

_TITLE = "Mistakes"
_MOST = 3000  # images that a page shows: more have no room in 8 MB even as thumbnails
_SURE = 0.9  # a probability at which a label is the first thing to doubt


def section(facts: Facts) -> Section | Absent:
    """Return all images that the main model gets wrong, surest first, and the unknown ones that pass."""
    predictions = facts.predicted(_TITLE)
    if isinstance(predictions, Absent):
        return predictions
    main = predictions.probabilities[predictions.main]
    right = {
        name: measures_of(predictions.output).right(predictions.probabilities[name], predictions.label_ids) for name in predictions.shown
    }
    wrong = np.flatnonzero(~right[predictions.main])
    certainty = _certainty(predictions, main)
    rows = wrong[np.argsort(-certainty[wrong], kind="stable")]
    images = counted(len(main), f"{SPLIT_NAMES[predictions.split]} image")
    blocks: list[Block] = [Text(f"{predictions.main} gets {len(rows):,} of {images} wrong{_more(predictions, right, certainty)}.")]
    if len(rows) > _MOST:
        blocks.append(Text(f"Shown are the {_MOST:,} of which it is surest: more would make the page too large.", warning=True))
    photos = _photos(predictions, rows[:_MOST], right[predictions.reference])
    if gone := sum(not photo.content for photo in photos):
        text = f"{counted(gone, 'image')} cannot be shown: they are not where the run recorded them, or were changed."
        blocks.append(Text(f"{text} If they lie elsewhere:", "edgetl report RUN --data PATH", warning=True))
    blocks += [Gallery(photos)] if photos else []
    return Section(_TITLE, (*blocks, *(_passing(facts.rejects) if facts.rejects else ())))


def _certainty(predictions: Predictions, probabilities: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return how sure a model is of each of its predictions [N]: of several classes, of the one that it is furthest off with."""
    if predictions.several:
        furthest: NDArray[np.floating] = np.abs(probabilities - predictions.labelled).max(axis=1)
        return furthest
    highest: NDArray[np.floating] = probabilities.max(axis=1)
    return highest


def _more(predictions: Predictions, right: dict[str, NDArray[np.bool_]], certainty: NDArray[np.floating]) -> str:
    """Return what else is to be known of the mistakes, to go on a sentence with."""
    wrong = ~right[predictions.main]
    if not wrong.any():
        return ""
    text = ", surest first"
    if predictions.quantized:
        text += f"; the float model gets {int((wrong & right[predictions.reference]).sum()):,} of them right"
    sure = int((certainty[wrong] >= _SURE).sum())
    return f"{text}. It is at least {percent(_SURE, 0)} % sure of {sure:,} of them: such an image often has a wrong label" if sure else text


def _photos(predictions: Predictions, rows: NDArray[np.integer], right_in_float: NDArray[np.bool_]) -> list[Photo]:
    edge, photos = edge_px(len(rows)), []
    for row, pixels in zip(rows.tolist(), predictions.read(rows.tolist()), strict=True):
        true, said = true_classes(predictions, row), predicted(predictions, predictions.probabilities[predictions.main][row])
        missed, added = wrong_classes(predictions, row, predictions.main)
        groups = [("true class" if not predictions.several else "missed", name) for name in missed]
        groups += [("predicted as" if not predictions.several else "found, but not shown", name) for name in added]
        lines = [f"{'true classes' if predictions.several else 'true class'}: {true}"]
        if predictions.quantized:
            if wrong_classes(predictions, row, predictions.reference) != (missed, added):
                lines.append(f"float: {predicted(predictions, predictions.probabilities[predictions.reference][row])}")
            groups += [("quantization", "right in float, wrong in int8" if right_in_float[row] else "wrong in float, too")]
        name = predictions.image_names[row]
        content = b"" if pixels is None else thumbnail(pixels, edge)
        photos.append(Photo(content, "jpeg", f"{name}: {said}; {'; '.join(lines)}", f"predicted: {said}", [*lines, name], groups))
    return photos


def _passing(rejects: Rejects) -> list[Block]:
    """Return the unknown images that pass as one of the classes."""
    photos = unknown_photos(rejects, passing=True)
    if not rejects.unknowns or not photos:
        return []
    return [Text(f"Unknown images that pass as one of the classes, surest first, by {rejects.unknowns.main}:"), Gallery(photos)]
