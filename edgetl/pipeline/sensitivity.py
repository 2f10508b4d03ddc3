"""Find the operators that quantization hurts: each one alone, then the complete int8 file, layer by layer."""

from edgetl.explanation.drift import drift
from edgetl.export.tflite_writer import int8_tflite
from edgetl.pipeline.export.current import chosen_integers
from edgetl.pipeline.project import Project, writes
from edgetl.quantization.quantized import Quantized
from edgetl.quantization.results import Sensitivity
from edgetl.quantization.sensitivity import sensitivity as measure_damage
from edgetl.report.plots import sensitivity as plots


@writes
def sensitivity(project: Project, limit: int, scheme: str = "") -> Sensitivity:
    """Measure what quantization does to `limit` training images (0: all), and write sensitivity.json and sensitivity.png.

    Args:
        scheme: the model of this scheme as trained; empty: the one that was exported, or the simplest scheme's when none was.
    """
    run, contract = project.run, project.contract
    saved, name = chosen_integers(project, scheme)
    quantized = Quantized.load(run.quantized_model(saved))
    images, rows = project.data.trained_images(), project.data.rows("train", limit)
    damages = measure_damage(project.models.float_model, quantized, contract, images.pixels, rows)
    content = int8_tflite(quantized.to_keras(project.models.float_model, contract), contract, own=quantized.own)
    drifts = drift(project.models.float_model, content, contract, images.pixels, rows)
    found = Sensitivity(
        model=project.recipe.network,
        scheme=name,
        images=len(rows),
        operators=tuple(damages),
        drift=tuple(drifts),
    )
    found.write(run.sensitivity)
    plots.sensitivity(found, run.sensitivity_plot)
    return found
