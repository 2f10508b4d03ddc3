"""Choose the run that is meant where none is named: the newest that can be used for what is to be done."""

import logging
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from edgetl.errors import EdgetlError, RunError, UsageError, listed
from edgetl.registry import did_you_mean
from edgetl.run_folder import RUNS, RunFolder

if TYPE_CHECKING:
    from edgetl.pipeline.project import Project

logger = logging.getLogger(__name__)

_CLOCKS_DIFFER_S = 60.0  # between a file server and this machine


def newest(for_: str = "show") -> RunFolder:
    """Return the run under runs/ that was written last, of those that can be used for one of USES, and log which one it is.

    Raises RunError when there is none, or the clock was changed.
    """
    if for_ not in USES:
        raise UsageError(f"runs are not opened for '{for_}'", did_you_mean(str(for_), USES))
    by_age = _by_age()
    reasons: list[str] = []
    for path in by_age:
        run = RunFolder(path)
        reason = _unusable(run, USES[for_])
        if not reason:
            logger.info(f"run: {path}, the newest" + (f" that can be used; newer ones cannot:{listed(reasons)}" if reasons else ""))
            return run
        reasons.append(reason if str(path) in reason else f"{path}: {reason}")
    raise RunError(
        f"no run under {RUNS}/ can be used for '{for_}':{listed(reasons)}",
        f"finish a run, or name another: edgetl show {shlex.quote(str(by_age[0]))}",
    )


def _by_age() -> list[Path]:
    written = {record.parent: record.stat().st_mtime for record in RUNS.glob("*/run.json")}
    if not written:
        raise RunError(f"there is no run under {RUNS}/", "make one with 'edgetl train DATA', or name a run directory")
    by_age = sorted(written, key=written.__getitem__, reverse=True)
    if len(written) > 1 and written[by_age[0]] > time.time() + _CLOCKS_DIFFER_S:
        raise RunError(
            f"{by_age[0]} was written in the future: a clock was changed, and which run is the newest is not known", "name the run"
        )
    return by_age


def _unusable(run: RunFolder, check: Callable[[RunFolder], object]) -> str:
    """Return why a run cannot be used; empty: it can."""
    try:
        check(run)
    except EdgetlError as error:
        return error.problem
    return ""


# What a use itself would raise for a run that is not ready for it; images are not looked for, which may lie elsewhere by now.
def _trained(run: RunFolder) -> "Project":
    from edgetl.pipeline.project import Project

    project = Project.open(run)
    run.intact(project.models.float_stage)
    return project


def _exported(run: RunFolder) -> "Project":
    from edgetl.pipeline.export.current import exported
    from edgetl.pipeline.project import Project

    project = Project.open(run)
    exported(project)
    return project


def _for_export(run: RunFolder) -> None:
    from edgetl.pipeline.export.current import asked_facts, export_inputs

    project = _trained(run)
    for precision in project.recipe.export.precisions:
        export_inputs(project, precision, asked_facts(project))


def _for_integers(run: RunFolder) -> None:
    from edgetl.pipeline.export.current import chosen_integers

    chosen_integers(_trained(run))


def _for_validation(run: RunFolder) -> None:
    run.intact(_exported(run).models.float_stage)


def _for_evaluation(run: RunFolder) -> None:
    from edgetl.pipeline.evaluate.scores import chosen_models

    chosen_models(_trained(run))


def _for_card(run: RunFolder) -> None:
    from edgetl.evaluation.validation import Validation

    Validation.of(run)


def _for_bundle(run: RunFolder) -> None:
    _exported(run)
    _for_card(run)


USES: dict[str, Callable[[RunFolder], object]] = {
    "show": RunFolder.read,
    "report": RunFolder.read,
    "track": RunFolder.read,
    "export": _for_export,
    "sensitivity": _for_integers,
    "explain": _for_integers,
    "validate": _for_validation,
    "evaluate": _for_evaluation,
    "benchmark": _exported,
    "bundle": _for_bundle,
    "ship": _for_bundle,
    "card": _for_card,
}
