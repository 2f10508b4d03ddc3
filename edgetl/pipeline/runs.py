"""The runs in a folder: their figures side by side, and the removal of those that are not needed."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from edgetl.accuracy import Metric, figure
from edgetl.compared import Truth
from edgetl.errors import RunError, UsageError
from edgetl.evaluation.validation import ValidatedModel, Validation
from edgetl.lock import FolderLock
from edgetl.registry import did_you_mean
from edgetl.run_folder import RunFolder
from edgetl.run_record import RunRecord

# What edgetl writes into a run. A folder that holds anything else is not removed: somebody put it there.
_OWN = (
    "teacher",
    "*.json",
    "*.npz",
    "*.keras",
    "*.html",
    "*.md",
    "*.csv",
    "*.pdf",
    "*.edgetl",
    "*-files",
    ".partial-*",
    ".edgetl.lock",
    "edgetl.log*",
    "recipe.toml",
    "benchmark.png",
    "sensitivity.png",
    "evaluation.png",
    "learning_curve.png",
    "baseline-*",
    "cache",
    "export",
    "explain",
    "tensorboard",
)


_ON: Mapping[Truth, str] = {
    "original": "unlabelled",
    "noise": "noise",
}  # the images that measured, where no labelled split did


@dataclass(frozen=True)
class Row:
    """A run and what it has in each column: numbers, texts, or None where it has nothing."""

    run: Path
    cells: dict[str, Any]

    def to_json(self) -> dict[str, object]:
        return {"run": str(self.run)} | self.cells


def _main(record: RunRecord, validation: Validation | None) -> ValidatedModel | None:
    """Return the main model's figures if it is one of integers, which every run that has one is about."""
    return validation.main_model if validation and record.integer_choice() else None


def _points(metric: Metric, validation: Validation | None, model: ValidatedModel | None) -> float | None:
    """Return the metric in percent; None: there is no such model, it is judged by the other metric, or there are no labels."""
    known = validation and validation.truth == "labels" and validation.metric == metric
    return round(100 * figure(model.accuracy).value, 2) if known and model else None


def _of(model: ValidatedModel | None, figure: Callable[[ValidatedModel], float]) -> float | None:
    return figure(model) if model else None


# Name: (how it is read from run.json and validation.json, whether the largest comes first)
COLUMNS: dict[str, tuple[Callable[[RunRecord, Validation | None], Any], bool]] = {
    "created": (lambda r, v: r.created, True),
    "source": (lambda r, v: r.recipe.data.source.rpartition("/")[2], False),
    "model": (lambda r, v: r.recipe.network.replace(",", "").replace(" px", "px"), False),
    "backbone": (lambda r, v: r.recipe.model.backbone, False),
    "alpha": (lambda r, v: None if r.recipe.model.imported else r.recipe.model.alpha, False),
    "image_size": (lambda r, v: r.recipe.model.image_size, False),
    "float_top1": (lambda r, v: _points("top-1", v, v.float_model if v else None), True),
    "int8_top1": (lambda r, v: _points("top-1", v, _main(r, v)), True),
    "float_map": (lambda r, v: _points("mAP", v, v.float_model if v else None), True),
    "int8_map": (lambda r, v: _points("mAP", v, _main(r, v)), True),
    "measured_on": (lambda r, v: f"{v.images} {_ON.get(v.truth, v.split)}" if v else None, False),
    "size_kib": (lambda r, v: _of(_main(r, v), lambda one: round(one.size_bytes / 1024)), False),
    "latency_ms": (lambda r, v: _of(_main(r, v), lambda one: one.latency_ms.p50), False),
    "verdict": (lambda r, v: None if v is None else "passed" if v.passed else "FAILED", False),
    "seconds": (lambda r, v: round(sum(stage.seconds for stage in r.stages.values())), False),
    "stages": (lambda r, v: len(r.stages), True),
}
_TOP1, _MAPS = ("float_top1", "int8_top1"), ("float_map", "int8_map")
WIDEST = ("model", "measured_on", *_TOP1, *_MAPS, "size_kib", "latency_ms", "verdict")  # with one of the two, what 80 characters hold
SHORT = {  # heads of a table
    "measured_on": "on",
    "float_top1": "float %",
    "int8_top1": "int8 %",
    "float_map": "float mAP",
    "int8_map": "int8 mAP",
    "size_kib": "KiB",
    "latency_ms": "ms",
}


def runs(folder: Path, columns: Sequence[str], sort: str) -> list[Row]:
    """Return a row for each run, best first; a column is one of COLUMNS, or a setting by dotted key."""
    found = []
    for run in _found(folder):
        record, validation = run.read(), None
        with suppress(RunError):  # not validated, or of older files
            validation = Validation.of(run)
        found.append(Row(run.path, {name: _value(name, record, validation) for name in dict.fromkeys((*columns, sort))}))
    largest_first = COLUMNS[sort][1] if sort in COLUMNS else False
    known = [row for row in found if row.cells[sort] is not None]
    known.sort(key=lambda row: (isinstance(row.cells[sort], str), row.cells[sort]), reverse=largest_first)
    return [*known, *(row for row in found if row.cells[sort] is None)]


def narrowed(rows: Sequence[Row]) -> tuple[Sequence[str], list[Row]]:
    """Return the columns that are shown unless others are asked for, and the rows of `WIDEST` without those that they leave out.

    Of top-1 and mAP that are the ones that some run has; top-1, where none has any.
    """
    several = any(row.cells[name] is not None for row in rows for name in _MAPS)
    single = not several or any(row.cells[name] is not None for row in rows for name in _TOP1)
    out = {*(() if several else _MAPS), *(() if single else _TOP1)}
    kept = [replace(row, cells={name: cell for name, cell in row.cells.items() if name not in out}) for row in rows]
    return [name for name in WIDEST if name not in out], kept


def _found(folder: Path) -> Iterator[RunFolder]:
    """Yield every run right in the folder that this version reads."""
    for record in sorted(folder.glob("*/run.json")):
        with suppress(RunError):
            run = RunFolder(record.parent)
            run.read()
            yield run


def _value(name: str, record: RunRecord, validation: Validation | None) -> Any:
    if name in COLUMNS:
        return COLUMNS[name][0](record, validation)
    value: Any = record.recipe.model_dump()
    table, _, key = name.partition(".")
    if key and table in value:
        return value[table].get(key)
    settings = [f"{table}.{key}" for table, keys in value.items() for key in keys]
    raise UsageError(f"runs have no column '{name}'", did_you_mean(name, [*COLUMNS, *settings]))


def removable(run: RunFolder) -> str:
    """Return why the folder must not be removed; empty: it may be."""
    if run.path.is_symlink():
        return "it is a link"
    try:
        run.read()
        with FolderLock(run.path):  # another process may be writing in it
            pass
    except RunError as error:
        return error.problem
    foreign = [path.name for path in run.path.iterdir() if path.is_symlink() or not any(fnmatch(path.name, own) for own in _OWN)]
    return f"it holds {foreign[0]}, which edgetl did not write" if foreign else ""


def remove(run: RunFolder) -> None:
    """Remove a run's folder. Raises RunError when it is not a run, or holds what is not edgetl's."""
    reason = removable(run)
    if reason:
        raise RunError(f"{run.path} is not removed: {reason}", "move away what you want to keep, and delete the folder yourself")
    try:
        with FolderLock(run.path):
            shutil.rmtree(run.path)
    except OSError as error:
        raise RunError(f"cannot remove {run.path}: {error}", "close what has its files open, and look at its permissions") from error
