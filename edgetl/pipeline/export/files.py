"""A trained run to model files."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edgetl.contract import Contract
from edgetl.errors import BudgetError, ExportError, RunError
from edgetl.evaluation.metrics import measure
from edgetl.export import FORMATS
from edgetl.export.base import About
from edgetl.export.tflite import float_tflite
from edgetl.files import atomic, fingerprint
from edgetl.pipeline.export.budget import climb
from edgetl.pipeline.export.candidates import Candidate, candidate
from edgetl.pipeline.project import Project
from edgetl.pipeline.train.stages import int8_schemes
from edgetl.quantization import scheme_of
from edgetl.quantization.base import Quantized, Scheme
from edgetl.quantization.correct import correct_biases
from edgetl.quantization.selective import keep_float
from edgetl.runtimes.base import predict as predict_rows
from edgetl.runtimes.keras import KerasSession

logger = logging.getLogger(__name__)

_NO_BUDGET = 100.0  # points: all that there is to lose


def export(project: Project, precisions: Sequence[str] = (), formats: Sequence[str] = ()) -> list[Path]:
    """Write model files into the run's export folder.

    Args:
        precisions, formats: what to write; empty: all that the recipe names. Raises UsageError or ExportError when a format cannot
            carry a precision that was asked for by name, BudgetError when the best int8 model loses more than it may (it is written).
    """
    project.run.hold()
    recipe = project.recipe.export
    wanted = [(precision, name) for precision in precisions or recipe.precisions for name in formats or recipe.formats]
    able = [(precision, name) for precision, name in wanted if precision in FORMATS.load(name).precisions]
    if not able or (precisions and formats and len(able) < len(wanted)):
        unable = ", ".join(f"{precision} in {name}" for precision, name in wanted if (precision, name) not in able)
        raise ExportError(f"there is no {unable}", "leave --formats out to get what each precision can be written as")
    for precision in dict.fromkeys(precision for precision, _ in able):
        stage = f"export_{precision}"
        before = project.run.read()["stages"].get(stage, {"facts": {"formats": []}})["facts"]["formats"]  # what was written before stays
        names = [name for name in FORMATS if name in before or (precision, name) in able]
        project.stage(stage, export_inputs(project, precision, names), partial(_export, project, precision, names))
    _hold_to_budget(project, [precision for precision, _ in able])
    return [project.run.export / FORMATS.load(name).file_name(precision) for precision, name in able]


def export_inputs(
    project: Project, precision: str, formats: Sequence[str], int8: dict[str, Any] | None = None, about: Mapping[str, str] | None = None
) -> str:
    """Identity of what an export is made from. Raises RunError while the training behind it is unfinished.

    Args:
        int8: what was asked of the int8 model; None: what the recipe asks.
        about: what the files say of the model; None: what the recipe says.
    """
    behind = int8_schemes(project) if precision == "int8" or scheme_of(precision).int8_weights else [project.float_stage]
    stages = [project.run.stage(name) for name in behind]
    of_float = project.run.stage(project.float_stage)["inputs"]
    stale = any(stage["facts"].get("float", of_float) != of_float for stage in stages)
    if stale or Contract.read(project.run.contract) != project.contract:
        raise RunError(
            f"{project.run.path} was given another recipe and not trained to its end", "run the same 'edgetl train' command again"
        )
    asked = (int8 or _asked(project)) if precision == "int8" else {}
    said = project.recipe.about.model_dump() if about is None else about
    return fingerprint([stage["inputs"] for stage in stages], list(formats), asked, said)


def exported(project: Project) -> dict[str, str]:
    """Exported file (relative to the run) to the stage that wrote it. Raises RunError when there is none, or one is stale or changed."""
    stages = {name: stage for name, stage in project.run.read()["stages"].items() if name.startswith("export_")}
    if not stages:
        raise RunError(f"{project.run.path} has no exported model yet", f"run: edgetl export {project.run.path}")
    for name, stage in stages.items():
        facts = stage["facts"]
        inputs = export_inputs(project, name.removeprefix("export_"), facts["formats"], facts.get("asked"), facts.get("about"))
        if not project.run.is_done(name, inputs):
            raise RunError(
                f"a file of {project.run.path} is missing, was changed, or is of an earlier training ({name})",
                f"run: edgetl export {project.run.path}",
            )
    return {file: name for name, stage in stages.items() for file in stage["files"] if file.startswith("export/")}


def about(project: Project, said: Mapping[str, str]) -> About:
    """What a model file says, where `said` has the fields of the recipe's table."""
    model, classes = project.recipe.model, len(project.contract.class_names)
    architecture = f"{model.backbone} {model.alpha:g}, {model.image_size} px"
    return About(**{**said, "name": said["name"] or architecture, "description": f"Names one of {classes} classes: {architecture}"})


def _asked(project: Project) -> dict[str, Any]:
    asked = project.recipe.export
    return {"keep_float": list(asked.keep_float), "max_drop": asked.max_drop}


def _export(project: Project, precision: str, formats: Sequence[str]) -> tuple[Sequence[Path], dict[str, Any]]:
    facts: dict[str, Any] = {"formats": list(formats), "about": project.recipe.about.model_dump()}
    written, kept_float, model = [], False, None
    if precision == "int8":
        chosen, choice = _choose_int8(project)
        chosen.quantized.save(project.run.quantized_model("int8"))
        written.append(project.run.quantized_model("int8"))
        content, kept_float = chosen.content, bool(chosen.kept_float)
        facts |= choice
    else:
        model = _to_be_converted(project, scheme_of(precision))
        content = float_tflite(model, project.contract, precision, partial(_samples, project))
    for name in formats:
        form = FORMATS.load(name)
        path = project.run.export / form.file_name(precision)
        finished = form.convert(model if form.source == "keras" else content, project.contract, precision, kept_float)
        finished = form.stamp(finished, project.contract, about(project, facts["about"]))
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


def _choose_int8(project: Project) -> tuple[Candidate, dict[str, Any]]:
    """The int8 model to ship, and why it was chosen."""
    asked = project.recipe.export
    facts: dict[str, Any] = {"asked": _asked(project)}
    if asked.max_drop < _NO_BUDGET:
        chosen, steps = climb(project, asked.max_drop)
        met = chosen.cost.drop_points <= asked.max_drop
        facts |= {"steps": steps, "within_budget": met}
        reason = f"first within {asked.max_drop:g} points of float" if met else f"best found; {asked.max_drop:g} points were not met"
    else:
        candidates = [_stored(project, scheme, asked.keep_float) for scheme in int8_schemes(project)]
        chosen = max(candidates, key=lambda one: one.order)
        facts["candidates"] = {one.name: one.facts() for one in candidates}
        figures = ", ".join(f"{one.name} {one.accuracy.top1_accuracy:.4f} (loss {one.accuracy.loss:.3f})" for one in candidates)
        reason = f"best validation top-1 in LiteRT, then loss: {figures}"
    logger.info(f"int8: {chosen.name} is shipped, {reason}")
    return chosen, facts | {"shipped": chosen.name, "reason": reason, "kept_float": list(chosen.kept_float), "model": chosen.facts()}


def _stored(project: Project, scheme: str, in_float: Sequence[str]) -> Candidate:
    """A scheme's model as training left it, but for the operators that are to stay in float."""
    quantized = Quantized.load(project.run.quantized_model(scheme))
    kept = keep_float(quantized, project.float_model, in_float, take_weights=not scheme.startswith("qat"))
    return candidate(project, scheme, kept, tuple(in_float))


def _hold_to_budget(project: Project, precisions: Sequence[str]) -> None:
    if "int8" not in precisions:
        return
    facts = project.run.stage("export_int8")["facts"]
    if not facts.get("within_budget", True):
        raise BudgetError(
            f"the best int8 model found ({facts['shipped']}) loses {facts['model']['drop_points']:.2f} points, "
            f"{facts['asked']['max_drop']:g} are allowed; its files are in {project.run.export}",
            "allow more, train a wider network, or ship float16 or int16x8",
        )
