"""Compare several runs on the same images, those that measure."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from edgetl.keras import exact_float32

import numpy as np
from numpy.typing import NDArray

from edgetl.compared import MeasuringSplit
from edgetl.contract import Contract
from edgetl.data.base import names_shown
from edgetl.errors import DataError, RunError, UsageError
from edgetl.evaluation.measures import measures_of
from edgetl.evaluation.results import ComparedPair, ComparedRun, Comparison
from edgetl.evaluation.statistics import holm, paired
from edgetl.evaluation.validation import Validation
from edgetl.files import check_folder
from edgetl.pipeline.evaluate.scores import check_labelled, chosen_models
from edgetl.pipeline.project import Project
from edgetl.report.plots.comparison import comparison_plot
from edgetl.runtimes import open_session
from edgetl.runtimes.base import predict as predict_rows
from edgetl.wording import joined, quoted

logger = logging.getLogger(__name__)

_Images = list[tuple[str, str]]


@dataclass(frozen=True)
class _Result:
    """One run: its row in the comparison, and which images that measure are right, in the order of their contents."""

    run: ComparedRun
    correct: NDArray[np.bool_]
    images: _Images
    split: MeasuringSplit


def compare(
    paths: Sequence[Path], model: Path | None = None, out: Path | None = None, data: str = "", *, different_classes: bool = False
) -> Comparison:
    """Return accuracy, size and latency of each run and a paired test of every two.

    Args:
        model: name of an exported file, the same for all runs; default: the first that `evaluate` takes.
        out: folder for compare.json and compare.png; None: nothing is written.
        different_classes: compare runs with different class names too, each by its own labels.
        data: where the runs' images are now; empty: where each recorded them.
    """
    if len({path.resolve() for path in paths}) != len(paths) or len(paths) < 2:
        raise UsageError("a comparison needs two or more different runs", "name them: edgetl compare runs/a runs/b")
    check_folder(out)
    exact_float32()
    projects = [Project.open(path, data=data) for path in paths]
    differing = _check_comparable(paths, [project.contract for project in projects], different_classes=different_classes)
    results: list[_Result] = []
    for path, project in zip(paths, projects, strict=True):
        result = _evaluate(project, path, model)
        first = results[0].images if results else result.images
        differ = path in differing
        _check_same(path, _contents(result.images) if differ else result.images, paths[0], _contents(first) if differ else first)
        results.append(result)
    pairs = list(combinations(results, 2))
    tests = [paired(first.correct, second.correct) for first, second in pairs]
    corrected = holm([test.mcnemar_p for test in tests])
    comparison = Comparison(
        images=len(results[0].images),
        split=results[0].split,
        runs=tuple(result.run for result in results),
        pairs=tuple(
            ComparedPair(first=first.run.run, second=second.run.run, paired=test, holm_p=p)
            for (first, second), test, p in zip(pairs, tests, corrected, strict=True)
        ),
    )
    if out:
        comparison = comparison.model_copy(update={"plot_description": comparison_plot(comparison, out / "compare.png")})
        comparison.write(out / "compare.json")
    return comparison


def _check_comparable(paths: Sequence[Path], contracts: Sequence[Contract], *, different_classes: bool) -> set[Path]:
    """Return the runs whose class names are not those of the first one. Raises DataError where that is not asked for, or metrics differ."""
    (first_path, *_), (first, *_), differing = paths, contracts, set()
    for path, contract in zip(paths, contracts, strict=True):
        if contract.output.several != first.output.several:
            one, other = (path, first_path) if contract.output.several else (first_path, path)
            raise DataError(
                f"{one} finds several classes in an image, and is judged by mAP; {other} names one, and is judged by top-1",
                "compare runs of the same --task",
            )
        if differ := _different(first_path, first.class_names, path, contract.class_names):
            if not different_classes:
                raise DataError(differ, "to compare them anyway, each by its own labels: --different-classes")
            logger.warning(f"{differ}; each is judged by its own labels")
            differing.add(path)
    return differing


def _different(first_path: Path, first: Sequence[str], path: Path, class_names: Sequence[str]) -> str:
    """Return in what the class names of two runs differ, in words; empty: in nothing but their order."""
    parts = [(first_path, set(first) - set(class_names)), (path, set(class_names) - set(first))]
    found = [f"{joined(quoted(sorted(only)))} only in {run}" for run, only in parts if only]
    return f"{first_path} and {path} have different class names: {'; '.join(found)}" if found else ""


def _contents(images: _Images) -> _Images:
    return [(content, "") for content, _ in images]


def _evaluate(project: Project, path: Path, model: Path | None) -> _Result:
    check_labelled(project)
    name, file = next(iter(chosen_models(project, [model] if model else []).items()))
    images = project.data.trained_images()
    identities = {
        row: (images.hashes[row], "|".join(names_shown(images.label_ids[row], images.class_names))) for row in project.data.measuring_rows()
    }
    rows = np.array(sorted(identities, key=identities.__getitem__))
    probabilities = predict_rows(open_session(file, project.contract), images.pixels, rows, f"{project.run.path.name}, {name}")
    measures, label_ids = measures_of(project.contract.output), images.label_ids[rows]
    accuracy = measures.measure(probabilities, label_ids)
    run = ComparedRun(
        run=str(path),
        model=name,
        architecture=project.recipe.network,
        top1_accuracy=accuracy.top1_accuracy,
        top1_interval_95=accuracy.top1_interval_95,
        loss=accuracy.loss,
        size_bytes=file.stat().st_size,
        latency_p50_ms=_latency_p50_ms(project, name),
        multi_label=accuracy.multi_label,
    )
    return _Result(
        run,
        measures.right(probabilities, label_ids),
        [identities[row] for row in rows],
        project.data.measuring_split,
    )


def _latency_p50_ms(project: Project, name: str) -> float | None:
    """Return the median latency that the run's validation measured; None when there is none, or its files have changed since."""
    with suppress(RunError):
        subject = Validation.of(project.run).subjects.get(name)
        return subject.latency_ms.p50 if subject else None
    return None


def _check_same(path: Path, images: _Images, first_path: Path, first: _Images) -> None:
    """Raise DataError unless both runs are measured on the same images with the same labels."""
    if images == first:
        return
    contents, others = {content for content, _ in images}, {content for content, _ in first}
    if contents == others:
        raise DataError(f"{first_path} and {path} give the same images different labels", "train both with the same labels")
    raise DataError(
        f"{first_path} and {path} are measured on different images: {len(first)} and {len(images)}, {len(contents & others)} in common",
        "train both on the same data with the same data.val_fraction and train.seed; "
        "a folder with val/ of its own gives every run the same images",
    )
