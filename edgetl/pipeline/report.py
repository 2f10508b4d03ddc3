"""Write the report of a run: all that it holds, and the predictions of its models on the images that measure."""

import logging
import shlex
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
from edgetl.errors import RunError
from edgetl.evaluation.validation import Validation
from edgetl.explanation import results as explanation_results
from edgetl.explanation.results import Explanation
from edgetl.pipeline.shown import predictions_of
from edgetl.quantization.results import Sensitivity
from edgetl.report.page.blocks import Absent
from edgetl.report.page.facts import Facts, Rejects
from edgetl.report.page.write import write
from edgetl.run_folder import RunFolder

D = TypeVar("D", bound=Document)
logger = logging.getLogger(__name__)


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
        explained=explained if explained and explained.models == record.models else None,
        explained_folder=run.explained,
        predictions=predictions_of(run, validation, data),
        rejects=_rejects(run),
        places={"RUN": run.quoted, "DATA": _data(record.recipe.data.source)},
    )
    absent = write(facts, path, form)
    for one in absent:
        logger.info(f"not in it: {one.title}: {one.reason}{f' ({one.command})' if one.command else ''}")
    return path, list(absent)


def _data(source: str) -> str:
    """Return where the images are as a shell takes it: below the working directory from there."""
    path = Path(source)
    below = path.is_absolute() and path.is_relative_to(Path.cwd())
    return shlex.quote(str(path.relative_to(Path.cwd())) if below else source)


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
