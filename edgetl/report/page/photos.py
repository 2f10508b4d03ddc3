"""Images of a report with what models say of them."""

import numpy as np
from numpy.typing import NDArray

from edgetl.data.base import names_shown
from edgetl.report.page.facts import Predictions, percent
from edgetl.wording import joined, quoted


def true_classes(predictions: Predictions, row: int) -> str:
    """Return the class of an image, or all that it shows."""
    return joined(quoted(names_shown(predictions.label_ids[row], predictions.class_names))) or "none"


def predicted(predictions: Predictions, probabilities: NDArray[np.floating]) -> str:
    """Return what probabilities [K] say, with the probability of each class that is named."""
    names = predictions.class_names
    present = np.flatnonzero(predictions.output.present(probabilities[None])[0])
    if not predictions.several:
        likeliest = f"{names[int(probabilities.argmax())]} ({percent(float(probabilities.max()), 0)} %)"
        return likeliest if len(present) else f"unknown, {likeliest}"
    listed = quoted(names)
    return ", ".join(f"{listed[k]} ({percent(float(probabilities[k]), 0)} %)" for k in present) or "none"


def wrong_classes(predictions: Predictions, row: int, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the classes that the image shows and the model does not name, and those that it names and the image does not show."""
    if not predictions.several:
        found, true = int(predictions.probabilities[name][row].argmax()), int(predictions.label_ids[row])
        return ((), ()) if found == true else ((predictions.class_names[true],), (predictions.class_names[found],))
    shown, named = predictions.labelled[row], predictions.decisions(name)[row]
    missed, added = (tuple(predictions.class_names[k] for k in np.flatnonzero(one)) for one in (shown & ~named, named & ~shown))
    return missed, added
