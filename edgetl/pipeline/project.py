"""A run together with its recipe and its images: what every verb of the pipeline works on."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property, wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from edgetl.keras import set_seed

import numpy as np

from edgetl import stops
from edgetl.backbones import BACKBONES
from edgetl.backbones import keras_file as saved_model
from edgetl.backbones.base import Backbone
from edgetl.contract import Contract
from edgetl.data import exclude, sources
from edgetl.data import images as data_images
from edgetl.data.base import Images, Listing
from edgetl.data.calibration import sample
from edgetl.errors import DataError, RunError
from edgetl.evaluation.parity import REFERENCE
from edgetl.export import FORMATS
from edgetl.files import fingerprint
from edgetl.quantization import scheme_of
from edgetl.recipe import Recipe, restore
from edgetl.run_folder import RUNS, RunFolder
from edgetl.run_record import DataFacts, StageFacts
from edgetl.runtimes.base import predict
from edgetl.runtimes.keras import KerasSession
from edgetl.training.team import Team, team

logger = logging.getLogger(__name__)
P = ParamSpec("P")
Made = TypeVar("Made")


def listing_of(recipe: Recipe) -> Listing:
    """Return what the recipe's source holds, without what is left out. Raises DataError, or UsageError for the list of exclusions."""
    data = recipe.data
    return exclude.apply(sources.find(data.source), data.exclude).limited(data.limit)


def writes(verb: Callable[Concatenate["Project", P], Made]) -> Callable[Concatenate["Project", P], Made]:
    """Make the verb the one writer of the project's run while it works."""

    @wraps(verb)
    def call(project: "Project", /, *arguments: P.args, **options: P.kwargs) -> Made:
        with project.run.writing():
            return verb(project, *arguments, **options)

    return call


class Project:
    """The images are read, and the float model is loaded, when a stage first needs them."""

    def __init__(self, run: RunFolder, recipe: Recipe) -> None:
        self.run, self.recipe = run, recipe
        self.backbone: Backbone = BACKBONES.load(recipe.model.backbone)
        _check(self.backbone, recipe)
        self.listing = listing_of(recipe)
        self.contract = Contract.square(recipe.model.image_size, self.backbone.scale, self.backbone.zero_point, self.listing.class_names)

    @classmethod
    def create(cls, recipe: Recipe, out: Path | None, parent: Path = RUNS) -> "Project":
        """Return a new run, or the one that the same command made before: the default name, in `parent`, follows from the recipe."""
        source = Path(recipe.data.source)
        paths = {"source": source, "exclude": Path(recipe.data.exclude)} if recipe.data.exclude else {"source": source}
        found = {name: str(path.resolve()) for name, path in paths.items() if path.exists()}
        recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update=found)})
        name = f"{source.stem or 'data'}-{recipe.model.backbone}-{fingerprint(recipe.model_dump(exclude={'track'}))[:8]}"
        project = cls(RunFolder(out or parent / name), recipe)  # which finds what is wrong with the recipe before anything is written
        made = project.team  # before anything is computed
        if made.rank == 0:
            RunFolder.create(project.run.path, recipe)
        logger.info(f"run: {project.run.path}" if made.workers == 1 else f"run: {project.run.path}, rank {made.rank} of {made.workers}")
        return project

    @classmethod
    def open(cls, path: Path | RunFolder | None, options: Mapping[str, object] | None = None, settings: Sequence[str] = ()) -> "Project":
        """Open a run as it was recorded, but for settings and options by dotted key (None: as it is); the run keeps its recipe."""
        run = path if isinstance(path, RunFolder) else RunFolder.open(path)
        return cls(run, restore(run.read().recipe.model_dump(), settings, options))

    def writing(self) -> AbstractContextManager[None]:
        """Be the one process that writes in the run; a worker that is not rank 0 writes nothing."""
        return self.run.writing() if self.team.rank == 0 else nullcontext()

    @property
    def team(self) -> Team:
        return team(self.recipe.train.strategy)

    @cached_property
    def images(self) -> Images:
        """Raises DataError when they cannot be used."""
        return self._load(self.contract.height)

    def _load(self, image_size: int) -> Images:
        data = self.recipe.data
        return data_images.load(
            self.listing,
            self.contract.resized(image_size),
            val_fraction=data.val_fraction,
            test_fraction=data.test_fraction,
            seed=self.recipe.train.seed,
            max_bad_fraction=data.max_bad_fraction,
            memory_mib=data.cache_memory_mib,
            cache=self.run.cache,
        )

    def trained_images(self) -> Images:
        """Return the images, certainly those that the run was trained on. Raises DataError when they have changed."""
        if self.images.fingerprint != self.run.facts("data", DataFacts).fingerprint:
            raise DataError(
                f"the images in {self.recipe.data.source} are not those that {self.run.path} was trained on",
                "train again (the same command does it), or bring the old images back",
            )
        return self.images

    @property
    def float_stage(self) -> str:
        """The stage whose model is quantized: the last one before that."""
        compress = self.recipe.compress
        return "compress" if compress.sparsity or compress.clusters else "float"

    @property
    def float_path(self) -> Path:
        return self.run.compressed_model if self.float_stage == "compress" else self.run.float_model

    @cached_property
    def float_model(self) -> Any:
        self.run.intact(self.float_stage)
        return self._saved(self.float_path)

    def _saved(self, path: Path) -> Any:
        try:
            return saved_model.load(path)
        except saved_model.FAULTS as error:
            raise RunError(f"cannot read the model {path}: {error}", "train again, with --out naming another folder") from error

    def uncompressed_model(self) -> Any:
        self.run.intact("float")
        return self._saved(self.run.float_model)

    @cached_property
    def training_images(self) -> Images:
        """The same images, larger by the augmentation's margin: what random crops are cut from."""
        augment = self.recipe.augment
        if not augment.strength or augment.margin == 1:
            return self.images
        return self._load(round(self.contract.height * augment.margin))

    @cached_property
    def float_predictions(self) -> np.ndarray:
        """The float model's probabilities of the validation images, float32 [N, K]."""
        session = KerasSession(self.float_model, self.contract)
        return predict(session, self.trained_images().pixels, self.images.rows("val"), REFERENCE)

    def forget_float_model(self) -> None:
        """Forget the float model after it was trained again."""
        for name in ("float_model", "float_predictions"):
            self.__dict__.pop(name, None)

    @property
    def calibration_rows(self) -> np.ndarray:
        return self.rows("train", self.recipe.quantize.calibration_images)

    def rows(self, split: str, count: int) -> np.ndarray:
        """`count` images of a split, evenly over the classes; 0: all."""
        rows = self.images.rows(split)
        return sample(self.images.label_ids, rows, count, self.recipe.train.seed) if count else rows

    def stage(self, name: str, inputs: str, work: Callable[[], tuple[Sequence[Path], StageFacts]]) -> str:
        """Do the stage's work unless it is done from the same inputs; gives the inputs' identity for the next stage's."""
        stops.check()
        reason = self.run.undone(name, inputs)
        if not reason:
            logger.info(f"{name}: done already")
            return inputs
        logger.debug(f"{name}: to be done from inputs {inputs}: {reason}")
        set_seed(self.recipe.train.seed)  # a stage's result does not depend on which stages ran before it in this process
        started = time.monotonic()
        files, facts = work()
        self.run.finish(name, inputs, started, files, facts)
        logger.info(f"{name}: done in {time.monotonic() - started:.0f} s")
        return inputs


def _check(backbone: Backbone, recipe: Recipe) -> None:
    """Raise UsageError when there is no such member of the family, or no such format or precision to export."""
    for name in recipe.export.formats:
        FORMATS.check(name)
    for precision in recipe.export.precisions:
        scheme_of(precision)
    backbone.check_alpha(recipe.model.alpha)
    backbone.check_image_size(recipe.model.image_size)
