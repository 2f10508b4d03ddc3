"""Make a run that trains a network of a file under a new head: cut its classifier off, find how it is fed, and keep it in the run."""

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from edgetl.keras import layers

import numpy as np
from numpy.typing import NDArray

from edgetl.backbones import keras_file
from edgetl.contract import Contract
from edgetl.data.base import Listing
from edgetl.errors import UsageError
from edgetl.files import fingerprint
from edgetl.float_record import NetworkFacts
from edgetl.importing import identity, is_network, kind, read
from edgetl.importing.base import ImportedModel, Wish
from edgetl.importing.features import without_classifier
from edgetl.pipeline.imported.create import check_size, conventions, frame_of, network_of, reported, settled
from edgetl.pipeline.imported.heads import Heads
from edgetl.pipeline.imported.search import Feeding, Found, search
from edgetl.pipeline.imported.unlabelled import named
from edgetl.pipeline.project import ImportedNetwork, Project, default_name
from edgetl.pipeline.recorded_images import listing_of
from edgetl.pipeline.run_inputs import RunData
from edgetl.pipeline.train.start import NETWORK
from edgetl.recipe import Recipe, anchored, load, restore
from edgetl.recipe_tables import IMPORTED
from edgetl.run_folder import RUNS, RunFolder
from edgetl.training.team import team
from edgetl.training.unfold import unfold_batch_norms

logger = logging.getLogger(__name__)

_IMAGES = 512  # that measure and give the norms their statistics; heads need twice as many as a trained classifier to tell ways apart
_FEWEST = 100  # images of one class among those of several that can measure how a network is fed
_BATCH = 32


def with_network(recipe: Recipe) -> Recipe:
    """Return the recipe with the network of a file as what is trained, where its weights name one.

    Raises UsageError where it asks for another network beside, or for what networks of files alone have.
    """
    model, usual = recipe.model, load()
    file = Path(model.weights)
    if not model.imported and not is_network(file):
        if recipe.imported != usual.imported:
            raise UsageError(
                f"{model.backbone} has its own preprocessing and size: the settings of [imported] are for networks of files",
                "leave --preprocessing out, or name a model file with --weights",
            )
        return recipe
    if not model.imported and (model.backbone, model.alpha) != (usual.model.backbone, usual.model.alpha):
        raise UsageError(
            f"{file} holds another network than {model.backbone} with alpha {model.alpha:g}",
            "leave --backbone and --alpha out to train the file's, or give weights of that backbone",
        )
    if not recipe.data.source or recipe.data.layout == "unlabelled":
        raise UsageError("a new head learns from labelled images", "name some: edgetl train DATA --weights FILE")
    if recipe.imported.class_names:
        raise UsageError(
            "imported.class_names names the outputs that a new head replaces", "leave it out: the classes are those of the images"
        )
    return restore(recipe.model_dump(), options={"model.backbone": IMPORTED})


def new_run(recipe: Recipe, out: Path | None) -> Project:
    """Return the run of a training, or the one that the same command made before.

    Raises ModelFileError, WeightsError, DataError or UsageError before anything is written.
    """
    return _of_file(recipe, out) if recipe.model.imported else Project.create(recipe, out)


def _of_file(recipe: Recipe, out: Path | None) -> Project:
    if team(recipe.train.strategy).workers > 1:
        raise UsageError("the network of a file is trained in one process", "unset TF_CONFIG, or train a --backbone")
    recipe = anchored(recipe)
    file = Path(recipe.model.weights)
    run, listing = RunFolder(out or RUNS / default_name(recipe, file.stem)), listing_of(recipe)
    kept = run.read().find(NETWORK, NetworkFacts) if run.record.exists() else None
    sha256 = kept.imported.sha256 if kept and not file.exists() else _identity(file)
    inputs = fingerprint(sha256, recipe.imported.model_dump(), recipe.model.image_size, recipe.model.pooling, *_images(recipe, listing))
    if kept and run.is_done(NETWORK, inputs):
        contract = Contract.read(run.contract).rejecting(None).with_thresholds(None)  # which a new training may change
        project = Project(run, settled(recipe, kept.imported, contract.shape[:2]), contract, lambda: listing)
        project.begin()
        return project
    with tempfile.TemporaryDirectory(prefix="edgetl-") as cache:
        network, contract, data = _network(recipe, listing, RunFolder(Path(cache)))
    project = Project(run, settled(recipe, network.facts, contract.shape[:2]), contract, lambda: listing)
    data.taken_by(project.data)
    project.begin()
    with project.writing():
        project.stage(NETWORK, inputs, partial(_keep, project, network))
    return project


def _identity(file: Path) -> str:
    kind(file)  # which says where there is none
    return identity(file)


def _images(recipe: Recipe, listing: Listing) -> tuple[object, ...]:
    """Return what decides on which images are learned from."""
    return recipe.data.model_dump(), recipe.train.seed, listing.stamp, listing.class_names


def _network(recipe: Recipe, listing: Listing, cache: RunFolder) -> tuple[ImportedNetwork, Contract, RunData]:
    """Return the network under its classifier, its contract, and the images, of which some were learned from for it."""
    file, size = Path(recipe.model.weights), recipe.model.image_size
    imported = _features(recipe, file)
    resize = "crop" if recipe.imported.resize == "auto" else recipe.imported.resize  # a new head learns what it is shown
    frame = frame_of(imported, file, resize)
    check_size(recipe, imported, file)
    contract = Contract.square(1, 1.0, 0, listing.class_names).for_task(listing.task).taking(frame)
    if {frame.height, frame.width} != {size}:
        logger.info(f"images: {frame.height} x {frame.width} pixels, as {file.name} takes them; model.image_size ({size}) does not count")
    data = RunData(cache, recipe, contract, lambda: listing)
    with data.learning():
        rows = np.random.default_rng(recipe.train.seed).permutation(data.choosing.rows("train"))[:_IMAGES]
    pixels = np.asarray(data.images.pixels[rows])
    found = _found(recipe, imported, pixels, data.images.shown[rows], resize)
    network, contract = network_of(imported, file, found, contract)
    fed = contract.normalize(pixels.astype(np.float32))
    model = unfold_batch_norms(network.model, [fed[start : start + _BATCH] for start in range(0, len(fed), _BATCH)])
    logger.info(f"network: {file.name} ({imported.origin.producer}) in place of a backbone, features {list(model.output_shape[1:])}")
    return replace(network, model=model), contract, data


def _found(recipe: Recipe, imported: ImportedModel, pixels: NDArray[np.uint8], shown: NDArray[np.bool_], resize: str) -> Found:
    """Return how the network is fed: heads on images of one class each measure it, where there are enough of these.

    Args:
        pixels, shown: uint8 [N, H, W, C] and bool [N, K], of training images and their classes.
    """
    one, classes = shown.sum(1) == 1, shown.shape[1]
    if not one.all() and one.sum() < _FEWEST:
        return named(recipe, imported)
    candidates = [Feeding(way, resize) for way in conventions(recipe.imported.preprocessing, imported.channels)]
    heads = Heads(imported, pixels[one], shown[one].argmax(1), classes)
    return reported(search(candidates, heads, heads.label_ids, ()))


def _features(recipe: Recipe, file: Path) -> ImportedModel:
    """Return the file's network without its classifier. Raises ModelFileError, or UsageError for what no head can be put on."""
    square = (recipe.model.image_size, recipe.model.image_size)
    imported = read(file, Wish(recipe.imported.asked_size or square, features=True))
    imported = replace(imported, model=without_classifier(imported.model))
    if recipe.model.pooling != "average" and len(imported.model.output_shape) == 2:
        raise UsageError(f"{file} pools its features itself: there is no map for model.pooling", "leave model.pooling out")
    return imported


def _keep(project: Project, network: ImportedNetwork) -> tuple[Sequence[Path], NetworkFacts]:
    keras_file.save(network.model, project.run.network)
    project.contract.write(project.run.contract)
    norms = sum(isinstance(layer, layers.BatchNormalization) for layer in network.model.layers)
    features = tuple(int(extent) for extent in network.model.output_shape[1:])
    return [project.run.network], NetworkFacts(imported=network.facts, features=features, norms=norms)
