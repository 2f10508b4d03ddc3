"""Evaluate a run's models on one of its splits, and its head by cross-validation."""

import logging
from collections.abc import Sequence
from pathlib import Path

from edgetl.keras import exact_float32

import numpy as np
from numpy.typing import NDArray

from edgetl.chosen import choice_and_measure
from edgetl.compared import SPLIT_NAMES
from edgetl.errors import DataError, RunError, UsageError
from edgetl.evaluation.multi_label_scores import MultiLabelScores, score_several
from edgetl.evaluation.parity import REFERENCE
from edgetl.evaluation.results import SPLITS, CrossValidation, Evaluation, Split, SplitCounts
from edgetl.evaluation.scores import Scores, score
from edgetl.evaluation.unknowns import Rejecting
from edgetl.export.exported import ExportedFile, best_first, exported_files
from edgetl.files import fingerprint
from edgetl.output import Output
from edgetl.pipeline.evaluate.features import probe_settings, starting_features
from edgetl.pipeline.evaluate.recorded import choice_of
from edgetl.pipeline.evaluate.unknown import Known, keep, listings, rejecting
from edgetl.pipeline.export.candidates import judging
from edgetl.pipeline.export.current import exported
from edgetl.pipeline.project import Project, writes
from edgetl.registry import did_you_mean
from edgetl.report.plots.class_metrics import class_plot
from edgetl.report.plots.confusion import confusion_plot
from edgetl.run_record import DataFacts
from edgetl.runtimes import open_session, unverified
from edgetl.runtimes.base import predict as predict_rows
from edgetl.training.probe import folds, out_of_fold
from edgetl.wording import counted

logger = logging.getLogger(__name__)

Floats = NDArray[np.floating]

_LEARNED = "the models were trained on these images: the scores show what was memorized, not how well the models generalize"
_CHOSE = "the int8 model was chosen on these images: expect slightly lower scores on others"
_CV_CAVEAT = (
    "scores of a linear head on the backbone before fine-tuning, not of the fine-tuned model; the folds' training images overlap, so that "
    "the interval of the mean is an approximation"
)


@writes
def evaluate(project: Project, split: str = "", files: Sequence[Path] = (), cv_folds: int = 0, unknown: Sequence[Path] = ()) -> Evaluation:
    """Score models on the images of a split, and write evaluation.json and evaluation.png into the run.

    Args:
        split: "val", "test" or "train"; empty: the one that measures, the test split where there is one.
        files: exported files, by path or name; none: int8 and float32 as TFLite (else ONNX), or the Keras model of a run without exports.
        cv_folds: folds for the cross-validation of the head; 0: no cross-validation.
        unknown: folders of images that show none of the classes.
    """
    chosen = _split(split or project.data.measuring_split)
    if cv_folds == 1:
        raise UsageError("cross-validation needs two folds or more", "choose 2 or more; 5 is usual")
    output = project.contract.output
    if output.several:
        _check_several(cv_folds, unknown)
    check_labelled(project)
    exact_float32()
    images, rows = project.data.trained_images(), project.data.rows(chosen)
    if not len(rows):
        raise DataError(f"{project.recipe.data.source} has no {chosen} images", _remedy(project))
    label_ids, seed, strangers = images.label_ids[rows], project.recipe.train.seed, listings(project, unknown)
    models = chosen_models(project, files)
    sessions = {name: open_session(path, project.contract) for name, path in models.items()}
    predictions = {name: predict_rows(session, images.pixels, rows, name) for name, session in sessions.items()}
    found: Rejecting | None = None
    if strangers or (output.decides and not output.several):
        known = Known(predictions, label_ids, counted(len(rows), f"{SPLIT_NAMES[chosen]} image"))
        found, most_sure = rejecting(project, known, sessions, strangers)
        if strangers:
            keep(project.run, output, models, found, most_sure)
    evaluation = Evaluation(
        run=project.run.path.name,
        split=chosen,
        data_fingerprint=images.fingerprint,
        class_names=tuple(images.class_names),
        caveat=_caveat(project, chosen),
        chosen_by=choice_and_measure(project.run.read(), len(rows)) if chosen == project.data.measuring_split else "",
        models={name: _scores(output, probabilities, label_ids, seed) for name, probabilities in predictions.items()},
        cross_validation=_cross_validate(project, cv_folds) if cv_folds else None,
        rejection=found,
        thresholds=choice_of(project.run),
    )
    draw = class_plot if output.several else confusion_plot
    evaluation = evaluation.model_copy(update={"plot_description": draw(evaluation, project.run.evaluation_plot)})
    evaluation.write(project.run.evaluation)
    return evaluation


def _scores(output: Output, probabilities: Floats, label_ids: NDArray[np.integer], seed: int) -> Scores | MultiLabelScores:
    if output.several:
        return score_several(probabilities, label_ids, output.class_names, output.present_from, seed)
    return score(probabilities, label_ids, output.class_names, seed)


def _check_several(cv_folds: int, unknown: Sequence[Path]) -> None:
    """Raise UsageError for what a run of several labels an image has no use for, or no training of."""
    if cv_folds:
        problem = "cross-validation trains heads that name one class an image, and the images of this run may show several"
        raise UsageError(problem, "leave --cv out: the figures of a multi-label run have intervals, too")
    if unknown:
        raise UsageError(
            "a multi-label model rejects no image as unknown: one that shows none of its classes is below all thresholds",
            "leave --unknown out; list such images without a label in the CSV file, and they count in every figure",
        )


def check_labelled(project: Project) -> None:
    """Raise UsageError where nobody says of which class the images are."""
    if project.run.facts("data", DataFacts).truth != "labels":
        raise UsageError(
            f"{project.run.path} has no labels to score predictions by",
            "'edgetl validate' measures how its files agree; for scores import the network again with labelled images: --data DATA",
        )


def _caveat(project: Project, split: Split) -> str:
    chose = judging(project) is project.data.trained_images()
    return {"train": _LEARNED, "val": _CHOSE if chose else "", "test": ""}[split]


def _split(name: str) -> Split:
    for split in SPLITS:
        if split == name:
            return split
    raise UsageError(f"there is no split '{name}'", did_you_mean(name, SPLITS))


def _remedy(project: Project) -> str:
    if project.recipe.data.test_fraction:
        return "the set is too small for its test fraction: add images"
    return "give the source a folder test/ (or a split column with test), or train with --set data.test_fraction=0.2"


def chosen_models(project: Project, files: Sequence[Path] = ()) -> dict[str, Path]:
    """Return the models to evaluate, name to file, see `evaluate`. Raises RunError for a file that the run did not export."""
    if not files and not exported_files(project.run):
        project.run.stage(project.models.float_stage)
        return {REFERENCE: project.models.float_path}
    known = best_first(file for file in exported(project) if not unverified(file.path))
    chosen = [_found(file, known, project) for file in files] or _standard(known)
    return {file.name: file.path for file in chosen}


def _found(path: Path, known: Sequence[ExportedFile], project: Project) -> ExportedFile:
    file = next((one for one in known if one.path.name == path.name), None)
    if file is None or (path.parent != Path() and path.resolve() != file.path.resolve()):
        raise RunError(f"{project.run.path} has not exported {path}", f"choices: {', '.join(one.path.name for one in known)}")
    return file


def _standard(known: Sequence[ExportedFile]) -> list[ExportedFile]:
    """Return the main integer file and the main float file, as far as there are any."""
    found = [next((file for file in known if file.integer is integer), None) for integer in (True, False)]
    return [file for file in found if file]


def _cross_validate(project: Project, count: int) -> CrossValidation:
    features, rows = starting_features(project)
    images, seed = project.data.images, project.recipe.train.seed
    label_ids, hashes = images.label_ids[rows], [images.hashes[row] for row in rows]
    fold_of = folds(label_ids, hashes, count, seed)
    settings = probe_settings(project, len(rows) * (count - 1) // count)
    probabilities = out_of_fold(features, label_ids, fold_of, settings, seed)
    correct = probabilities.argmax(axis=1) == label_ids
    accuracies = [float(correct[fold_of == fold].mean()) for fold in range(count)]
    logger.info(f"cross-validation: {', '.join(f'{100 * accuracy:.2f}' for accuracy in accuracies)} %")
    small = [name for k, name in enumerate(images.class_names) if (label_ids == k).sum() < count]
    splits = images.splits[rows]
    return CrossValidation(
        folds=count,
        images=SplitCounts(train=int((splits == "train").sum()), val=int((splits == "val").sum())),
        backbone=_backbone(project),
        caveat=_CV_CAVEAT,
        notes=(f"fewer images than folds for {', '.join(map(repr, small))}: some folds have no such image",) if small else (),
        fold_accuracies=tuple(accuracies),
        mean_accuracy=float(np.mean(accuracies)),
        std_accuracy=float(np.std(accuracies, ddof=1)),
        pooled=score(probabilities, label_ids, images.class_names, seed),
        assignment=fingerprint(fold_of.tolist()),
    )


def _backbone(project: Project) -> str:
    return f"{project.recipe.network}, {project.recipe.model.start}"
