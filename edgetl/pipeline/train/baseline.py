"""Compare a run with a second training without transfer, on the same images and as long, image by image."""

import logging
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from edgetl.accuracy import AnyAccuracy
from edgetl.errors import UsageError
from edgetl.evaluation.measures import measures_of
from edgetl.files import fingerprint
from edgetl.float_record import NetworkFacts
from edgetl.pipeline.measuring import compared
from edgetl.pipeline.project import Project, writes
from edgetl.pipeline.settings import WHOLE_NETWORK
from edgetl.pipeline.train.stages import train_float
from edgetl.pipeline.train.start import NETWORK
from edgetl.recipe import Recipe, restore
from edgetl.registry import did_you_mean
from edgetl.run_folder import RunFolder
from edgetl.run_record import BaselineFacts, BaselineSide, FloatFacts, TrainingBudget
from edgetl.runtimes.base import predict
from edgetl.runtimes.keras import KerasSession

logger = logging.getLogger(__name__)

BASELINES = ("scratch", "head-only")
_FROM_RANDOM = 2e-3  # Adam's peak from random weights, as in the zoo's recipes: fine-tuning's own would hold the baseline down


def check(recipe: Recipe, kind: str) -> str:
    """Return the kind of baseline. Raises UsageError when it does not exist, or would be the run itself."""
    if kind not in BASELINES:
        raise UsageError(f"there is no baseline '{kind}'", did_you_mean(kind, BASELINES))
    if kind == "scratch" and recipe.model.weights == "none":
        raise UsageError("this training starts from random weights itself: a baseline from scratch is the same", "choose --weights")
    if kind == "scratch" and recipe.model.imported:
        raise UsageError("the network of a file has no random weights to start from", "compare with --baseline head-only")
    if kind == "head-only" and (not recipe.train.epochs or recipe.train.unfreeze == "none"):
        raise UsageError("this training has no fine-tuning: a baseline of the head alone is the same", "choose --epochs and --unfreeze")
    return kind


@writes
def compare_with_baseline(project: Project, kind: str) -> BaselineFacts:
    """Train the baseline beside a trained run, in RUN/baseline-KIND, and record the comparison in run.json."""
    recipe = _recipe(project.recipe, kind, _epochs(project))
    logger.info(f"baseline: {kind}")
    run = RunFolder.create(project.run.path / f"baseline-{kind}", recipe)
    other = Project(run, recipe, project.contract, lambda: project.data.listing)
    with other.run.writing():
        if recipe.model.imported:
            _copy_network(project, other)
        theirs = train_float(other)
    stage = stage_of(kind)
    project.stage(stage, fingerprint(project.run.stage("float").inputs, theirs), partial(_compare, project, other, kind))
    facts = project.run.facts(stage, BaselineFacts)
    (logger.warning if facts.gain_points < 0 and facts.shown else logger.info)(f"against {kind}: {facts.verdict}")
    return facts


def _copy_network(project: Project, other: Project) -> None:
    """Let the other run start from the same network of a file."""

    def copy() -> tuple[Sequence[Path], NetworkFacts]:
        shutil.copyfile(project.run.network, other.run.network)
        return [other.run.network], project.run.facts(NETWORK, NetworkFacts)

    other.stage(NETWORK, project.run.stage(NETWORK).inputs, copy)


def stage_of(kind: str) -> str:
    """Return the name of the stage that compares with a baseline."""
    return f"baseline_{kind.replace('-', '_')}"


def _epochs(project: Project) -> int:
    """Return for how many epochs the run was fine-tuned."""
    trained = project.run.facts("float", FloatFacts).fine_tuning
    return len(trained.epochs) if trained else 0


def _recipe(recipe: Recipe, kind: str, epochs: int) -> Recipe:
    """Return the baseline's recipe, with as many passes over the images.

    The head's features cost a forward pass or two, which an epoch of training outweighs.
    """
    train = recipe.train
    changed: dict[str, Any]
    if kind == "head-only":
        changed = {"train.head_epochs": train.head_epochs + epochs, "train.epochs": 0}
    else:
        rate = max(train.learning_rate, _FROM_RANDOM)
        passes = epochs + (1 if train.head_epochs else 0)
        changed = {"train.head_epochs": 0, "train.epochs": passes, "train.learning_rate": rate, "model.weights": "none"}
        changed |= WHOLE_NETWORK
    return restore(recipe.model_dump(), options=changed)


def _compare(project: Project, other: Project, kind: str) -> tuple[Sequence[Path], BaselineFacts]:
    images, rows = project.data.trained_images(), project.data.measuring_rows()
    label_ids, models = images.label_ids[rows], {"run": project.models.uncompressed(), kind: other.models.float_model}
    ours, theirs = (predict(KerasSession(model, project.contract), images.pixels, rows, name) for name, model in models.items())
    measures = measures_of(project.contract.output)
    found = compared(project, measures.right(ours, label_ids), measures.right(theirs, label_ids))
    facts = BaselineFacts(
        baseline=kind,
        images=found.images,
        run=_side(project, measures.measure(ours, label_ids)),
        other=_side(other, measures.measure(theirs, label_ids)),
        gain_points=found.gain_points,
        only_run=found.won,
        only_baseline=found.lost,
        mcnemar_p=found.mcnemar_p,
        shown=found.shown,
        verdict=f"{_meaning(kind, found.gain_points, shown=found.shown)}: {found}",
    )
    return [other.run.float_model], facts


def _meaning(kind: str, gain_points: float, *, shown: bool) -> str:
    what = "transfer" if kind == "scratch" else "fine-tuning"
    if not shown:
        return f"no difference is shown, {what} may or may not help"
    return f"{what} helps" if gain_points > 0 else f"negative transfer, {what} hurts"


def _side(project: Project, accuracy: AnyAccuracy) -> BaselineSide:
    train = project.recipe.train
    budget = TrainingBudget(train.head_epochs, _epochs(project), train.learning_rate, project.run.stage("float").seconds)
    return BaselineSide(accuracy.top1_accuracy, accuracy.top1_interval_95, accuracy.loss, budget, accuracy.multi_label)
