"""Integers within an accuracy budget: climb from the cheapest remedy to the dearest until the model loses no more than it may."""

import logging
from collections.abc import Iterator
from dataclasses import replace

from edgetl.pipeline.export.candidates import Candidate, candidate
from edgetl.pipeline.project import Project
from edgetl.pipeline.settings import quantize_schedule, quantize_settings
from edgetl.pipeline.train.stages import quantize
from edgetl.quantization import SCHEMES, integer_schemes
from edgetl.quantization.base import Quantize
from edgetl.quantization.quantized import Quantized
from edgetl.quantization.selective import keep_float
from edgetl.quantization.sensitivity import sensitivity

logger = logging.getLogger(__name__)

SENSITIVITY_IMAGES = 128  # the order of the worst operators is settled by then


def climb(project: Project, precision: str, max_drop: float) -> tuple[Candidate, list[Candidate]]:
    """Return the first candidate that loses at most `max_drop` points of top-1 or mAP, or the best there is; and every step."""
    steps: list[Candidate] = []
    best: Candidate | None = None
    for found in _ladder(project, precision):
        logger.info(f"budget {max_drop:g}: {found}")
        steps.append(found)
        if best is None or found.order > best.order:
            best = found
        if found.judged.drop_points <= max_drop:
            return found, steps
    assert best is not None
    return best, steps


def _ladder(project: Project, precision: str) -> Iterator[Candidate]:
    """Yield calibration alone, better ranges, training, then the worst operators in float: one, two, four, ... of them.

    These are left out of the calibrated model, not of the trained one, whose other weights have learned to live with them: with every
    operator out the first is the float model, and any budget is met on the way there.
    """
    simplest = integer_schemes(precision=precision, trained=False)[0]
    yield candidate(project, simplest, calibrate_plainly(project, simplest), variation=" (min-max ranges)")
    for scheme in integer_schemes(precision=precision):
        quantize(project, scheme)
        yield candidate(project, scheme, Quantized.load(project.run.quantized_model(scheme)))
    logger.info(f"looking for the operators that hurt {simplest}")
    calibrated, rows = Quantized.load(project.run.quantized_model(simplest)), project.data.rows("train", SENSITIVITY_IMAGES)
    damages = sensitivity(project.models.float_model, calibrated, project.contract, project.data.images.pixels, rows)
    worst = [damage.operator for damage in damages]
    for count in (2**power for power in range(len(worst).bit_length())):
        names = tuple(worst[:count])
        held = f"{names[0]} in float" if count == 1 else f"{count} operators in float"
        kept = keep_float(calibrated, project.models.float_model, names, take_weights=True)
        yield candidate(project, simplest, kept, variation=f", {held}", kept_float=names)


def calibrate_plainly(project: Project, scheme: str) -> Quantized:
    """Return the scheme's model with the ranges that calibration images show, without a search for better ones."""
    find: Quantize = SCHEMES.load(scheme).quantize  # type: ignore[assignment]  # integer schemes have one
    settings = replace(quantize_settings(project.recipe), ranges="minmax")
    schedule = quantize_schedule(project.recipe, project.run, scheme, "", 1)  # nothing is trained
    return find(project.models.float_model, project.data.examples, project.data.calibration_rows, settings, schedule).model
