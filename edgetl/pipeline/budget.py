"""int8 within an accuracy budget: climb from the cheapest remedy to the dearest until the model loses no more than it may."""

from collections.abc import Iterator
from typing import Any

from edgetl.console import note
from edgetl.pipeline.candidates import Candidate, candidate
from edgetl.pipeline.train import quantize
from edgetl.project import Project
from edgetl.quantization import ptq_int8
from edgetl.quantization.base import Quantized
from edgetl.quantization.selective import keep_float
from edgetl.quantization.sensitivity import sensitivity

SENSITIVITY_PICTURES = 128  # the order of the worst operators is settled by then


def climb(project: Project, max_drop: float) -> tuple[Candidate, list[dict[str, Any]]]:
    """The first candidate that loses at most `max_drop` points of top-1, or the best there is; and every step's figures."""
    steps: list[dict[str, Any]] = []
    best: Candidate | None = None
    for found in _ladder(project):
        note(f"budget {max_drop:g}: {found}")
        steps.append({"name": found.name} | found.facts() | {"kept_float": list(found.kept_float)})
        if best is None or found.order > best.order:
            best = found
        if found.cost.drop_points <= max_drop:
            return found, steps
    assert best is not None
    return best, steps


def _ladder(project: Project) -> Iterator[Candidate]:
    """Calibration alone, better ranges, training, then the worst operators in float: one, two, four, ... of them."""
    simple, _ = ptq_int8.quantize(
        project.float_model, project.pictures, project.calibration_rows, project.contract, project.quantize_settings("minmax")
    )
    tried = [candidate(project, "ptq_int8 (min-max ranges)", simple)]
    yield tried[-1]
    for scheme in ("ptq_int8", "qat_int8"):
        quantize(project, scheme)
        tried.append(candidate(project, scheme, Quantized.load(project.run.quantized_model(scheme))))
        yield tried[-1]
    best = max(tried, key=lambda one: one.order)
    note(f"looking for the operators that hurt {best.name}")
    damages = sensitivity(
        project.float_model, best.quantized, project.contract, project.pictures.pixels, project.training_rows(SENSITIVITY_PICTURES)
    )
    worst = [damage.operator for damage in damages]
    trained = best.name.startswith("qat")
    for count in (2**power for power in range(len(worst).bit_length())):
        names = tuple(worst[:count])
        held = f"{names[0]} in float" if count == 1 else f"{count} operators in float"
        kept = keep_float(best.quantized, project.float_model, names, take_weights=not trained)
        yield candidate(project, f"{best.name}, {held}", kept, names)
