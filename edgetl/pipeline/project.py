"""A run together with its recipe and its images: what every verb of the pipeline works on."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from edgetl import stops
from edgetl.backbones import BACKBONES
from edgetl.contract import Contract, Frame
from edgetl.data.base import Listing
from edgetl.errors import UsageError
from edgetl.export import FORMATS
from edgetl.files import fingerprint
from edgetl.float_record import Imported
from edgetl.importing import is_network
from edgetl.output import Task
from edgetl.pipeline.plan import PlannedStage, epochs_after, fine_tunes
from edgetl.pipeline.recorded_images import find, listing_of
from edgetl.pipeline.run_inputs import RunData, RunModels
from edgetl.quantization import scheme_of
from edgetl.recipe import Recipe, anchored, restore
from edgetl.recipe_values import Overrides
from edgetl.run_folder import RUNS, RunFolder
from edgetl.run_record import DataFacts, FloatFacts, StageFacts, seconds_per_epoch
from edgetl.wording import duration

if TYPE_CHECKING:
    from edgetl.backbones.base import Backbone
    from edgetl.quantization.quantized import Quantized
    from edgetl.training.team import Team

logger = logging.getLogger(__name__)
P = ParamSpec("P")
Made = TypeVar("Made")


def writes(verb: Callable[Concatenate["Project", P], Made]) -> Callable[Concatenate["Project", P], Made]:
    """Make the verb the one writer of the project's run while it works."""

    @wraps(verb)
    def call(project: "Project", /, *arguments: P.args, **options: P.kwargs) -> Made:
        with project.run.writing():
            return verb(project, *arguments, **options)

    return call


@dataclass(frozen=True, eq=False)
class ImportedNetwork:
    """A network from elsewhere, ready to be a run's float model: from the contract's grid to logits; and facts about it.

    Args:
        quantized: the integers of a quantized file; `model` is what they stand for.
    """

    model: Any
    facts: Imported
    quantized: "Quantized | None" = None


class Project:
    """A run with its recipe, and with its images and models, which are read when a stage first needs them.

    A trained run is opened without TensorFlow, which takes seconds to load: what needs it loads it.

    Args:
        find: lists the images.

    Attributes:
        source: the network that the float model is to be made of, of a run that imports one.
        plan: the stages of the command in order, each of which is announced when its work begins; empty: none is.
    """

    def __init__(self, run: RunFolder, recipe: Recipe, contract: Contract, find: Callable[[], Listing]) -> None:
        self.run, self.recipe = run, recipe
        self.plan: Sequence[PlannedStage] = ()
        self.source: ImportedNetwork | None = None
        self._reported: set[str] = set()  # stages that were done, here or earlier: a stage on which several stand is reported once
        _check(recipe)
        self.contract = contract.ending_in(recipe.export.output)
        self.data = RunData(run, recipe, self.contract, lambda: _ordered(find(), self.contract.class_names, recipe))
        self.models = RunModels(run, recipe, self.contract, self.data)

    @classmethod
    def create(cls, recipe: Recipe, out: Path | None, parent: Path = RUNS) -> "Project":
        """Return a new run, or the one that the same command made before: the default name, in `parent`, follows from the recipe."""
        from edgetl.backbones.weights import load as weights

        recipe = anchored(recipe)
        if is_network(Path(recipe.model.weights)):
            problem = f"{recipe.model.weights} is a network, and this command takes backbones by name"
            raise UsageError(problem, "give weights of a backbone; 'edgetl train DATA --weights FILE' trains a file's network")
        weights.check(recipe.model.weights)
        run = RunFolder(out or parent / default_name(recipe, recipe.model.backbone))
        project = cls.of_images(run, recipe, listing_of(recipe))  # mistakes show before anything is written
        project.begin()
        return project

    def decide(self) -> None:
        """Take the rejection and the thresholds that the finished training, or `evaluate` after it, wrote into the run's contract."""
        if self.run.contract.is_file():
            self.contract = self.contract.deciding_as(Contract.read(self.run.contract))

    def begin(self) -> None:
        """Make the folder of the run, unless another process does."""
        made = self.team  # before anything is computed
        if made.rank == 0:
            RunFolder.create(self.run.path, self.recipe)
        logger.info(f"run: {self.run.path}" if made.workers == 1 else f"run: {self.run.path}, rank {made.rank} of {made.workers}")

    @classmethod
    def of_images(cls, run: RunFolder, recipe: Recipe, listing: Listing) -> "Project":
        """Return the project of a run that is to be trained on images that were listed."""
        return cls(run, recipe, _contract(recipe, listing.class_names, listing.task), lambda: listing)

    @classmethod
    def open(
        cls, path: Path | RunFolder, options: Mapping[str, object] | None = None, settings: Overrides | None = None, *, data: str = ""
    ) -> "Project":
        """Open a run as it was recorded, but for settings and options by dotted key (None: as it is); the run keeps its recipe.

        Args:
            data: where its images are now; empty: where the recipe says. They are looked for when something needs them.
        """
        run = path if isinstance(path, RunFolder) else RunFolder.open(path)
        record = run.read()
        recipe = restore(record.recipe.model_dump(), settings, options)
        project = cls(run, recipe, _recorded_contract(run, recipe), partial(find, run, recipe, data))
        project.decide()
        written = record.integer_choice()
        if written:  # its files are there; another export may ask for another output
            project.contract = project.contract.ending_in(written.output)
        return project

    def writing(self) -> AbstractContextManager[None]:
        """Be the one process that writes in the run; a worker that is not rank 0 writes nothing."""
        return self.run.writing() if self.team.rank == 0 else nullcontext()

    @property
    def backbone(self) -> "Backbone":
        """The family of the network. Raises UsageError where it is not one of ours."""
        if self.recipe.model.imported:
            raise UsageError(f"the network of {self.run.path} was imported and has no backbone", "use a run of 'edgetl train'")
        return BACKBONES.load(self.recipe.model.backbone)

    def need_images(self, what: str) -> None:
        """Raise UsageError where the run was imported without images, which `what` cannot be done without."""
        if not self.recipe.has_images:
            raise UsageError(f"{self.run.path} has no images to {what}", "import the network again, with images: --data DATA")

    @property
    def team(self) -> "Team":
        """The devices and processes that train together."""
        from edgetl.training.team import team

        return team(self.recipe.train.strategy)

    def stage(self, name: str, inputs: str, work: Callable[[], tuple[Sequence[Path], StageFacts]]) -> str:
        """Do the stage's work unless it is done from the same inputs; returns the inputs' identity for the next stage's."""
        stops.check()
        reason = self.run.undone(name, inputs)
        if not reason:
            if name not in self._reported:
                logger.info(f"{name}: done already")
            self._reported.add(name)
            return inputs
        logger.debug(f"{name}: to be done from inputs {inputs}: {reason}")
        if name in self.run.read().stages:
            logger.info(f"{name}: made again, since {reason}")
        self.announce(name)
        from edgetl.keras import set_seed

        set_seed(self.recipe.train.seed)  # a stage's result does not depend on which stages ran before it in this process
        started = time.monotonic()
        files, facts = work()
        self.run.finish(name, inputs, started, files, facts)
        logger.info(f"{name}: done in {time.monotonic() - started:.0f} s")
        self._reported.add(name)
        return inputs

    def planned(self, stages: Sequence[PlannedStage]) -> None:
        """Take these as the stages to announce, unless they are among those already: a command's parts plan for themselves."""
        if not set(stages) <= set(self.plan):
            self.plan = stages

    def announce(self, name: str) -> None:
        """Say that the work of a planned stage begins, and how long the training that is left takes: fine-tuning measures that."""
        names = [stage.name for stage in self.plan]
        if name not in names:
            return
        place = names.index(name)
        trained = self.run.read().find("float", FloatFacts) if "float" in names[:place] else None
        epochs = self.plan[place].epochs + epochs_after(self.plan, name)
        seconds = epochs * seconds_per_epoch(trained.fine_tuning.epochs) if trained and trained.fine_tuning else 0.0
        to_be_measured = "float" in names[place:] and fine_tunes(self.recipe)
        left = f", about {duration(seconds)} of training left" if seconds else ", total time: estimating" if to_be_measured else ""
        logger.info(f"stage {place + 1} of {len(names)}: {self.plan[place].work}{left}")


def default_name(recipe: Recipe, network: str) -> str:
    """Return what a run of images and a network is called, the same for the same settings."""
    images = Path(recipe.data.source).stem or ("data" if recipe.has_images else "no-images")
    return f"{images}-{network}-{fingerprint(recipe.model_dump(exclude={'track'}))[:8]}"


def _recorded_contract(run: RunFolder, recipe: Recipe) -> Contract:
    """Return the contract that a run recorded; that of its recipe where the recipe is not the one that the run was trained by."""
    if recipe.model.imported:
        return Contract.read(run.contract)
    images, trained = run.facts("data", DataFacts), run.read().find("float", FloatFacts)
    if trained and trained.network == recipe.network and run.contract.is_file():
        recorded = Contract.read(run.contract)
        if (recorded.class_names, recorded.output.several) == (images.class_names, images.task == "multi-label"):
            return recorded
    return _contract(recipe, images.class_names, images.task)


def _contract(recipe: Recipe, class_names: Sequence[str], task: Task) -> Contract:
    """Return the contract of a network of ours. Raises UsageError where its backbone has no such member."""
    backbone, size = BACKBONES.load(recipe.model.backbone), recipe.model.image_size
    backbone.check_alpha(recipe.model.alpha)
    backbone.check_image_size(size)
    contract = Contract.square(size, backbone.scale, backbone.zero_point, tuple(class_names)).for_task(task)
    return contract.taking(Frame(size, size, recipe.model.channels))


def _ordered(listing: Listing, class_names: tuple[str, ...], recipe: Recipe) -> Listing:
    """Return the images with their classes in the order of a network's outputs; one from elsewhere may know more than they are of."""
    if set(listing.class_names) == set(class_names):
        return replace(listing, class_names=class_names)
    if recipe.model.imported and set(listing.class_names) < set(class_names):
        return replace(listing, class_names=class_names, complete=False)
    return listing


def _check(recipe: Recipe) -> None:
    """Raise UsageError when there is no such format or precision to export, or what is asked goes with an imported network alone."""
    for name in recipe.export.formats:
        FORMATS.check(name)
    for precision in recipe.export.precisions:
        scheme_of(precision)
    if recipe.quantize.own and not recipe.model.imported:
        raise UsageError("quantize.ranges = own: only a quantized file that is imported has integers of its own", "use auto")
    if recipe.model.imported and recipe.model.channels == "gray":
        raise UsageError("model.channels = gray: a network from a file keeps its own channels", "leave the setting out")
