"""Measure what it costs that the run's model pads images with one pixel, where the file pads them with another in each colour."""

import logging
from collections.abc import Callable
from dataclasses import replace

from edgetl.keras import tf

import numpy as np
from numpy.typing import NDArray

from edgetl.data.base import Images
from edgetl.evaluation.agreement import compare
from edgetl.float_record import Borders
from edgetl.importing.base import ImportedModel
from edgetl.importing.convention import InputAffine
from edgetl.pipeline.project import ImportedNetwork

logger = logging.getLogger(__name__)

_IMAGES = 256  # enough to see one prediction in a hundred change
_BATCH = 32


Predicted = Callable[[NDArray[np.int64]], NDArray[np.float32]]  # rows of the images to probabilities float32 [n, K]


def measured(network: ImportedNetwork, imported: ImportedModel, affine: InputAffine, images: Images, ours: Predicted) -> ImportedNetwork:
    """Return the network with how far its predictions are from the file's, where the two pad differently; else as it is.

    Args:
        ours: gives the predictions of the network, which may be known already.
    """
    if network.facts.same_at_borders:
        return network
    rows = np.linspace(0, len(images.names) - 1, min(_IMAGES, len(images.names))).round().astype(int)
    batches = np.split(rows, range(_BATCH, len(rows), _BATCH))
    theirs = np.concatenate([_probabilities(imported.model, affine(images.pixels[batch])) for batch in batches])
    found = compare(theirs, ours(rows))
    borders = Borders(found.images, found.disagreements, found.mean_abs_dp)
    pixel = ", ".join(f"{one:.4g}" for one in affine.centre)
    logger.warning(f"padding: the file's is the pixel {pixel}, the run's models' {affine.zero_point} in all colours: {borders}")
    return replace(network, facts=replace(network.facts, borders=borders))


def _probabilities(model: object, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = tf.nn.softmax(model(inputs, training=False)).numpy()  # type: ignore[operator]
    return found
