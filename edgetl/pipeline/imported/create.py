"""Make a run of a network from elsewhere: read the file, name its outputs, find how it is fed, put that into its first layer."""

import logging
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from edgetl.contract import Contract, Frame
from edgetl.data.base import Images, Listing
from edgetl.data.calibration import sample
from edgetl.data.images import load as load_images
from edgetl.errors import UsageError
from edgetl.float_record import ByteGrid, Imported
from edgetl.importing import read
from edgetl.importing.base import ImportedModel, Wish
from edgetl.importing.convention import Convention, InputAffine, convention, usual
from edgetl.importing.first_layer import on_pixels
from edgetl.importing.grids import LOWEST, Grid
from edgetl.importing.rejection import REJECTING
from edgetl.pipeline.imported.borders import Predicted, measured
from edgetl.pipeline.imported.class_names import class_names_of
from edgetl.pipeline.imported.own import keeping_integers, on_bytes, own_convention, two_classes_of
from edgetl.pipeline.imported.search import IMAGES, Feeding, Found, search, table
from edgetl.pipeline.imported.tryout import Tryout, alike
from edgetl.pipeline.imported.unlabelled import by_prediction, named, predictions, unlabelled_recipe
from edgetl.pipeline.project import ImportedNetwork, Project, default_name
from edgetl.pipeline.reading import load_options
from edgetl.pipeline.recorded_images import listing_of
from edgetl.recipe import Recipe, anchored, load, restore
from edgetl.recipe_tables import IMPORTED
from edgetl.run_folder import RUNS, RunFolder
from edgetl.runtimes.base import predict
from edgetl.runtimes.keras import KerasSession
from edgetl.wording import counted

logger = logging.getLogger(__name__)

CROPS: dict[str, Literal["center", "none"]] = {"crop": "center", "stretch": "none"}
# What a run of a network has that nobody trains here: no training, and the probabilities that its makers gave it.
SETTINGS = {
    "model.backbone": IMPORTED,
    "train.head_epochs": 0,
    "train.epochs": 0,
    "train.temperature_scaling": False,
    "teacher.run": "none",
}


def create(recipe: Recipe, out: Path | None) -> Project:
    """Return the run of the file that the recipe names as weights, whose float model is ready to be kept.

    Raises ModelFileError (not read), DataError, UsageError (what labelled images say of the network, or that without labels nobody says).
    """
    recipe = anchored(recipe)
    file = Path(recipe.model.weights)
    if recipe.compress.asked:
        raise UsageError(
            "compression trains a network further, which an import does not",
            f"leave [compress] out, or compress the network under a new head: edgetl train DATA --weights {file.name} --sparsity 0.5",
        )
    imported = _classifier(read(file, Wish(recipe.imported.asked_size)), file)
    frame = frame_of(imported, file)
    check_size(recipe, imported, file)
    recipe = unlabelled_recipe(keeping_integers(recipe, imported))
    listing = listing_of(recipe)
    if listing.several:
        raise UsageError(
            f"{file} names one class an image, and the images of {listing.source} may show several",
            f"train it further for that, under a new head: edgetl train DATA --weights {file.name} --task multi-label",
        )
    folders = listing.class_names if listing.labelled else ()
    class_names = class_names_of(recipe.imported.class_names, imported.origin.class_names, folders, imported.classes)
    if listing.labelled:
        listing = replace(listing, class_names=class_names, complete=len(folders) == len(class_names))
    contract = Contract.square(1, 1.0, 0, class_names).taking(frame)
    name = default_name(recipe, file.stem)
    with tempfile.TemporaryDirectory(prefix="edgetl-") as cache:
        options = load_options(recipe, Path(cache))
        if listing.labelled:
            images = load_images(listing, contract, options)
            found = _found(recipe, imported, images, listing, contract)
            network, contract = network_of(imported, file, found, contract)
            predicted: Predicted = partial(predict, KerasSession(network.model, contract), images.pixels, description=file.name)
        else:
            found = named(recipe, imported)
            network, contract = network_of(imported, file, found, contract)
            images = load_images(listing, contract, options)
            probabilities = predictions(network, contract.ending_in(recipe.export.output), images)
            images, listing = by_prediction(probabilities, images, listing, contract.class_names)
            predicted = probabilities.__getitem__
        affine = InputAffine.of(found.chosen.convention, imported.preprocessing)
        network = measured(network, imported, affine, images, predicted)
    recipe = settled(recipe, network.facts, (frame.height, frame.width))
    project = Project(RunFolder(out or RUNS / name), recipe, contract, lambda: listing)
    project.source = network
    if isinstance(images.pixels, np.ndarray) and (found.chosen.resize == "crop" or not listing.labelled):
        project.data.take(images)
    project.begin()
    return project


def check_size(recipe: Recipe, imported: ImportedModel, file: Path) -> None:
    """Raise UsageError where another size was asked for than the file's own."""
    own, asked, longest = (imported.height, imported.width), recipe.imported.asked_size, recipe.model.image_size
    if (asked and asked != own) or longest not in (*own, load().model.image_size):
        raise UsageError(
            f"the images that {file} takes are {imported.height} pixels high and {imported.width} wide, and no others",
            "leave --size and --image-size out: they are for files that take images of any size",
        )


def _classifier(imported: ImportedModel, file: Path) -> ImportedModel:
    """Return the network with a logit for each class. Raises UsageError where that is not what its outputs are."""
    if imported.activation == REJECTING:
        logger.warning(
            f"{file} rejects unknown images; its classes are imported without that, which can be found again: "
            "--set reject.keep=0.95, with images of none of the classes in --set reject.background=DIR"
        )
    if imported.activation == "sigmoid":
        imported = two_classes_of(imported)
        if imported.classes != 2 or imported.model.output_shape[-1] < 2:
            raise UsageError(
                f"{file} is a multi-label network: each of its {counted(imported.classes, 'output')} is a probability of its own, "
                "and an import keeps networks that name one class an image",
                f"train it further under a new head: edgetl train DATA --weights {file.name} --task multi-label",
            )
    return imported


def frame_of(imported: ImportedModel, file: Path, resize: str = "crop") -> Frame:
    """Return the frame of the images that a network takes. Raises UsageError where they have not one channel or three."""
    if imported.channels not in (1, 3):
        raise UsageError(
            f"the images that {file} takes have {counted(imported.channels, 'channel')}", "edgetl reads images in colour (3) or in grey (1)"
        )
    return Frame(imported.height, imported.width, "gray" if imported.channels == 1 else "RGB", CROPS[resize])


def _found(recipe: Recipe, imported: ImportedModel, images: Images, listing: Listing, contract: Contract) -> Found:
    """Return how the network is fed: as the recipe says, or as training images show."""
    asked, label_ids = recipe.imported, images.label_ids
    rows = np.random.default_rng(recipe.train.seed).permutation(sample(label_ids, images.rows("train"), IMAGES, recipe.train.seed))
    stretched = contract.taking(Frame(contract.height, contract.width, contract.input.channels, "none"))
    scores = Tryout(imported, images, listing, rows, stretched)
    ways = list(CROPS) if asked.resize == "auto" else [asked.resize]
    if len(ways) > 1 and alike(scores):
        ways = ["crop"]
    tried = conventions(asked.preprocessing, imported.channels)
    if asked.preprocessing == "auto" and imported.numbers:
        tried = [own_convention(imported, imported.numbers), *tried]
    candidates = [Feeding(one, resize) for resize in ways for one in dict.fromkeys(tried)]
    return reported(search(candidates, scores, label_ids[rows].astype(np.int64), images.class_names))


def conventions(asked: str, channels: int) -> list[Convention]:
    """Return the conventions to try: the usual ones for "auto", else that which was asked for."""
    return usual(channels) if asked == "auto" else [convention(asked, channels)]


def reported(found: Found) -> Found:
    """Say what was tried and taken, and why."""
    images = max(one.images for one in found.tried)
    logger.info(f"preprocessing, on {counted(images, 'training image')}:\n{table(found.tried)}")
    logger.info(f"preprocessing: {found.chosen}: {found.reason}")
    return found


def network_of(imported: ImportedModel, file: Path, found: Found, contract: Contract) -> tuple[ImportedNetwork, Contract]:
    """Return the network for raw pixels, and its contract."""
    affine, quantized = InputAffine.of(found.chosen.convention, imported.preprocessing), None
    if imported.numbers:
        model, quantized, grid = on_bytes(imported, imported.numbers, affine)
        same, scale, zero_point = True, grid.scale, grid.zero_point - LOWEST
    else:
        (model, same), scale, zero_point = on_pixels(imported.model, affine), affine.scale, affine.zero_point
    facts = Imported(
        file=file.name,
        sha256=imported.sha256,
        producer=imported.origin.producer,
        activation=imported.activation,
        preprocessing=found.chosen.convention.name,
        resize=found.chosen.resize,
        reason=found.reason,
        same_at_borders=same,
        channels_first=not imported.channels_last,
        takes=_integers(imported.takes),
        gives=_integers(imported.gives),
        quantized=quantized is not None,
        tried=found.tried,
        doubt=found.doubt,
    )
    frame = Frame(contract.height, contract.width, contract.input.channels, CROPS[found.chosen.resize])
    return ImportedNetwork(model, facts, quantized), contract.taking(frame).normalized(scale, zero_point)


def _integers(grid: Grid | None) -> ByteGrid | None:
    return ByteGrid(grid.scale, grid.zero_point) if grid else None


def settled(recipe: Recipe, facts: Imported, size: tuple[int, int]) -> Recipe:
    """Return the recipe with what was found in place of "auto", and the file's height and width."""
    height, width = size
    found = {
        "imported.preprocessing": facts.preprocessing,
        "imported.resize": facts.resize,
        "imported.size": f"{height}x{width}",
        "model.image_size": max(size),
    }
    return restore(recipe.model_dump(), options=found)
