"""Scale a trained model's temperature in its last layer's weights: every export has it, at no cost."""

import logging
from dataclasses import asdict, replace

from edgetl.keras import keras

import numpy as np

from edgetl.evaluation.calibration import find_temperature
from edgetl.float_record import ScaledTemperature
from edgetl.pipeline.project import Project
from edgetl.training.scoring import scorer
from edgetl.training.unknown import PARTS
from edgetl.wording import counted

logger = logging.getLogger(__name__)

_FEWEST = 20  # images; below, chance moves the temperature more than the model does


def temperature_of(project: Project, model: keras.Model) -> ScaledTemperature | None:
    """Find the temperature of a model that has not learned from the images that choose, if the recipe says so.

    It is fitted to these: training images were learned by heart, and their loss would ask for more certainty than the model deserves;
    validation images measure. The errors after it are of images that it was not fitted to, by cross-validation; one that does not help
    these is not used.
    """
    images = project.data.choosing
    if not project.recipe.train.temperature_scaling:
        return None
    if images is project.data.images:
        logger.info("no temperature: no training images are held out to find it by")
        return None
    rows = images.rows("val")
    if len(rows) < _FEWEST:
        logger.info(f"{counted(len(rows), 'image')} to choose by cannot give a temperature: {_FEWEST} are needed")
        return None
    logits = scorer(model, project.contract)(images.pixels, rows)[:, : len(project.contract.class_names)]  # without one of unknown images
    label_ids = images.label_ids[rows]
    if images.several:  # each decision is one of two classes, whose logits are 0 and the class's own
        logits, label_ids = np.stack([np.zeros(logits.size), logits.ravel()], axis=1), label_ids.ravel()
    found = replace(find_temperature(logits, label_ids, project.recipe.train.seed), images=len(rows))
    before, after = 100 * found.calibration_error_before, 100 * found.calibration_error_after
    moved = f"calibration error {before:.2f} to {after:.2f} %, loss {found.loss_before:.4f} to {found.loss_after:.4f}"
    if found.loss_after >= found.loss_before:
        logger.info(f"no temperature: {found.temperature:.3f} does not help images that it was not fitted to ({moved})")
        return None
    logger.info(f"temperature {found.temperature:.3f}: {moved}, on images that it was not fitted to")
    return ScaledTemperature(**asdict(found))


def scale(model: keras.Model, found: ScaledTemperature | None) -> None:
    """Divide the weights of the logits by the temperature, in place; nothing where none was found."""
    if found:
        for layer in model.layers:
            if layer.name in ("logits", *PARTS):
                layer.set_weights([values / found.temperature for values in layer.get_weights()])
