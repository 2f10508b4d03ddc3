"""The images and float models of a run: each is read when a stage first needs it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgetl.compared import MeasuringSplit
from edgetl.contract import Contract
from edgetl.data import images as data_images
from edgetl.data import unknown
from edgetl.data.base import Images, Listing
from edgetl.data.calibration import sample
from edgetl.data.index import DataIndex
from edgetl.data.splits import choosing
from edgetl.errors import RunError
from edgetl.evaluation.parity import REFERENCE
from edgetl.pipeline import recorded_images
from edgetl.pipeline.read_when_asked import as_recorded
from edgetl.pipeline.reading import load_options, made_unknown, selection
from edgetl.recipe import Recipe
from edgetl.run_folder import RunFolder
from edgetl.run_record import DataFacts
from edgetl.runtimes.base import predict

if TYPE_CHECKING:
    from edgetl.keras import keras

    from edgetl.data.examples import AugmentedExamples, Examples
    from edgetl.runtimes.keras import KerasSession

logger = logging.getLogger(__name__)


class RunData:
    """The images that a run's recipe names, in the sizes and samples that its stages take."""

    def __init__(self, run: RunFolder, recipe: Recipe, contract: Contract, find: Callable[[], Listing]) -> None:
        self._run, self._recipe, self._contract, self._find = run, recipe, contract, find
        self._learning = False
        self._larger: Images | None = None

    @contextmanager
    def learning(self) -> Iterator[None]:
        """Let the first stage that reads the images of a fine-tuning read the larger ones with them: each file is then decoded once."""
        self._learning = True
        try:
            yield
        finally:
            self._learning = False

    @cached_property
    def listing(self) -> Listing:
        """Look for them, when that is first asked. Raises DataError, or UsageError for the list of exclusions."""
        return self._find()

    @cached_property
    def images(self) -> Images:
        """The images in the contract's size. Raises DataError when they cannot be used."""
        if not (self._learning and self._recipe.train.epochs) or self._enlarged == self._contract:
            return data_images.load(self.listing, self._contract, self._options)
        images, self._larger = data_images.load_sizes(self.listing, [self._contract, self._enlarged], self._options)
        return images

    def take(self, images: Images, larger: Images | None = None) -> None:
        """Take images that were read into memory already, in the contract's size and larger, instead of reading them."""
        self.__dict__["images"], self._larger = images, larger

    def taken_by(self, other: RunData) -> None:
        """Let the data of the same images in the same sizes take what of these is in memory."""
        if isinstance(self.images.pixels, np.ndarray):
            larger = self._larger
            other.take(self.images, larger if larger is not None and isinstance(larger.pixels, np.ndarray) else None)

    @cached_property
    def training_images(self) -> Images:
        """The same images, larger by the augmentation's margin: what random crops are cut from."""
        images = self.images  # which may have read these with them
        if self._enlarged == self._contract:
            return images
        return self._larger or data_images.resized(images, self.listing, self._enlarged, self._options)

    @property
    def _enlarged(self) -> Contract:
        augment = self._recipe.augment
        return self._contract.enlarged(augment.margin) if augment.strength else self._contract

    @property
    def _options(self) -> data_images.LoadOptions:
        return load_options(self._recipe, self._run.cache)

    @cached_property
    def class_weights(self) -> NDArray[np.float32]:
        """The weight of each class in a training, float32 [K]."""
        from edgetl.data.examples import class_weights

        label_ids = self.images.label_ids[self.rows("train")]
        if not self.listing.labelled:  # then nothing is learned from classes
            return np.ones(len(self.images.class_names), np.float32)
        return class_weights(label_ids, len(self.images.class_names), self._recipe.train.balance_above)

    @property
    def keep(self) -> float:
        """The share of the images of the classes that the threshold is to keep; 0: every image is named."""
        if self.listing.several:
            return 0.0  # an image of none of the classes is below all thresholds
        background, imported = self.listing.background is not None, self._recipe.model.imported
        return self._recipe.reject.share(background=background, imported=imported)

    @cached_property
    def background(self) -> Images | None:
        """The images that show none of the classes, in the contract's size. Raises DataError when they cannot be used."""
        listing = self.listing.background
        options = replace(self._options, cache=self._run.cache / "background")
        return data_images.load(listing, self._contract, options) if listing else None

    def unknown_pixels(self) -> list[NDArray[np.uint8]]:
        """Return the images of none of the classes to learn from: background images, and made ones, each uint8 [M, H, W, C]; M may be 0."""
        background, seed = self.background, self._recipe.train.seed
        own = background.pixels[background.rows("train")] if background else np.empty((0, *self._contract.shape), np.uint8)
        return [own, unknown.made(self.images, made_unknown(self._recipe, len(self.rows("train"))), seed)]

    @cached_property
    def choosing(self) -> Images:
        """The same images as a training sees them that chooses: "val" are training images to choose by, and measure nothing.

        Where the recipe keeps none for that, or no class has two to spare one of, they are the images as they are, and nothing is chosen.
        """
        if not self._recipe.data.selection_fraction:
            return self.images
        found = choosing(self.images, selection(self._recipe), by_class=self.listing.labelled)
        if len(found.rows("val")):
            return found
        logger.info("no training image can be spared to choose by: no class has two different ones, and nothing is chosen")
        return self.images

    def judged_by(self, images: Images) -> str:
        """Return what the images called "val" are, of `images` or `choosing`."""
        return "validation image" if images is self.images else "held-out image"

    @cached_property
    def examples(self) -> AugmentedExamples:
        """The examples that a network learns from."""
        return self.augmented(self.choosing)

    def plain(self, images: Images) -> Examples:
        """Return `images` or `choosing` as examples that a head learns from."""
        from edgetl.data.examples import Examples

        return Examples(images, self._contract, self.class_weights)

    def augmented(self, images: Images) -> AugmentedExamples:
        """Return `images` or `choosing` as examples that a network learns from."""
        from edgetl.data.examples import AugmentedExamples
        from edgetl.pipeline.settings import augmentation

        return AugmentedExamples(
            images=images,
            contract=self._contract,
            class_weights=self.class_weights,
            read_larger=lambda: self.training_images,
            augment=augmentation(self._recipe, self._contract.shape[:2]),
        )

    def trained_images(self) -> Images:
        """Return the images, certainly those that the run was trained on. Raises DataError when they have changed."""
        recorded_images.check(self._run, self.images)
        return self.images

    @cached_property
    def recorded(self) -> Images:
        """The same images as the run recorded them, each read when it is asked for. Raises DataError when some are gone."""
        if "images" in self.__dict__ or not self.listing.labelled:
            return self.trained_images()
        self._run.intact("data")
        return as_recorded(DataIndex.read(self._run.data), self.listing, self._contract)

    @property
    def calibration_rows(self) -> NDArray[np.int64]:
        """The training images that quantization is calibrated on."""
        return self.rows("train", self._recipe.quantize.calibration_images)

    @property
    def measuring_split(self) -> MeasuringSplit:
        """The split whose images measure; they choose nothing, unless a drop is promised of validation images."""
        return self._run.facts("data", DataFacts).measuring_split

    @cached_property
    def measuring(self) -> Images:
        """The same images as a measurement sees them: "val" are those that measure."""
        images = self.trained_images()
        return images if self.measuring_split == "val" else replace(images, splits=np.where(images.splits == "test", "val", "train"))

    def measuring_rows(self, count: int = 0) -> NDArray[np.int64]:
        """Return `count` of the images that measure, evenly over the classes; 0: all."""
        return self.rows(self.measuring_split, count)

    def rows(self, split: str, count: int = 0) -> NDArray[np.int64]:
        """Return `count` images of a split, evenly over the classes; 0: all."""
        rows = self.images.rows(split)
        return sample(self.images.label_ids, rows, count, self._recipe.train.seed) if count else rows


class RunModels:
    """The model that is quantized, which is the compressed one where the recipe compresses, and its predictions."""

    def __init__(self, run: RunFolder, recipe: Recipe, contract: Contract, data: RunData) -> None:
        self._run, self._contract, self._data = run, contract, data
        self.float_stage, self.float_path = ("compress", run.compressed_model) if recipe.compress.asked else ("float", run.float_model)
        self.forget()

    def forget(self) -> None:
        """Drop what was loaded: the model was trained again."""
        self._float_model: keras.Model | None = None
        self._float_session: KerasSession | None = None
        self._float_predictions: dict[bytes, NDArray[np.float32]] = {}

    def take(self, model: keras.Model) -> None:
        """Take the float model, which was written just now, instead of reading it."""
        self.forget()
        self._float_model = model

    @property
    def float_model(self) -> keras.Model:
        """The model that is quantized. Raises RunError when it is not trained, or was changed since."""
        if self._float_model is None:
            self._run.intact(self.float_stage)
            self._float_model = _loaded(self.float_path)
        return self._float_model

    @property
    def float_session(self) -> KerasSession:
        """Return that model as a session, whose graph is traced once for all that predict with it."""
        from edgetl.runtimes.keras import KerasSession

        if self._float_session is None:
            self._float_session = KerasSession(self.float_model, self._contract)
        return self._float_session

    @property
    def float_predictions(self) -> NDArray[np.float32]:
        """Its probabilities of the validation images, float32 [N, K]."""
        return self.float_predictions_of(self._data.trained_images())

    def float_predictions_of(self, images: Images) -> NDArray[np.float32]:
        """Return its probabilities of the images that are called "val", float32 [N, K], computed once."""
        rows = images.rows("val")
        key = rows.tobytes()
        if key not in self._float_predictions:
            self._float_predictions[key] = predict(self.float_session, images.pixels, rows, REFERENCE)
        return self._float_predictions[key]

    def uncompressed(self) -> keras.Model:
        """Return the float model as it was before compression, loaded again at each call."""
        self._run.intact("float")
        return _loaded(self._run.float_model)


def _loaded(path: Path) -> keras.Model:
    from edgetl.backbones import keras_file

    try:
        return keras_file.load(path)
    except keras_file.FAULTS as error:
        raise RunError(f"cannot read the model {path}: {error}", "train again, with --out naming another folder") from error
