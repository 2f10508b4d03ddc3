"""Import a network without labels: the file or the user says how it is fed, and its own predictions stand for the classes of images."""

import logging

import numpy as np
from numpy.typing import NDArray

from edgetl.contract import Contract
from edgetl.data import unlabelled
from edgetl.data.base import Images, Listing
from edgetl.data.images import labelled
from edgetl.errors import UsageError
from edgetl.importing.base import ImportedModel
from edgetl.importing.convention import convention, own
from edgetl.pipeline.imported.own import of_bytes, session_of
from edgetl.pipeline.imported.search import ASK, Feeding, Found
from edgetl.pipeline.project import ImportedNetwork
from edgetl.pipeline.settings import needs_images
from edgetl.recipe import Recipe, restore
from edgetl.runtimes.base import predict
from edgetl.wording import joined

logger = logging.getLogger(__name__)


def unlabelled_recipe(recipe: Recipe) -> Recipe:
    """Return the recipe of an import with what it follows from that there are no labels, or no images at all.

    Raises UsageError where nothing can be exported then.
    """
    source = recipe.data.source
    if recipe.data.layout == "auto" and unlabelled.lies_flat(source):
        logger.info(f"{source} is a folder of images without class folders: they are taken as images without labels")
        return restore(recipe.model_dump(), options={"data.layout": "unlabelled"})
    if recipe.has_images:
        return recipe
    able = [one for one in recipe.export.precisions if not needs_images(recipe, one)]
    unable = joined([one for one in recipe.export.precisions if one not in able])
    remedy = "name some with --data, with labels or without: a folder of images is enough"
    if not able:
        raise UsageError(f"there are no images to calibrate {unable} on", remedy)
    if unable:
        logger.warning(f"there are no images to calibrate {unable} on: {joined(able)} can be exported; {remedy}")
    return restore(recipe.model_dump(), options={"export.precisions": able, "data.selection_fraction": 0.0})


def named(recipe: Recipe, imported: ImportedModel) -> Found:
    """Return how the network is fed as the recipe names it, or as its own first layers show. Raises UsageError where neither does."""
    asked = recipe.imported
    if asked.preprocessing != "auto":
        found, reason = convention(asked.preprocessing, imported.channels), "as asked"
    else:
        known = of_bytes(imported) or own(imported.preprocessing, imported.channels)
        if known is None:
            raise UsageError("the file does not say how the network is fed, and without labels that cannot be measured", ASK)
        found, reason = known, "by the file's own first layers or input"
    if asked.resize == "auto":
        reason += "; whether to crop or stretch is not measured without labels"
    feeding = Feeding(found, "stretch" if asked.resize == "stretch" else "crop")
    logger.info(f"preprocessing: {feeding}: {reason}")
    return Found(feeding, reason, ())


def predictions(network: ImportedNetwork, contract: Contract, images: Images) -> NDArray[np.float32]:
    """Return the network's own probabilities float32 [N, K] of all images."""
    with session_of(network, contract) as session:
        return predict(session, images.pixels, np.arange(len(images.names)), network.facts.file)


def by_prediction(
    probabilities: NDArray[np.float32], images: Images, listing: Listing, class_names: tuple[str, ...]
) -> tuple[Images, Listing]:
    """Return images and listing of the classes that the network predicts."""
    return labelled(images, listing, probabilities.argmax(axis=1).astype(np.int32), class_names)
