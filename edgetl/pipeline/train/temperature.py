"""Scale a trained model's temperature in its last layer's weights: every export has it, at no cost."""

import logging
from dataclasses import asdict

from edgetl.keras import keras

from edgetl.evaluation.calibration import find_temperature
from edgetl.pipeline.project import Project
from edgetl.run_record import ScaledTemperature
from edgetl.training.scoring import scorer
from edgetl.wording import counted

logger = logging.getLogger(__name__)

_FEWEST = 20  # images; below, chance moves the temperature more than the model does


def scale_temperature(project: Project, model: keras.Model) -> ScaledTemperature | None:
    """Divide the weights of the logits by their temperature, in place, if the recipe says so; returns what the run records of it.

    It is fitted to the validation images. The training images were learned by heart, and their loss would ask for more certainty than
    the model deserves; a slice kept from training would cost accuracy for a single number that a few hundred images fix well. The figures
    after it are of images that it was not fitted to.
    """
    if not project.recipe.train.temperature_scaling:
        return None
    images, rows = project.data.images, project.data.rows("val")
    if len(rows) < _FEWEST:
        logger.warning(f"{counted(len(rows), 'validation image')} cannot give a temperature: at least {_FEWEST} are needed")
        return None
    logits = scorer(model, project.contract)(images.pixels, rows, "temperature")
    found = find_temperature(logits, images.label_ids[rows], project.recipe.train.seed)
    layer = model.get_layer("logits")
    layer.set_weights([values / found.temperature for values in layer.get_weights()])
    before, after = 100 * found.calibration_error_before, 100 * found.calibration_error_after
    logger.info(
        f"temperature {found.temperature:.3f}: calibration error {before:.2f} to {after:.2f} %, on images that it was not fitted to"
    )
    return ScaledTemperature(**asdict(found))
