"""Find how a classifier tells images apart that show none of its classes, and from which probability on it names one."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgetl.keras import class_probabilities, keras, layers

import numpy as np
from numpy.typing import NDArray

from edgetl.data.base import Images
from edgetl.evaluation.rejection import threshold_keeping
from edgetl.float_record import FoundRejection
from edgetl.output import PROBABILITY_SCALE
from edgetl.pipeline.project import Project
from edgetl.runtimes.base import predict
from edgetl.runtimes.keras import KerasSession
from edgetl.training.fold import fold_batch_norms
from edgetl.training.scoring import scorer
from edgetl.training.unknown import Familiar, features_at, known_alone, logits_layer, own_logit, places, with_unknown

logger = logging.getLogger(__name__)

Floats = NDArray[np.float32]

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
    seen = _seen(project, model, images) if inside else None
    if seen is None:
        scores = predict(KerasSession(model, project.contract), images.pixels, rows, "held-out images").max(1)
        found = FoundRejection(threshold=_threshold(scores, keep), keep=keep, images=len(rows), inside=False)
    else:
        found = _inside(project, seen, rows, temperature)
    logger.info(f"unknown: {found}")
    return found


def rejecting(project: Project, model: Any, found: FoundRejection | None) -> Any:
    """Return the folded network with the logit of unknown images where it rejects by one; the project's contract says the threshold."""
    project.contract = project.contract.rejecting(found.rejection if found else None)
    seen = _seen(project, model, project.data.images) if found and found.inside else None
    if found is None or seen is None:
        return known_alone(model, len(project.contract.class_names))
    return with_unknown(model, len(project.contract.class_names), seen.familiar, found.slope, found.offset)


@dataclass(frozen=True, eq=False)
class _Seen:
    """Known images inside a network: how they look, and a function from rows to logits [N, K or K + 1] and features [N, C]."""

    familiar: Familiar
    compute: Callable[[NDArray[np.int64]], tuple[Floats, Floats]]


def _seen(project: Project, model: Any, images: Images) -> _Seen | None:
    """Look at training images inside a network; None: it ends otherwise than in a dense layer, or has no map to look at."""
    folded, rows = fold_batch_norms(model), images.rows("train")
    some = places(folded, len(rows))
    if not some or logits_layer(folded) is None:
        return None
    parts = [folded.output, *(layers.Flatten()(features) for features in features_at(folded, some))]
    score, width = scorer(keras.Model(folded.input, layers.Concatenate()(parts)), project.contract), folded.output_shape[-1]

    def compute(rows: NDArray[np.int64]) -> tuple[Floats, Floats]:
        computed = score(images.pixels, rows, "features")
        return computed[:, :width], computed[:, width:]

    return _Seen(Familiar.of(compute(rows)[1], some), compute)


def _inside(project: Project, seen: _Seen, rows: NDArray[np.int64], temperature: float) -> FoundRejection:
    """Find the logit and the threshold on held-out images, by their rows."""
    classes, data, keep = len(project.contract.class_names), project.data, project.data.keep
    computed, features = seen.compute(rows)
    logits, distances = computed.astype(np.float64) / temperature, seen.familiar.distance(features)
    own = own_logit(logits, classes)
    slope = project.recipe.reject.slope * float(own.std() / max(distances.std(), 1e-9))
    offset = float(np.quantile(own - slope * distances, 1 - keep))
    unknown = (logits[:, classes] if logits.shape[1] > classes else 0.0) + slope * distances + offset
    scores = class_probabilities(np.column_stack([logits[:, :classes], unknown]), project.contract.output).numpy().max(1)
    return FoundRejection(
        threshold=_threshold(scores, keep),
        keep=keep,
        images=len(rows),
        inside=True,
        slope=slope,
        offset=offset,
        background=data.background_images,
        made=data.made_unknown,
    )


def _threshold(scores: NDArray[np.floating], keep: float) -> float:
    """Return the threshold that keeps this share of the images, in the steps of an int8 model's output."""
    return threshold_keeping(np.floor(scores / PROBABILITY_SCALE) * PROBABILITY_SCALE, keep)
