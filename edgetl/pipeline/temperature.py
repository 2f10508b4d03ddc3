"""Temperature scaling of a trained model, in its last layer's weights: every export has it, at no cost."""

from dataclasses import asdict
from typing import Any

from edgetl.console import note, warn
from edgetl.evaluation.calibration import find_temperature
from edgetl.project import Project
from edgetl.training.scoring import scorer

_FEWEST = 20  # pictures; below, chance moves the temperature more than the model does


def scale_temperature(project: Project, model: Any) -> dict[str, Any]:
    """Divide the weights of the logits by their temperature, in place, if the recipe says so; gives what is to be known of it.

    It is fitted to the validation pictures. The training pictures were learned by heart, and their loss would ask for more certainty than
    the model deserves; a slice kept from training would cost accuracy for a single number that a few hundred pictures fix well. The figures
    after it are of pictures that it was not fitted to.
    """
    if not project.recipe.train.temperature_scaling:
        return {}
    pictures, rows = project.pictures, project.pictures.rows("val")
    if len(rows) < _FEWEST:
        warn(f"{len(rows)} validation pictures are too few to scale the temperature by: at least {_FEWEST} are needed")
        return {}
    logits = scorer(model, project.contract)(pictures.pixels, rows, "temperature")
    found = find_temperature(logits, pictures.labels[rows], project.recipe.train.seed)
    layer = model.get_layer("logits")
    layer.set_weights([values / found.temperature for values in layer.get_weights()])
    before, after = 100 * found.calibration_error_before, 100 * found.calibration_error_after
    note(f"temperature {found.temperature:.3f}: calibration error {before:.2f} % before, {after:.2f} % after, on pictures not fitted to")
    return {"temperature": asdict(found) | {"fitted_to": "val"}}
