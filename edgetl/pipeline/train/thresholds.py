"""Find from which probability on each of several classes counts as present, on training images that the model has not learned from."""

import logging

from edgetl.keras import keras

import numpy as np
from scipy.special import expit

from edgetl.evaluation.thresholds import Aim, best_thresholds_of_several
from edgetl.output import EVEN, Thresholds
from edgetl.pipeline.project import Project
from edgetl.training.scoring import scorer
from edgetl.wording import counted, measured_on, quoted

logger = logging.getLogger(__name__)

_EVENLY = f"from a probability of {EVEN:.3f} on (one half, less half a step of 1/256)"
_FEWEST = 5  # held-out images that show a class; of fewer, one alone moves the best threshold anywhere


def thresholds_of(project: Project, model: keras.Model, temperature: float) -> Thresholds | None:
    """Return the thresholds with the best F1 of each class, where an image may show several; None: one for all, which a message says.

    Args:
        model: a classifier, whose logits are to be divided by the temperature.
    """
    if not project.contract.output.several:
        return None
    images = project.data.choosing
    if images is project.data.images:
        logger.info(f"every class counts as present {_EVENLY}: no training images are held out to choose thresholds by")
        return None
    rows = images.rows("val")
    probabilities = expit(scorer(model, project.contract)(images.pixels, rows).astype(np.float64) / temperature)
    shown, even = images.shown[rows], project.contract.with_thresholds(None).output.present_from
    chosen = best_thresholds_of_several(probabilities, shown, images.class_names, Aim()).per_class
    few = shown.sum(0) < _FEWEST
    found = tuple(map(float, np.where(few, even, chosen)))
    if few.any():
        names = ", ".join(f"'{images.class_names[k]}'" for k in np.flatnonzero(few))
        logger.info(f"too few held-out images show {names} to choose a threshold by: such a class counts as present {_EVENLY}")
    named = ", ".join(f"{name} {threshold:.3f}" for name, threshold in zip(quoted(images.class_names), found, strict=True))
    logger.info(f"thresholds of {counted(len(found), 'class')}, best F1 on {measured_on(len(rows), 'held-out image')}: {named}")
    return Thresholds(per_class=found)
