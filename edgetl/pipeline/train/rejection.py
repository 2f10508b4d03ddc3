"""Find how a classifier tells images apart that show none of its classes, and from which probability on it names one."""

import logging
from collections.abc import Callable
from typing import Any

from edgetl.keras import class_probabilities, keras

import numpy as np
from numpy.typing import NDArray

from edgetl.data.base import Images
from edgetl.evaluation.rejection import threshold_keeping
from edgetl.float_record import FoundRejection
from edgetl.output import PROBABILITY_SCALE
from edgetl.pipeline.project import Project
from edgetl.runtimes.base import predict
from edgetl.runtimes.keras import KerasSession
from edgetl.training.scoring import scorer
from edgetl.training.unknown import Familiar, known_alone, logits_layer, own_logit, with_unknown

logger = logging.getLogger(__name__)

Features = Callable[[NDArray[np.int64]], NDArray[np.float32]]

_FEWEST = 20  # held-out images; of fewer, 95 % are all or all but one


def find_rejection(project: Project, model: Any, temperature: float = 1.0, *, inside: bool = True) -> FoundRejection | None:
    """Find how a network rejects, on training images that it has not learned from; None: it rejects nothing, and a message says so.

    Args:
        model: a classifier, whose logits are to be divided by the temperature.
        inside: the model may be given a logit of unknown images.
    """
    keep, images = project.data.keep, project.data.choosing
    if not keep:
        return None
    rows = images.rows("val")
    if images is project.data.images or not project.data.listing.labelled or len(rows) < _FEWEST:
        held = 0 if images is project.data.images else len(rows)
        logger.info(f"no image is rejected as unknown: {_FEWEST} held-out images are needed to find the threshold by, {held} are there")
        return None
    layer, classes = logits_layer(model) if inside else None, len(project.contract.class_names)
    if layer is None:
        scores = predict(KerasSession(model, project.contract), images.pixels, rows, "held-out images").max(1)
        found = FoundRejection(threshold=_threshold(scores, keep), keep=keep, images=len(rows), inside=False)
    else:
        features_of = _features(project, layer, model, images)
        familiar, features = _familiar(features_of, images), features_of(rows)
        kernel, bias = layer.get_weights()
        logits = (features @ kernel + bias).astype(np.float64) / temperature
        distances, own = familiar.distance(features), own_logit(logits, classes)
        slope = project.recipe.reject.slope * float(own.std() / max(distances.std(), 1e-9))
        surely_known = own - slope * (distances - np.median(distances))
        offset = float(np.quantile(surely_known, 1 - keep) - slope * np.median(distances))
        unknown = (logits[:, classes] if logits.shape[1] > classes else 0.0) + slope * distances + offset
        scores = class_probabilities(np.column_stack([logits[:, :classes], unknown]), project.contract.output).numpy().max(1)
        found = FoundRejection(
            threshold=_threshold(scores, keep),
            keep=keep,
            images=len(rows),
            inside=True,
            slope=slope,
            offset=offset,
            background=project.data.background_images,
            made=project.data.made_unknown,
        )
    logger.info(f"unknown: {found}")
    return found


def rejecting(project: Project, model: Any, found: FoundRejection | None) -> Any:
    """Return the folded network with the logit of unknown images where it rejects by one; the project's contract says the threshold."""
    project.contract = project.contract.rejecting(found.rejection if found else None)
    layer = logits_layer(model)
    if found is None or not found.inside or layer is None:
        return known_alone(model, len(project.contract.class_names))
    images = project.data.images
    familiar = _familiar(_features(project, layer, model, images), images)
    return with_unknown(model, len(project.contract.class_names), familiar, found.slope, found.offset)


def _features(project: Project, layer: Any, model: Any, images: Images) -> Features:
    """Return a function from rows of the images to the features float32 [N, C] that the layer reads; its graph is traced once."""
    score = scorer(keras.Model(model.input, layer.input), project.contract)
    return lambda rows: score(images.pixels, rows, "features")


def _familiar(features_of: Features, images: Images) -> Familiar:
    rows = images.rows("train")
    return Familiar.of(features_of(rows), images.label_ids[rows])


def _threshold(scores: NDArray[np.floating], keep: float) -> float:
    """Return the threshold that keeps this share of the images, in the steps of an int8 model's output."""
    return threshold_keeping(np.floor(scores / PROBABILITY_SCALE) * PROBABILITY_SCALE, keep)
