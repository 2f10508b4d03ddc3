"""Find the operators that quantization hurts: each one alone, then the complete int8 file, layer by layer."""

from edgetl.errors import RunError, UsageError
from edgetl.explanation.drift import drift
from edgetl.export.exported import best_first, exported_files
from edgetl.export.tflite_writer import int8_tflite
from edgetl.pipeline.export.current import is_current
from edgetl.pipeline.project import Project, writes
from edgetl.quantization import SCHEMES, integer_schemes
from edgetl.quantization.quantized import Quantized
from edgetl.quantization.results import Sensitivity
from edgetl.quantization.sensitivity import sensitivity as measure_damage
from edgetl.report.plots import sensitivity as plots
from edgetl.run_record import ExportFacts, QuantizedFacts


@writes
def sensitivity(project: Project, limit: int, scheme: str = "") -> Sensitivity:
    """Measure what quantization does to `limit` training images (0: all), and write sensitivity.json and sensitivity.png.

    Args:
        scheme: the model of this scheme as trained; empty: the one that was exported, or the simplest scheme's when none was.
    """
    run, contract = project.run, project.contract
    quantized, name = chosen(project, scheme)
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


def chosen(project: Project, scheme: str) -> tuple[Quantized, str]:
    """Return the integer model that is meant and its name. Raises UsageError or RunError when there is none."""
    project.need_images("calibrate an int8 model on")
    run = project.run
    if scheme and SCHEMES.load(scheme).quantize is None:
        raise UsageError(f"{scheme} has no quantization grids of its own", f"choices: {', '.join(integer_schemes())}")
    written = None if scheme else next((file for file in best_first(exported_files(run)) if file.integer), None)
    if written:
        run.intact(written.stage)
        choice = run.facts(written.stage, ExportFacts).choice
        name, saved = choice.chosen.name if choice else "", written.precision
        current = is_current(project, written.precision)
    else:
        name = saved = scheme or integer_schemes(trained=False, own=project.recipe.quantize.own)[0]
        run.intact(name)
        current = run.facts(name, QuantizedFacts).float_inputs == run.stage(project.models.float_stage).inputs
    if not current:
        raise RunError(f"the integer model of {run.path} is of an earlier training", "run the same 'edgetl train' or 'edgetl run' again")
    return Quantized.load(run.quantized_model(saved)), name
