"""How good a run's models are on one of its splits, and how good its kind of head is by cross-validation."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgetl.keras import exact_float32

import numpy as np

from edgetl.errors import DataError, RunError
from edgetl.evaluation.scores import score
from edgetl.files import fingerprint, write_json
from edgetl.pipeline.evaluate.features import probe_settings, starting_features
from edgetl.pipeline.export.files import exported
from edgetl.pipeline.project import Project
from edgetl.pipeline.validate import subject_name
from edgetl.report import evaluation as report
from edgetl.runtimes import open_session
from edgetl.runtimes.base import predict as predict_rows
from edgetl.training.probe import folds, out_of_fold

logger = logging.getLogger(__name__)

_STANDARD = ("int8", "float32")
_CAVEATS = {
    "train": "the models were trained on these images: the figures say what was learned by heart, not what they are worth",
    "val": "the best epoch, and the better int8 model, were chosen on these images: expect a little less on others",
}
_CV_CAVEAT = (
    "of a linear head on the backbone as training starts from it, not of the fine-tuned model; a fold's head was trained on images that "
    "others share, so the interval of the mean is an approximation"
)


def evaluate(project: Project, split: str = "val", files: Sequence[Path] = (), cv_folds: int = 0) -> dict[str, Any]:
    """Scores of models on the images of a split; into evaluation.json and evaluation.png.

    Args:
        files: exported ones, by path or by name; none: int8 and float32 as TFLite (else ONNX), or the Keras model of a run without exports.
        cv_folds: 0: no cross-validation.
    """
    project.run.hold()
    exact_float32()
    images, rows = project.trained_images(), project.images.rows(split)
    if not len(rows):
        raise DataError(f"{project.recipe.data.source} has no {split} images", _remedy(project))
    labels, classes, seed = images.label_ids[rows], images.class_names, project.recipe.train.seed
    predictions = {
        name: predict_rows(open_session(path, project.contract), images.pixels, rows, name)
        for name, path in chosen_models(project, files).items()
    }
    document: dict[str, Any] = {
        "run": project.run.path.name,
        "split": split,
        "data": images.fingerprint,
        "class_names": list(classes),
        "caveat": _CAVEATS.get(split, ""),
        "models": {name: asdict(score(of_model, labels, classes, seed)) for name, of_model in predictions.items()},
    }
    if cv_folds:
        document["cross_validation"] = _cross_validate(project, cv_folds)
    document["alt"] = report.confusion_plot(document, project.run.evaluation_plot)
    write_json(project.run.evaluation, document)
    return document


def _remedy(project: Project) -> str:
    if project.recipe.data.test_fraction:
        return "the set is too small for its test fraction: add images"
    return "give the source a folder test/ (or a split column with test), or train with --set data.test_fraction=0.2"


def chosen_models(project: Project, files: Sequence[Path] = ()) -> dict[str, Path]:
    """Name to file, see `evaluate`. Raises RunError for a file that the run did not export."""
    if not files and not any(name.startswith("export_") for name in project.run.read()["stages"]):
        project.run.stage(project.float_stage)
        return {subject_name(project.float_path): project.float_path}
    known = {Path(file).name: project.run.path / file for file in exported(project) if Path(file).suffix in (".tflite", ".onnx")}
    return {subject_name(path): path for path in [_found(file, known, project) for file in files] or _standard(known)}


def _found(file: Path, known: Mapping[str, Path], project: Project) -> Path:
    path = known.get(file.name)
    if path is None or (file.parent != Path() and file.resolve() != path.resolve()):
        raise RunError(f"{project.run.path} has not exported {file}", f"choices: {', '.join(known)}")
    return path


def _standard(known: Mapping[str, Path]) -> list[Path]:
    """One file a precision, the one that phones read where there is one."""
    found = [
        next((known[name] for name in (f"model_{precision}.tflite", f"model_{precision}.onnx") if name in known), None)
        for precision in _STANDARD
    ]
    return [path for path in found if path] or list(known.values())


def _cross_validate(project: Project, count: int) -> dict[str, Any]:
    features, rows = starting_features(project)
    images, seed = project.images, project.recipe.train.seed
    labels, hashes = images.label_ids[rows], [images.hashes[row] for row in rows]
    fold_of = folds(labels, hashes, count, seed)
    settings = probe_settings(project, len(rows) * (count - 1) // count)
    predictions = out_of_fold(features, labels, fold_of, len(images.class_names), settings, seed)
    right = predictions.argmax(axis=1) == labels
    accuracies = [float(right[fold_of == fold].mean()) for fold in range(count)]
    logger.info(f"cross-validation: {', '.join(f'{100 * accuracy:.2f}' for accuracy in accuracies)} %")
    small = [name for k, name in enumerate(images.class_names) if (labels == k).sum() < count]
    notes = [f"fewer images than folds of {', '.join(map(repr, small))}: some folds hold none of it"] if small else []
    return {
        "folds": count,
        "images": {"train": int((images.splits[rows] == "train").sum()), "val": int((images.splits[rows] == "val").sum())},
        "backbone": project.recipe.model.model_dump(),
        "caveat": _CV_CAVEAT,
        "notes": notes,
        "fold_accuracies": accuracies,
        "mean_accuracy": float(np.mean(accuracies)),
        "std_accuracy": float(np.std(accuracies, ddof=1)),
        "pooled": asdict(score(predictions, labels, images.class_names, seed)),
        "assignment": fingerprint(fold_of.tolist()),
    }
