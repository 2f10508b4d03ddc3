"""A trained run to model files."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edgetl import recipe
from edgetl.contract import Contract
from edgetl.errors import BudgetError, ExportError, RunError
from edgetl.evaluation.metrics import measure
from edgetl.export import FORMATS
from edgetl.export.base import About
from edgetl.export.tflite import float_tflite
from edgetl.files import atomic, fingerprint
from edgetl.pipeline.export.budget import climb
from edgetl.pipeline.export.candidates import Candidate, candidate
from edgetl.pipeline.project import Project, writes
from edgetl.pipeline.train.stages import int8_schemes
from edgetl.quantization import scheme_of
from edgetl.quantization.base import Quantized, Scheme
from edgetl.quantization.correct import correct_biases
from edgetl.quantization.selective import keep_float
from edgetl.run_record import ExportFacts, Int8Choice, Int8Request, QuantizedFacts
from edgetl.runtimes.base import predict as predict_rows
from edgetl.runtimes.keras import KerasSession

logger = logging.getLogger(__name__)

_NO_BUDGET = 100.0  # points: all that there is to lose


@writes
def export(project: Project, precisions: Sequence[str] = (), formats: Sequence[str] = ()) -> list[Path]:
    """Write model files into the run's export folder.

    Args:
        precisions, formats: what to write; empty: all that the recipe names. Raises UsageError or ExportError when a format cannot
            carry a precision that was asked for by name, BudgetError when the best int8 model loses more than it may (it is written).
    """
    asked = project.recipe.export
    wanted = [(precision, name) for precision in precisions or asked.precisions for name in formats or asked.formats]
    able = [(precision, name) for precision, name in wanted if precision in FORMATS.load(name).precisions]
    if not able or (precisions and formats and len(able) < len(wanted)):
        unable = ", ".join(f"{precision} in {name}" for precision, name in wanted if (precision, name) not in able)
        raise ExportError(f"there is no {unable}", "leave --formats out to get what each precision can be written as")
    for precision in dict.fromkeys(precision for precision, _ in able):
        stage = f"export_{precision}"
        before = project.run.read().find(stage, ExportFacts)  # what was written before stays
        names = [name for name in FORMATS if (before and name in before.formats) or (precision, name) in able]
        project.stage(stage, export_inputs(project, precision, names), partial(_export, project, precision, names))
    _hold_to_budget(project, [precision for precision, _ in able])
    return [project.run.export / FORMATS.load(name).file_name(precision) for precision, name in able]


def export_inputs(
    project: Project, precision: str, formats: Sequence[str], int8: Int8Request | None = None, about: recipe.About | None = None
) -> str:
    """Identity of what an export is made from. Raises RunError while the training behind it is unfinished.

    Args:
        int8: what was asked of the int8 model; None: what the recipe asks.
        about: what the files say of the model; None: what the recipe says.
    """
    behind = int8_schemes(project) if precision == "int8" or scheme_of(precision).int8_weights else [project.float_stage]
    stages = [project.run.stage(name) for name in behind]
    of_float = project.run.stage(project.float_stage).inputs
    stale = any(isinstance(stage.facts, QuantizedFacts) and stage.facts.float_inputs != of_float for stage in stages)
    if stale or Contract.read(project.run.contract) != project.contract:
        raise RunError(
            f"{project.run.path} was given another recipe and not trained to its end", "run the same 'edgetl train' command again"
        )
    asked = asdict(int8 or _asked(project)) if precision == "int8" else {}
    said = about or project.recipe.about
    return fingerprint([stage.inputs for stage in stages], list(formats), asked, said.model_dump())


def exported(project: Project) -> dict[str, str]:
    """Exported file (relative to the run) to the stage that wrote it. Raises RunError when there is none, or one is stale or changed."""
    stages = {name: stage.files for name, stage in project.run.read().stages.items() if isinstance(stage.facts, ExportFacts)}
    if not stages:
        raise RunError(f"{project.run.path} has no exported model yet", f"run: edgetl export {project.run.path}")
    for name in stages:
        facts = project.run.facts(name, ExportFacts)
        inputs = export_inputs(project, name.removeprefix("export_"), facts.formats, facts.int8.asked if facts.int8 else None, facts.about)
        if not project.run.is_done(name, inputs):
            raise RunError(
                f"a file of {project.run.path} is missing, was changed, or is of an earlier training ({name})",
                f"run: edgetl export {project.run.path}",
            )
    return {file: name for name, files in stages.items() for file in files if file.startswith("export/")}


def about(project: Project, said: recipe.About) -> About:
    """What a model file says, where `said` has the fields of the recipe's table."""
    model, classes = project.recipe.model, len(project.contract.class_names)
    architecture = f"{model.backbone} {model.alpha:g}, {model.image_size} px"
    return About(
        name=said.name or architecture,
        version=said.version,
        licence=said.licence,
        author=said.author,
        description=f"Names one of {classes} classes: {architecture}",
    )


def _asked(project: Project) -> Int8Request:
    return Int8Request(project.recipe.export.keep_float, project.recipe.export.max_drop)


def _export(project: Project, precision: str, formats: Sequence[str]) -> tuple[Sequence[Path], ExportFacts]:
    facts = ExportFacts(formats=tuple(formats), about=project.recipe.about)
    written, kept_float, model = [], False, None
    if precision == "int8":
        chosen, choice = _choose_int8(project)
        chosen.quantized.save(project.run.quantized_model("int8"))
        written.append(project.run.quantized_model("int8"))
        content, kept_float = chosen.content, bool(chosen.kept_float)
        facts = facts.model_copy(update={"int8": choice})
    else:
        model = _to_be_converted(project, scheme_of(precision))
        content = float_tflite(model, project.contract, precision, partial(_samples, project))
    for name in formats:
        form = FORMATS.load(name)
        path = project.run.export / form.file_name(precision)
        finished = form.convert(model if form.source == "keras" else content, project.contract, precision, kept_float)
        finished = form.stamp(finished, project.contract, about(project, facts.about))
        with atomic(path) as temporary:
            temporary.write_bytes(finished)
        written.append(path)
        logger.info(f"{path}: {len(finished):,} bytes")
    project.contract.write(project.run.export / "contract.json")
    return written, facts


def _to_be_converted(project: Project, scheme: Scheme) -> Any:
    """The float model, with the weights that the scheme wants."""
    if scheme.int8_weights:
        return _best_with_int8_weights(project)
    if scheme.rounded is None:
        return project.float_model
    pixels, rows = project.trained_images().pixels, project.calibration_rows
    return correct_biases(project.float_model, project.contract, pixels, rows, scheme.rounded)


def _best_with_int8_weights(project: Project) -> Any:
    """Of the int8 models without their activations' grids the one that is right most often, then the surest."""
    images, rows = project.trained_images(), project.images.rows("val")
    found = []
    for name in int8_schemes(project):
        quantized = Quantized.load(project.run.quantized_model(name))
        model = quantized.to_keras(project.float_model, project.contract, activations=False)
        accuracy = measure(predict_rows(KerasSession(model, project.contract), images.pixels, rows, name), images.label_ids[rows])
        found.append((accuracy.top1_accuracy, -accuracy.loss, name, model))
    *_, name, model = max(found, key=lambda one: one[:2])
    logger.info(f"the weights are those of {name}")
    return model


def _samples(project: Project) -> Iterator[list[np.ndarray]]:
    for row in project.calibration_rows:
        yield [project.images.pixels[row : row + 1].astype(np.float32)]


def _choose_int8(project: Project) -> tuple[Candidate, Int8Choice]:
    """The int8 model to ship, and why it was chosen."""
    asked, met = project.recipe.export, None
    if asked.max_drop < _NO_BUDGET:
        chosen, candidates = climb(project, asked.max_drop)
        met = chosen.cost.drop_points <= asked.max_drop
        reason = f"first within {asked.max_drop:g} points of float" if met else f"best found; {asked.max_drop:g} points were not met"
    else:
        candidates = [_stored(project, scheme, asked.keep_float) for scheme in int8_schemes(project)]
        chosen = max(candidates, key=lambda one: one.order)
        figures = ", ".join(f"{one.name} {one.accuracy.top1_accuracy:.4f} (loss {one.accuracy.loss:.3f})" for one in candidates)
        reason = f"best validation top-1 in LiteRT, then loss: {figures}"
    logger.info(f"int8: {chosen.name} is shipped, {reason}")
    return chosen, Int8Choice(_asked(project), tuple(one.figures() for one in candidates), chosen.figures(), reason, met)


def _stored(project: Project, scheme: str, in_float: Sequence[str]) -> Candidate:
    """A scheme's model as training left it, but for the operators that are to stay in float."""
    quantized = Quantized.load(project.run.quantized_model(scheme))
    kept = keep_float(quantized, project.float_model, in_float, take_weights=not scheme.startswith("qat"))
    return candidate(project, scheme, kept, tuple(in_float))


def _hold_to_budget(project: Project, precisions: Sequence[str]) -> None:
    if "int8" not in precisions:
        return
    choice = project.run.facts("export_int8", ExportFacts).int8
    if choice and choice.within_budget is False:
        raise BudgetError(
            f"the best int8 model found ({choice.chosen.name}) loses {choice.chosen.drop_points:.2f} points, "
            f"{choice.asked.max_drop:g} are allowed; its files are in {project.run.export}",
            "allow more, train a wider network, or ship float16 or int16x8",
        )
