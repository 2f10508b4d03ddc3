"""Choose a threshold for each class of a run, on images that the figures are not measured on, and write them into its files."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from edgetl.keras import exact_float32

import numpy as np
from numpy.typing import NDArray

from edgetl.compared import of_split
from edgetl.data.base import shown_by
from edgetl.errors import DataError, RunError
from edgetl.evaluation.per_class import decided_metrics
from edgetl.evaluation.thresholds import Aim, BestThresholds, best_thresholds, best_thresholds_of_several
from edgetl.evaluation.unknowns import ClassThreshold, ThresholdChoice
from edgetl.evaluation.validation import Validation
from edgetl.export.exported import best_first
from edgetl.output import Output, Thresholds
from edgetl.pipeline.evaluate.scores import check_labelled
from edgetl.pipeline.export.current import exported
from edgetl.pipeline.export.restamped import restamp
from edgetl.pipeline.project import Project, writes
from edgetl.pipeline.validate import validate
from edgetl.run_record import FloatFacts
from edgetl.runtimes import open_session, unverified
from edgetl.runtimes.base import predict as predict_rows
from edgetl.training.probe import folds
from edgetl.wording import measured_on

logger = logging.getLogger(__name__)

Probabilities = NDArray[np.floating]
Labels = NDArray[np.integer]
Decisions = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Predicted:
    """Images as the main model predicts them: probabilities [N, K], labels [N] or [N, K], and their contents."""

    probabilities: Probabilities
    label_ids: Labels
    hashes: tuple[str, ...]


@writes
def choose_thresholds(project: Project, aim: Aim) -> ThresholdChoice:
    """Choose by the main exported file, and write the thresholds into contracts and model files, and thresholds.json.

    They are chosen on images that were not learned from and do not measure: validation images where test images measure, else training
    images that are held out to choose. Where there are none, each half of the images that measure is judged by thresholds of the other.
    """
    check_labelled(project)
    exact_float32()
    main = best_first(file for file in exported(project) if not unverified(file.path))[0]
    session, images, output = open_session(main.path, project.contract), project.data.trained_images(), project.contract.output

    def predicted(rows: NDArray[np.int64], of: str) -> _Predicted:
        probabilities = predict_rows(session, images.pixels, rows, f"{main.name}, {of}")
        return _Predicted(probabilities, images.label_ids[rows], tuple(images.hashes[row] for row in rows))

    measuring = predicted(project.data.measuring_rows(), "images that measure")
    words = of_split(len(measuring.label_ids), project.data.measuring_split)
    rows, chosen_on = _choosing(project)
    before, bare = output.present(measuring.probabilities), output.model_copy(update={"thresholds": None})
    if len(rows):
        choosing = predicted(rows, "images that choose")
        found, measured = _best(bare, choosing, aim), words
        after = _deciding(bare, found).present(measuring.probabilities)
    else:
        found, chosen_on = _best(bare, measuring, aim), words
        after, measured = _crossed(bare, measuring, aim, project.recipe.train.seed), f"{words}, each half with thresholds of the other"
    classes = _compared(output, found, (before, after), measuring.label_ids)
    choice = ThresholdChoice(
        target=str(aim),
        model=main.name,
        chosen_on=chosen_on,
        measured_on=measured,
        made_for=project.run.stage(main.stage).inputs,
        classes=classes,
        notes=(*found.notes, *_missed(classes, aim), *_losses(classes)),
    )
    _restamped(project, Thresholds(per_class=found.per_class))
    choice.write(project.run.thresholds)
    return choice


@writes
def remove_thresholds(project: Project) -> None:
    """Take the thresholds of the classes out of contracts and model files; the rejection of unknown images stays as it is."""
    _restamped(project, None)
    project.run.thresholds.unlink(missing_ok=True)


def _restamped(project: Project, thresholds: Thresholds | None) -> None:
    """Write thresholds into the run, and validate again where it was validated: a validation is about decisions too."""
    validated = None
    with suppress(RunError):
        validated = Validation.of(project.run)
    restamp(project, thresholds)
    if validated:
        logger.info("other thresholds: validating again")
        validate(project, validated.images)


def _choosing(project: Project) -> tuple[NDArray[np.int64], str]:
    """Return the images to choose on, and what they are called; none, with a warning why, where those that measure have to choose."""
    rows = project.data.rows("val")
    if project.data.measuring_split == "test" and len(rows):
        return rows, of_split(len(rows), "val")
    trained, images = project.run.facts("float", FloatFacts), project.data.choosing
    if trained.imported or trained.trained_again or images is project.data.images:
        why = "may have been learned from before the import" if trained.imported else "were learned from in the end"
        why = why if trained.imported or trained.trained_again else "are not held out to choose"
        logger.warning(
            f"training images {why}: thresholds are chosen on the images that measure, and each half is judged by those of the other; "
            "a folder test/ of its own measures more simply"
        )
        return np.empty(0, np.int64), ""
    rows = images.rows("val")
    return rows, measured_on(len(rows), "held-out training image")


def _best(output: Output, images: _Predicted, aim: Aim) -> BestThresholds:
    if output.several:
        return best_thresholds_of_several(images.probabilities, images.label_ids == 1, output.class_names, aim)
    least = output.rejection.threshold if output.rejection else 0.0
    return best_thresholds(images.probabilities, images.label_ids, output.class_names, aim, least)


def _deciding(output: Output, found: BestThresholds) -> Output:
    return output.model_copy(update={"thresholds": Thresholds(per_class=found.per_class)})


def _crossed(output: Output, images: _Predicted, aim: Aim, seed: int) -> Decisions:
    """Return the decisions [N, K] for each half of the images by thresholds of the other half."""
    if len(set(images.hashes)) < 2:
        raise DataError("one image cannot both choose thresholds and measure them", "add images")
    kinds = np.unique(images.label_ids, axis=0, return_inverse=True)[1] if output.several else images.label_ids  # the same labels together
    half_of = folds(kinds, images.hashes, 2, seed)
    decisions = np.zeros(images.probabilities.shape, bool)
    for half in (0, 1):
        here, there = half_of == half, half_of != half
        others = _Predicted(images.probabilities[there], images.label_ids[there], ())
        decisions[here] = _deciding(output, _best(output, others, aim)).present(images.probabilities[here])
    return decisions


def _compared(
    output: Output, found: BestThresholds, decisions: tuple[Decisions, Decisions], label_ids: Labels
) -> tuple[ClassThreshold, ...]:
    before, after = (decided_metrics(one, shown_by(label_ids, len(output.class_names))) for one in decisions)
    columns = zip(output.class_names, found.per_class, before, after, strict=True)
    return tuple(ClassThreshold(*column) for column in columns)


def _missed(classes: Sequence[ClassThreshold], aim: Aim) -> list[str]:
    """Return a sentence on the classes that have less than the asked precision on images that did not choose; none where there are none."""
    if aim.precision is None:
        return []
    missed = [f"'{one.class_name}' ({100 * one.after.precision:.1f} %)" for one in classes if one.after.precision < aim.precision]
    return [f"on the images that measure, less precise than {100 * aim.precision:g} %: {', '.join(missed)}"] if missed else []


def _losses(classes: Sequence[ClassThreshold]) -> list[str]:
    """Return a sentence on the classes that are hardly named any more; none where there are none."""
    lost = [f"'{one.class_name}'" for one in classes if one.after.recall < one.before.recall / 2]
    return [f"more than half of the recall is lost for {', '.join(lost)}: a lower target would cost less"] if lost else []
