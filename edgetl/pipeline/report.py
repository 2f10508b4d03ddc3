"""Write the report of a run: all that it holds, and the predictions of its models on the images that measure."""

import logging
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from edgetl.benchmarking import results as benchmark_results
from edgetl.benchmarking.results import Benchmark
from edgetl.contract import Contract
from edgetl.diagnosis import results as diagnosis_results
from edgetl.diagnosis.results import Diagnosis
from edgetl.documents import Document
from edgetl.errors import DataError, RunError
from edgetl.evaluation.parity import REFERENCE
from edgetl.evaluation.validation import Validation
from edgetl.explanation import results as explanation_results
from edgetl.explanation.results import Explanation
from edgetl.pipeline.explain import identity
from edgetl.quantization.results import Sensitivity
from edgetl.report.page.blocks import Absent
from edgetl.report.page.facts import Facts, Predictions, Rejects
from edgetl.report.page.write import write
from edgetl.run_folder import RunFolder

D = TypeVar("D", bound=Document)
logger = logging.getLogger(__name__)

_COMPARED = 2  # files beside the float model


def report(run: RunFolder, out: Path | None, form: str, data: str = "") -> tuple[Path, list[Absent]]:
    """Write the report, by default to report.html (or .md, .pdf) in the run; return its path and what is not in it.

    Args:
        data: where the run's images are now; empty: where it recorded them.
    """
    with run.writing() if out is None else nullcontext():
        return _report(run, out, form, data)


def _report(run: RunFolder, out: Path | None, form: str, data: str) -> tuple[Path, list[Absent]]:
    path = out or run.path / f"report.{form}"
    record, validation = run.read(), None
    with suppress(RunError):  # none, or of older files: the report says so
        validation = Validation.of(run)
    explained = _document(Explanation, run.explained / explanation_results.NAME)
    facts = Facts(
        name=run.path.resolve().name,
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        record=record,
        validation=validation,
        benchmark=_document(Benchmark, run.path / benchmark_results.NAME),
        sensitivity=_document(Sensitivity, run.sensitivity),
        doctor=_document(Diagnosis, run.path / diagnosis_results.NAME),
        explained=explained if explained and explained.models == identity(record) else None,
        explained_folder=run.explained,
        predictions=_predictions(run, data),
        rejects=_rejects(run),
    )
    absent = write(facts, path, form)
    for one in absent:
        logger.info(f"not in it: {one.title}: {one.reason}{f' ({one.command})' if one.command else ''}")
    return path, list(absent)


def _rejects(run: RunFolder) -> Rejects | None:
    """Return how the run decides on unknown images; None: it has no contract yet."""
    from edgetl.pipeline.evaluate.recorded import choice_of, unknowns_of

    if not run.contract.is_file():
        return None
    return Rejects(Contract.read(run.contract).output, unknowns_of(run), choice_of(run), run.unknown)


def _document(kind: type[D], path: Path) -> D | None:
    """Read a document beside the run; None, with a warning, when it cannot be read."""
    if not path.exists():
        return None
    try:
        return kind.read(path)
    except RunError as error:
        logger.warning(f"{error.problem}; it is left out of the report")
        return None


def _predictions(run: RunFolder, data: str) -> Predictions | Absent:
    """Return the predictions of the float model and of two files on the images that the validation took, or why there are none."""
    from edgetl.export.exported import best_first
    from edgetl.pipeline.export.files import exported
    from edgetl.pipeline.known_predictions import KnownPredictions
    from edgetl.pipeline.plan import VALIDATE
    from edgetl.pipeline.project import Project
    from edgetl.runtimes import open_session, unverified
    from edgetl.runtimes.base import predict as predict_rows

    try:
        project = Project.open(run, data=data)
        images, rows = project.data.trained_images(), project.data.measuring_rows(project.recipe.validation.limit)
        files = best_first(file for file in exported(project) if not unverified(file.path))
    except (DataError, RunError) as error:  # the images are elsewhere, or nothing is exported: the other sections need no predictions
        return Absent("", *(text.replace(str(run.path), "RUN").removeprefix("run: ") for text in (error.problem, error.remedy)))
    chosen, known = files[:_COMPARED], KnownPredictions.by(VALIDATE, project, rows)
    probabilities = {}
    for name, path in {REFERENCE: project.models.float_path, **{file.name: file.path for file in chosen}}.items():
        found = known.find(path)
        if found is None:
            session = project.models.float_session if name == REFERENCE else open_session(path, project.contract)
            found = predict_rows(session, images.pixels, rows, name)
        probabilities[name] = found
    return Predictions(
        split=project.data.measuring_split,
        class_names=images.class_names,
        output=project.contract.output,
        label_ids=images.label_ids[rows],
        image_names=tuple(images.names[row] for row in rows),
        pixels=images.pixels[rows],
        probabilities=probabilities,
        reference=REFERENCE,
        quantized=next((file.name for file in chosen if file.integer), None),
    )
