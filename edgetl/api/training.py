"""Training: functions that make a run, a backbone, or several runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Unpack, cast

from edgetl import recipe as recipes
from edgetl import stops
from edgetl.api.checks import File, as_path, at_least, text_of, texts
from edgetl.api.options import TrainOptions, TuneOptions
from edgetl.api.run import Run
from edgetl.api.settings import SHORT, RecipeOptions
from edgetl.errors import UsageError
from edgetl.overview import Overview, Tabular
from edgetl.recipe import Recipe
from edgetl.recipe_values import Overrides
from edgetl.registry import did_you_mean

if TYPE_CHECKING:
    from edgetl.api.results import Pretrained, Tuned
    from edgetl.evaluation.results import LearningCurve
    from edgetl.evaluation.validation import Validation


@dataclass(frozen=True, repr=False)
class Completed(Tabular):
    """A run that was trained, exported and validated; `validation` is None where another process of a team does that."""

    run: Run
    validation: "Validation | None"

    def overview(self) -> Overview:
        """Return the validation, with the run that it is of."""
        if self.validation is None:
            return Overview(f"{self.run!r}, rank {self.run.rank}")
        return self.validation.overview().with_note(f"run: {self.run.path}")


@dataclass(frozen=True, repr=False)
class Estimated(Tabular):
    """A learning curve, and the run that training can go on in."""

    run: Run
    curve: "LearningCurve"

    @property
    def plot(self) -> Path:
        return self.run.folder.learning_curve_plot

    def overview(self) -> Overview:
        """Return the curve, with its plot."""
        return self.curve.overview().with_note(f"plot: {self.plot}")


def train(data: File = "", *, out: File | None = None, baseline: str = "", **options: Unpack[TrainOptions]) -> Run:
    """Fine-tune a model on labelled images, then train it with quantization in the loop; return the run.

    A second call with the same settings continues where the first one stopped.

    Args:
        data: a folder (CLASS/*, or train/, val/ and test/ with such folders), a CSV file, or a set such as "digits"; default: the recipe's.
        out: folder of the run; default: runs/NAME, the same for the same settings.
        baseline: "scratch" or "head-only": also train this baseline, and record whether transfer, or fine-tuning, helped.
        options: backbone, alpha, image_size, epochs, seed and others, see `edgetl.Choices`, `edgetl.RecipeOptions` and
            `edgetl.TrainOptions`.

    Examples:
        >>> run = edgetl.train("flowers/", backbone="mobilenet_v2", alpha=0.35, image_size=128)
    """
    made = _train(data, out, baseline, **options)
    made.track()
    return made


def import_model(model: File, data: File = "", *, out: File | None = None, **options: Unpack[RecipeOptions]) -> Run:
    """Make a run of a trained classifier from elsewhere, and quantize it; return the run, which can do all that others can.

    Args:
        model: an .onnx, .keras, .h5 or .tflite file, or a SavedModel folder. Nothing in it is run. A file that is quantized to 8 bits
            keeps its integers.
        data: labelled images of its classes, as for `train`: they show how it is fed, calibrate it and measure it; or a folder of images
            without labels, by which it is compared with the original alone; empty: float files alone, compared on noise.
        out: folder of the run; default: runs/NAME, the same for the same settings.
        options: preprocessing, resize, class_names, size, qat and others, see `edgetl.Choices` and `edgetl.RecipeOptions`.

    Raises ModelFileError for a file that cannot be read or has operators that edgetl does not know.

    Examples:
        >>> run = edgetl.import_model("resnet.onnx", "flowers/")
    """
    from edgetl import importing

    given = Given.of(data, **(options | {"weights": text_of("model", model)}))
    importing.check(Path(given.recipe().model.weights))  # before TensorFlow is loaded

    from edgetl.pipeline import plan
    from edgetl.pipeline.imported.create import SETTINGS, create
    from edgetl.pipeline.train import stages as stage

    project = create(given.recipe(SETTINGS), as_path(out))
    project.planned(plan.training(project.recipe))
    with project.writing():
        stage.train(project)
    made = Run.of(project)
    made.track()
    return made


def run(recipe: File, /, *, out: File | None = None, **options: Unpack[TrainOptions]) -> Completed:
    """Train, export and validate by a recipe; return the run and its validation.

    Args:
        recipe: a TOML file of settings, whose data.source names the images.
        out: as for `train`.
        options: as for `train`.

    Examples:
        >>> print(edgetl.run("recipe.toml", quick=True).validation)
    """
    with _train("", out, "", complete=True, **(options | {"recipe": recipe})) as made:
        if made.rank:
            return Completed(made, None)
        made.export()
        validation = made.validate(again=False)
        made.track()
    return Completed(made, validation)


def _train(data: File, out: File | None, baseline: str, *, complete: bool = False, **options: Unpack[TrainOptions]) -> Run:
    texts(baseline=baseline)
    given = Given.of(data, **options)
    recipe, source = given.recipe(), given.pretraining()
    _check_weights(Path(recipe.model.weights), as_path(out))

    from edgetl.pipeline import plan, track
    from edgetl.pipeline.imported.fine_tuning import new_run, with_network
    from edgetl.pipeline.train import baseline as baselines
    from edgetl.pipeline.train import stages as stage
    from edgetl.pipeline.train.pretrain import make_backbone

    recipe = with_network(recipe)
    track.check(recipe)
    if baseline:
        baselines.check(recipe, baseline)
    if source is not None:
        make_backbone(source, Path(recipe.model.weights))
    project = new_run(recipe, as_path(out))
    project.planned(plan.complete(recipe) if complete else plan.training(recipe, baseline and baselines.stage_of(baseline)))
    with project.writing():
        stage.train(project)
        stops.check()
        if baseline and project.team.rank == 0:
            baselines.compare_with_baseline(project, baseline)
    return Run.of(project)


def _check_weights(weights: Path, out: Path | None) -> None:
    """Raise ModelFileError before TensorFlow is loaded where the network of a file is to be trained, and there is none."""
    from edgetl import importing
    from edgetl.run_folder import RUNS, RunFolder

    runs = [out] if out else RUNS.glob("*")
    if importing.is_network(weights) and (weights.exists() or not any(RunFolder(run).network.exists() for run in runs)):
        importing.check(weights)  # a run that keeps the network goes on without the file


def pretrain(data: File, *, out: File | None = None, **options: Unpack[RecipeOptions]) -> "Pretrained":
    """Train a backbone that other trainings can start from; return its file.

    Args:
        data: images to learn from, as for `train`.
        out: file that ends in .npz; default: backbone.npz in a run under runs/pretrained.
        options: see `edgetl.RecipeOptions` and `edgetl.Choices`; weights are "none" by default.

    Examples:
        >>> weights = edgetl.pretrain("cifar10", backbone="small_cnn", image_size=32, out="small_cnn.npz").file
    """
    file = as_path(out)
    if file and file.suffix != ".npz":
        raise UsageError(f"{out} does not end in .npz", "'edgetl train --weights' recognizes a backbone file by that suffix")
    given = Given.of(data, **({"weights": "none"} | options))
    recipe = given.recipe()
    if recipe.model.weights == "none":  # on features of random weights the head learns nothing worth having
        recipe = given.recipe({"train.head_epochs": 0})

    from edgetl.api.results import Pretrained
    from edgetl.pipeline.project import Project
    from edgetl.pipeline.train import pretrain as stage
    from edgetl.run_folder import PRETRAINED
    from edgetl.run_record import FloatFacts

    project = Project.create(recipe, None, PRETRAINED)
    return Pretrained(stage.pretrain(project, file), project.run.path, recipe.model.backbone, project.run.facts("backbone", FloatFacts))


def learning_curve(data: File, *, out: File | None = None, seeds: int = 5, **options: Unpack[RecipeOptions]) -> Estimated:
    """Estimate what more images would be worth, by heads trained on a sixteenth up to all of them; return the curve and the run.

    Args:
        data: as for `train`.
        out: as for `train`, which goes on in the same run.
        seeds: heads for each number of images.
        options: see `edgetl.RecipeOptions` and `edgetl.Choices`.

    Examples:
        >>> edgetl.learning_curve("flowers/", image_size=128).curve.summary()
    """
    at_least(1, seeds=seeds)
    recipe = Given.of(data, **options).recipe()

    from edgetl.pipeline.evaluate import learning_curve as stage
    from edgetl.pipeline.imported.fine_tuning import new_run, with_network

    project = new_run(with_network(recipe), as_path(out))
    curve = stage.learning_curve(project, seeds)
    return Estimated(Run.of(project), curve)


def tune(data: File, *, out: File | None = None, **options: Unpack[TuneOptions]) -> "Tuned":
    """Search over backbone, width, image size and learning rate for accurate, fast and small models; return what was found.

    Args:
        data: images, as for `train`.
        out: folder of tune.json, tune.png and best.toml; default: runs/NAME-tune.
        options: see `edgetl.TuneOptions`.

    Examples:
        >>> edgetl.tune("flowers/", latency_budget_ms=5, trials=12).recipe
    """
    from edgetl.devices import LOCAL

    budget_ms, device, trials = options.pop("latency_budget_ms", 0.0), options.pop("device", LOCAL), options.pop("trials", 12)
    arena_bytes, flash_bytes = options.pop("arena_budget_bytes", 0), options.pop("flash_budget_bytes", 0)
    at_least(1, trials=trials)
    at_least(0, arena_budget_bytes=arena_bytes, flash_budget_bytes=flash_bytes)
    texts(device=device)
    if not isinstance(budget_ms, int | float) or not 0 <= budget_ms < float("inf"):
        raise UsageError(f"latency_budget_ms cannot be {budget_ms!r}", "give milliseconds; 0: any latency")
    recipe = recipes.anchored(Given.of(data, **cast("RecipeOptions", options)).recipe())  # without those of the search alone

    from edgetl.api.results import Tuned
    from edgetl.pipeline.tune import search as stage
    from edgetl.run_folder import RUNS
    from edgetl.tuning_record import Budget

    folder = as_path(out) or RUNS / f"{Path(recipe.data.source).stem or 'data'}-tune"
    budget = Budget(float(budget_ms), arena_bytes, flash_bytes)
    return Tuned(folder, stage.tune(recipe, folder, stage.Search(trials=trials, device=device, budget=budget)))


@dataclass(frozen=True)
class Given:
    """Settings as a caller gives them.

    Args:
        file: a recipe.
        settings: as texts or by dotted key, see `recipe.load`.
        values: settings that have a keyword, by dotted key.
        quick: use the recipe's table [quick], too.
    """

    file: Path | None = None
    settings: Overrides | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    quick: bool = False

    @classmethod
    def of(cls, data: str | Path, /, *, quick: bool = False, **options: Unpack[RecipeOptions]) -> "Given":
        """Return the settings in the arguments of a function. Raises UsageError that names the one meant where one is unknown."""
        file = as_path(options.pop("recipe", None))
        settings = options.pop("settings", None)
        source = text_of("data", data)
        named: dict[str, object] = {"data.source": source} if source else {}
        for name, value in options.items():
            if name not in SHORT:
                raise UsageError(f"there is no setting '{name}'", _meant(name))
            if value is not None:
                named[SHORT[name]] = str(value) if isinstance(value, Path) else value
        return cls(file, settings, named, quick)

    def recipe(self, defaults: Mapping[str, object] | None = None) -> Recipe:
        """Return the recipe. Raises UsageError that names every mistake."""
        return recipes.load(self.file, self.settings, {**(defaults or {}), **self.values}, quick=self.quick)

    def pretraining(self) -> Recipe | None:
        """Return the recipe of the backbone that the recipe's table [pretrain] asks for, if it has one."""
        return recipes.pretraining(self.file, self.settings, self.values, quick=self.quick)


def _meant(name: str) -> str:
    dotted = [f"{table}.{name}" for table, field in Recipe.model_fields.items() if name in getattr(field.annotation, "model_fields", {})]
    return f"write settings={{'{dotted[0]}': ...}}" if dotted else did_you_mean(name, SHORT)
