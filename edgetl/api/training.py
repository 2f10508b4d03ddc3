"""Training: functions that make a run, a backbone, or several runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from edgetl import stops
from edgetl.api.files import File, as_path
from edgetl.api.run import Run
from edgetl.api.settings import Choices, Overrides, options, overrides
from edgetl.errors import UsageError

if TYPE_CHECKING:
    from edgetl.api.results import Pretrained
    from edgetl.evaluation.results import LearningCurve
    from edgetl.evaluation.validation import Validation
    from edgetl.tuning_record import TuningRecord


def train(
    data: File = "",
    *,
    out: File | None = None,
    recipe: File | None = None,
    quick: bool = False,
    baseline: str = "",
    settings: Overrides | None = None,
    **choices: Unpack[Choices],
) -> Run:
    """Fine-tune a model on labelled images, then train it with quantization in the loop; return the run.

    What an earlier call with the same settings finished is not done again.

    Args:
        data: a folder (CLASS/*, or train/, val/, test/ of that), a CSV file, or the name of a set such as "digits"; default: the recipe's.
        out: folder of the run; default: runs/NAME, the same for the same settings.
        recipe: a TOML file of settings, over which the others are put.
        quick: use the recipe's table [quick], a short try.
        baseline: "scratch" or "head-only": train that too, and record whether transfer, or fine-tuning, helped.
        settings: any setting of `edgetl list settings` by dotted key, such as {"augment.flip": False}.
        choices: settings with a keyword of their own, see `edgetl.Choices`: backbone, alpha, image_size, epochs, seed and others.

    Example:
        run = edgetl.train("flowers/", backbone="mobilenet_v2", alpha=0.35, image_size=128)
    """
    run = _train(data, out=out, recipe=recipe, quick=quick, baseline=baseline, settings=settings, choices=choices)
    run.track()
    return run


def run(
    recipe: File,
    *,
    out: File | None = None,
    quick: bool = False,
    settings: Overrides | None = None,
    **choices: Unpack[Choices],
) -> "tuple[Run, Validation | None]":
    """Train, export and validate by a recipe; return the run and its validation (None where another process of a team does that).

    Args:
        recipe: a TOML file of settings, whose data.source names the images.
        out, quick, settings, choices: as for `train`.
    """
    with _train("", out=out, recipe=recipe, quick=quick, baseline="", settings=settings, choices=choices) as made:
        if made.rank:
            return made, None
        made.export()
        validation = made.validate(again=False)
        made.track()
    return made, validation


def _train(
    data: File,
    *,
    out: File | None,
    recipe: File | None,
    quick: bool,
    baseline: str,
    settings: Overrides | None,
    choices: Choices,
) -> Run:
    from edgetl import recipe as recipes

    texts, dotted = overrides(settings)
    file, asked = as_path(recipe), options(choices, data or None) | dotted
    chosen = recipes.load(file, texts, asked, quick=quick)
    source = recipes.pretraining(file, texts, asked, quick=quick)

    from edgetl.pipeline import track
    from edgetl.pipeline.project import Project
    from edgetl.pipeline.train import baseline as baselines
    from edgetl.pipeline.train import stages as stage
    from edgetl.pipeline.train.pretrain import make_backbone

    track.check(chosen)
    if baseline:
        baselines.check(chosen, baseline)
    if source is not None:
        make_backbone(source, Path(chosen.model.weights))
    project = Project.create(chosen, as_path(out))
    with project.writing():
        stage.train(project)
        stops.check()
        if baseline and project.team.rank == 0:
            baselines.compare_with_baseline(project, baseline)
    return Run.of(project)


def pretrain(
    data: File,
    *,
    out: File | None = None,
    recipe: File | None = None,
    settings: Overrides | None = None,
    **choices: Unpack[Choices],
) -> "Pretrained":
    """Train a backbone on one set of images, as a start for others; return its file.

    Args:
        data: images to learn from, as for `train`.
        out: file that ends in .npz; default: backbone.npz in a run under runs/pretrained.
        recipe, settings, choices: as for `train`; weights are "none" by default.

    Example:
        weights = edgetl.pretrain("cifar10", backbone="small_cnn", image_size=32, out="small_cnn.npz").file
    """
    from edgetl import recipe as recipes

    if out is not None and Path(out).suffix != ".npz":
        raise UsageError(f"{out} does not end in .npz", "'edgetl train --weights' tells backbone files by that")
    texts, dotted = overrides(settings)
    asked = options({"weights": "none", **choices}, data) | dotted
    chosen = recipes.load(as_path(recipe), texts, asked)
    if chosen.model.weights == "none":  # on features of random weights the head learns nothing worth having
        chosen = recipes.load(as_path(recipe), texts, {"train.head_epochs": 0} | asked)

    from edgetl.api.results import Pretrained
    from edgetl.pipeline.project import Project
    from edgetl.pipeline.train import pretrain as stage
    from edgetl.run_folder import PRETRAINED
    from edgetl.run_record import FloatFacts

    project = Project.create(chosen, None, PRETRAINED)
    file = stage.pretrain(project, as_path(out))
    return Pretrained(file, project.run.path, chosen.model.backbone, project.run.facts("backbone", FloatFacts))


def learning_curve(
    data: File,
    *,
    out: File | None = None,
    seeds: int = 5,
    recipe: File | None = None,
    settings: Overrides | None = None,
    **choices: Unpack[Choices],
) -> "tuple[Run, LearningCurve]":
    """Estimate what more images would be worth: train heads on a sixteenth to all of them; return the run and the curve.

    Args:
        data, out, recipe, settings, choices: as for `train`, which goes on in the same run.
        seeds: heads for each number of images.
    """
    from edgetl import recipe as recipes

    texts, dotted = overrides(settings)
    chosen = recipes.load(as_path(recipe), texts, options(choices, data) | dotted)

    from edgetl.pipeline.evaluate import learning_curve as stage
    from edgetl.pipeline.project import Project

    project = Project.create(chosen, as_path(out))
    return Run.of(project), stage.learning_curve(project, seeds)


def tune(
    data: File,
    *,
    latency_budget_ms: float = 0.0,
    device: str = "local",
    trials: int = 12,
    out: File | None = None,
    recipe: File | None = None,
    settings: Overrides | None = None,
) -> "tuple[Path, TuningRecord]":
    """Search backbone, width, image size and schedule for accuracy, measured latency and size; return the folder and what was found.

    Args:
        data: images, as for `train`.
        latency_budget_ms: median latency of one image that is allowed; 0: any.
        device: device that latency is measured on, see `edgetl list devices`.
        trials: networks to judge in all, those of earlier calls included.
        out: folder of tune.json, tune.png and best.toml; default: runs/NAME-tune.
        recipe, settings: as for `train`, for all trials.
    """
    from edgetl import recipe as recipes

    texts, dotted = overrides(settings)
    source = str(Path(data).resolve()) if Path(data).exists() else str(data)
    chosen = recipes.load(as_path(recipe), texts, {"data.source": source} | dotted)

    from edgetl.pipeline.tune import search as stage
    from edgetl.run_folder import RUNS

    folder = as_path(out) or RUNS / f"{Path(data).stem or 'data'}-tune"
    return folder, stage.tune(chosen, folder, stage.Search(trials=trials, device=device, budget_ms=latency_budget_ms))
