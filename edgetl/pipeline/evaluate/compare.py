"""Several runs on the same validation images."""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from typing import Any

from edgetl.keras import exact_float32

import numpy as np
from numpy.typing import NDArray

from edgetl.errors import DataError, UsageError
from edgetl.evaluation.metrics import measure
from edgetl.evaluation.statistics import holm, paired
from edgetl.files import write_json
from edgetl.pipeline.evaluate.scores import chosen_models
from edgetl.pipeline.project import Project
from edgetl.report import comparison as report
from edgetl.runtimes import open_session
from edgetl.runtimes.base import predict as predict_rows

_Images = list[tuple[str, str]]


def compare(paths: Sequence[Path], model: Path | None, out: Path | None) -> dict[str, Any]:
    """Accuracy, size and latency of each run, and a paired test of each two; into compare.json and compare.png.

    Args:
        model: an exported file's name, the same for all runs; None: see `evaluate`, the first.
        out: a folder; None: the one that the first run lies in.
    """
    if len({path.resolve() for path in paths}) != len(paths) or len(paths) < 2:
        raise UsageError("to compare takes two or more different runs", "name them: edgetl compare runs/a runs/b")
    exact_float32()
    runs: list[dict[str, Any]] = []
    rights: list[NDArray[np.bool_]] = []
    images: list[_Images] = []
    for path in paths:
        facts, right, of = _answer(Project.open(path), model)
        _check_same(path, of, paths[0], images[0] if images else of)
        runs.append({"run": str(path)} | facts)
        rights.append(right)
        images.append(of)
    places = list(combinations(range(len(runs)), 2))
    tests = [paired(rights[a], rights[b]) for a, b in places]
    raised = holm([test.mcnemar_p for test in tests])
    pairs = [
        {"first": runs[a]["run"], "second": runs[b]["run"], **asdict(test), "holm_p": p}
        for (a, b), test, p in zip(places, tests, raised, strict=True)
    ]
    document: dict[str, Any] = {"images": len(images[0]), "runs": runs, "pairs": pairs}
    folder = out or paths[0].resolve().parent
    document["alt"] = report.plot(document, folder / "compare.png")
    write_json(folder / "compare.json", document)
    return document | {"folder": str(folder)}


def _answer(project: Project, model: Path | None) -> tuple[dict[str, Any], NDArray[np.bool_], _Images]:
    """One run's facts, and which of its validation images are right, in the order of the images' contents."""
    name, path = next(iter(chosen_models(project, [model] if model else []).items()))
    images = project.trained_images()
    of = {row: (images.hashes[row], images.class_names[images.label_ids[row]]) for row in images.rows("val")}
    rows = np.array(sorted(of, key=of.__getitem__))
    predictions = predict_rows(open_session(path, project.contract), images.pixels, rows, f"{project.run.path.name}, {name}")
    accuracy, settings = measure(predictions, images.label_ids[rows]), project.recipe.model
    facts = {
        "model": name,
        "backbone": f"{settings.backbone} {settings.alpha:g}, {settings.image_size} px",
        "top1_accuracy": accuracy.top1_accuracy,
        "top1_interval_95": accuracy.top1_interval_95,
        "loss": accuracy.loss,
        "size_bytes": path.stat().st_size,
        "latency_ms": _latency(project, name),
    }
    return facts, predictions.argmax(axis=1) == images.label_ids[rows], [of[row] for row in rows]


def _latency(project: Project, name: str) -> dict[str, float] | None:
    """As the run's validation measured it, unless the files are others by now."""
    stage = project.run.read()["stages"].get("validate")
    if stage is None or not project.run.is_done("validate", stage["inputs"]):
        return None
    subject = project.run.read_validation()["subjects"].get(name)
    return subject["latency_ms"] if subject else None


def _check_same(path: Path, of: _Images, first_path: Path, first: _Images) -> None:
    if of == first:
        return
    contents, others = {content for content, _ in of}, {content for content, _ in first}
    if contents == others:
        raise DataError(f"{first_path} and {path} give the same validation images other labels", "train both on the same labels")
    raise DataError(
        f"{first_path} and {path} have different validation images: {len(first)} and {len(of)}, {len(contents & others)} in common",
        "train both on the same data with the same data.val_fraction and train.seed; "
        "a folder with val/ of its own gives every run the same images",
    )
