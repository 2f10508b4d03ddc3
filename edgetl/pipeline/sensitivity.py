"""Find the operators that quantization hurts: each one alone, then the complete int8 file, layer by layer."""

from edgetl.errors import RunError, UsageError
from edgetl.explanation.drift import drift
from edgetl.export.tflite_writer import int8_tflite
from edgetl.pipeline.export.files import export_inputs
from edgetl.pipeline.project import Project, writes
from edgetl.quantization import SCHEMES
from edgetl.quantization.base import Quantized
from edgetl.quantization.results import Sensitivity
from edgetl.quantization.sensitivity import sensitivity as measure_damage
from edgetl.report.plots import sensitivity as plots
from edgetl.run_record import ExportFacts, QuantizedFacts


@writes
def sensitivity(project: Project, limit: int, scheme: str = "") -> Sensitivity:
    """Measure what quantization does to `limit` training images (0: all), and write sensitivity.json and sensitivity.png.

    Args:
        scheme: `ptq_int8` or `qat_int8` as trained; empty: the int8 model that was exported, or ptq_int8 when none was.
    """
    run, contract = project.run, project.contract
    quantized, name = chosen(project, scheme)
    images, rows = project.trained_images(), project.rows("train", limit)
    damages = measure_damage(project.float_model, quantized, contract, images.pixels, rows)
    content = int8_tflite(quantized.to_keras(project.float_model, contract), contract)
    drifts = drift(project.float_model, content, contract, images.pixels, rows)
    model = project.recipe.model
    found = Sensitivity(
        model=f"{model.backbone} {model.alpha}, {model.image_size} px",
        scheme=name,
        images=len(rows),
        operators=tuple(damages),
        drift=tuple(drifts),
    )
    found.write(run.sensitivity)
    plots.sensitivity(found, run.sensitivity_plot)
    return found


def chosen(project: Project, scheme: str) -> tuple[Quantized, str]:
    """Return the int8 model that is meant and its name. Raises UsageError or RunError when there is none."""
    run = project.run
    exported = "export_int8" in run.read().stages
    scheme = scheme or ("" if exported else "ptq_int8")
    if scheme and SCHEMES.load(scheme).quantize is None:
        able = [name for name in SCHEMES if SCHEMES.load(name).quantize is not None]
        raise UsageError(f"{scheme} has no grids of its own to look at", f"choices: {', '.join(able)}")
    stage = run.intact(scheme or "export_int8")
    if scheme:
        name, current = scheme, run.facts(scheme, QuantizedFacts).float_inputs == run.stage(project.float_stage).inputs
    else:
        facts = run.facts("export_int8", ExportFacts)
        name = facts.int8.chosen.name if facts.int8 else ""
        current = stage.inputs == export_inputs(project, "int8", facts.formats, facts.int8.asked if facts.int8 else None, facts.about)
    if not current:
        raise RunError(f"the int8 model of {run.path} is of an earlier training", "run the same 'edgetl train' or 'edgetl run' again")
    return Quantized.load(run.quantized_model(scheme or "int8")), name
