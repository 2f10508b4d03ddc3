"""A trained run to model files."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from edgetl.keras import exact_float32

import numpy as np

from edgetl.accuracy import figure
from edgetl.chosen import judged_on
from edgetl.compared import P_SIGNIFICANT, of_split
from edgetl.errors import BudgetError, ExportError
from edgetl.evaluation.judged import Judged, best_of
from edgetl.evaluation.measures import measures_of
from edgetl.evaluation.steps import CURE, cost_of_steps, rounded
from edgetl.export import FORMATS
from edgetl.export.base import Conversion
from edgetl.export.exported import stage_of
from edgetl.files import atomic
from edgetl.input import FREE_BATCH
from edgetl.int8_record import Int8Choice
from edgetl.pipeline.export.budget import climb
from edgetl.pipeline.export.candidates import Candidate, candidate, judging, measured
from edgetl.pipeline.export.current import asked_facts, asked_of, export_inputs
from edgetl.pipeline.export.stamped import stamped
from edgetl.pipeline.imported import own
from edgetl.pipeline.plan import exporting, int8_schemes
from edgetl.pipeline.project import Project, writes
from edgetl.pipeline.settings import needs_images
from edgetl.quantization import SCHEMES, scheme_of
from edgetl.quantization.base import Scheme
from edgetl.quantization.correct import correct_biases
from edgetl.quantization.quantized import Quantized
from edgetl.quantization.selective import keep_float
from edgetl.run_record import DataFacts, ExportFacts
from edgetl.runtimes.base import predict as predict_rows
from edgetl.runtimes.keras import KerasSession
from edgetl.wording import beside, counted

logger = logging.getLogger(__name__)


@writes
def export(project: Project, precisions: Sequence[str] = (), formats: Sequence[str] = ()) -> list[Path]:
    """Write model files into the run's export folder.

    Args:
        precisions, formats: what to write; empty: all that the recipe names. Raises UsageError or ExportError when a format cannot
            carry a precision that was asked for by name, BudgetError when the best int8 model loses more than it may (it is written).
    """
    exact_float32()  # what is exported is compared with the float model
    asked = project.recipe.export
    wanted = [(precision, name) for precision in precisions or asked.precisions for name in formats or asked.formats]
    able = [(precision, name) for precision, name in wanted if precision in FORMATS.load(name).precisions]
    own.check(project.recipe, [precision for precision, _ in wanted])
    if not able or (precisions and formats and len(able) < len(wanted)):
        unable = ", ".join(f"{precision} in {name}" for precision, name in wanted if (precision, name) not in able)
        raise ExportError(f"there is no {unable}", "leave --formats out: each precision is then written in the formats that it has")
    for precision in (one for one, _ in able if needs_images(project.recipe, one)):
        project.need_images(f"calibrate {precision} on")
    if any(scheme_of(precision).quantize for precision, _ in able):
        project.contract = project.contract.ending_in(asked.output)
    asked_for = list(dict.fromkeys(precision for precision, _ in able))
    project.planned(exporting(asked_for))
    for precision in asked_for:
        stage = stage_of(precision)
        before = project.run.read().find(stage, ExportFacts)  # what was written before stays
        names = [name for name in FORMATS if (before and name in before.formats) or (precision, name) in able]
        project.stage(stage, export_inputs(project, precision, asked_facts(project, names)), partial(_export, project, precision, names))
    _hold_to_budget(project, asked_for)
    return [project.run.export / FORMATS.load(name).file_name(precision) for precision, name in able]


def _export(project: Project, precision: str, formats: Sequence[str]) -> tuple[Sequence[Path], ExportFacts]:
    facts = asked_facts(project, formats)
    written, scheme = [], scheme_of(precision)
    if scheme.quantize:
        chosen, choice = _choose(project, precision)
        chosen.quantized.save(project.run.quantized_model(precision))
        written.append(project.run.quantized_model(precision))
        conversion = replace(chosen.conversion, npu=project.recipe.export.npu)
        if project.recipe.has_images:
            conversion = replace(conversion, samples=partial(_samples, project))
        facts = facts.model_copy(update={"choice": choice})
    else:
        model = _to_be_converted(project, scheme)
        conversion = Conversion(model, project.contract, precision, FORMATS.load, samples=partial(_samples, project))
    for name in formats:
        path, finished = project.run.export / FORMATS.load(name).file_name(precision), stamped(project, conversion, name)
        with atomic(path) as temporary:
            temporary.write_bytes(finished)
        written.append(path)
        logger.info(f"{path}: {len(finished):,} bytes")
        if FORMATS.load(name).batch(facts.batch) != facts.batch:
            asked = "any number of images" if facts.batch == FREE_BATCH else counted(facts.batch, "image")
            logger.warning(f"{path} keeps a batch of 1: a file of the format {name} cannot take {asked} at a time")
    project.contract.in_batches(facts.batch).write(project.run.export / "contract.json")
    return written, facts


def _to_be_converted(project: Project, scheme: Scheme) -> Any:
    """Return the float model with the weights that the scheme wants."""
    if scheme.weights_from:
        return _best_with_integer_weights(project, scheme.weights_from)
    if scheme.rounded is None:
        return project.models.float_model
    if not project.recipe.has_images:
        logger.info(f"{scheme.precision}: without images the shift of means by rounding is not corrected")
        return project.models.float_model
    pixels, rows = project.data.trained_images().pixels, project.data.calibration_rows
    return correct_biases(project.models.float_model, project.contract, pixels, rows, scheme.rounded)


def _best_with_integer_weights(project: Project, precision: str) -> Any:
    """Return the integer model, without its activations' grids, that does best by `best_of`."""
    images = judging(project)
    rows, models, tried = images.rows("val"), {}, []
    for name in int8_schemes(project.run, project.recipe, precision):
        quantized = Quantized.load(project.run.quantized_model(name))
        models[name] = quantized.to_keras(project.models.float_model, project.contract, activations=False)
        found = predict_rows(KerasSession(models[name], project.contract), images.pixels, rows, name)
        of_float = project.models.float_predictions_of(images)
        tried.append(Judged.of(measures_of(project.contract.output), of_float, found, images.label_ids[rows]))
    name = list(models)[best_of(tried)]
    logger.info(f"the weights are those of {name}")
    return models[name]


def _samples(project: Project) -> Iterator[list[np.ndarray]]:
    for row in project.data.calibration_rows:
        yield [project.data.images.pixels[row : row + 1].astype(np.float32)]


def _choose(project: Project, precision: str) -> tuple[Candidate, Int8Choice]:
    """Return the integer model to export, and why it was chosen."""
    asked, lost_to_steps = asked_of(project), _lost_to_steps(project)
    has_budget, hopeless = asked.has_budget, (lost_to_steps or 0.0) > asked.max_drop
    if has_budget and not hopeless:
        chosen, candidates = climb(project, precision, asked.max_drop)
    else:
        candidates = [_stored(project, scheme, asked.keep_float) for scheme in int8_schemes(project.run, project.recipe, precision)]
        chosen = candidates[best_of([one.judged for one in candidates])]
    met = chosen.judged.drop_points <= asked.max_drop if has_budget else None
    if has_budget and not hopeless:
        reason = f"first within {asked.max_drop:g} points of float" if met else f"best found; {asked.max_drop:g} points were not met"
    else:
        judges, judged = _judges(project, chosen.name), {one.name: one.judged for one in candidates}
        word = "right" if project.run.facts("data", DataFacts).truth == "labels" else "as the original"
        figures = ", ".join(f"{name} KL {one.kl:.4f}, {_share(one, word)}" for name, one in judged.items())
        if len(candidates) == 1:
            reason = f"no other was made; on {judges}: {figures}"
        else:
            reason = f"its file is nearest to float on {judges}, where no other is significantly more often {word} ({figures})"
    if hopeless:
        reason += f"; no other was tried, since float itself loses {lost_to_steps:.2f} points to the output's steps of 1/256"
    logger.info(f"{precision}: {chosen.name} is exported, {reason}")
    figured, shown = tuple(one.figures() for one in candidates), measured(project, chosen)
    return chosen, Int8Choice(asked, figured, shown.figures(), reason, met, project.contract.output.dtype, lost_to_steps)


def _share(judged: Judged, word: str) -> str:
    found = figure(judged.accuracy)
    return f"{100 * found.value:.2f} % {word if found.metric == 'top-1' else found.metric}"


def _judges(project: Project, model: str) -> str:
    images = judging(project)
    if images is project.data.trained_images():
        return of_split(len(images.rows("val")), "val")
    return judged_on(project.run.read(), model).words


def _lost_to_steps(project: Project) -> float | None:
    """Return the points of top-1 or mAP that float would lose by the steps of a uint8 output; None: the output is float32.

    A warning says what they cost where the number of classes is too large for them, or a model too unsure.
    """
    if project.contract.ends_in_float:
        return None
    probabilities, label_ids = project.models.float_predictions, project.data.images.label_ids[project.data.rows("val")]
    if project.contract.output.several:
        return measures_of(project.contract.output).map_drop_points(probabilities, rounded(probabilities), label_ids)
    found = cost_of_steps(probabilities, label_ids)
    too_many = project.contract.ending_in("auto").ends_in_float
    if too_many or found.zeros or (found.cost.drop_points > 0 and found.cost.mcnemar_p < P_SIGNIFICANT):
        logger.warning(
            f"int8 files have a uint8 output, in steps of 1/256: with {len(project.contract.class_names)} classes these alone cost float "
            f"{found.cost.drop_points:.2f} points of top-1, tie the best classes of {found.ties} and leave 0 for every class of "
            f"{found.zeros} of the validation images; a float32 output (--set export.output=float32) does none of this, "
            "but cannot run where there are no floats"
        )
    return found.cost.drop_points


def _stored(project: Project, scheme: str, in_float: Sequence[str]) -> Candidate:
    """Return a scheme's model as training left it, but for the operators that are to stay in float."""
    quantized = Quantized.load(project.run.quantized_model(scheme))
    if in_float:
        quantized = keep_float(quantized, project.models.float_model, in_float, take_weights=not SCHEMES.load(scheme).trained)
    return candidate(project, scheme, quantized, kept_float=tuple(in_float))


def _hold_to_budget(project: Project, precisions: Sequence[str]) -> None:
    for precision in precisions:
        choice = project.run.facts(stage_of(precision), ExportFacts).choice
        if choice and choice.within_budget is False:
            of_steps = (choice.steps_drop_points or 0.0) > choice.asked.max_drop
            lost = beside(choice.chosen.drop_points, choice.asked.max_drop, 3)
            raise BudgetError(
                f"the best {precision} model found ({choice.chosen.name}) loses {lost} points, "
                f"{choice.asked.max_drop:g} are allowed{f': {CURE}' if of_steps else ''}; its files are in {project.run.export}",
                "export again with that setting"
                if of_steps
                else "allow more, train a wider network, or ship a precision that keeps more of the float model",
            )
