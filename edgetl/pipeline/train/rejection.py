"""Find how a classifier tells images apart that show none of its classes, and from which probability on it names one."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgetl.keras import class_probabilities, keras, layers

import numpy as np
from numpy.typing import NDArray

from edgetl.data.base import Images, Pixels
from edgetl.data.calibration import sample
from edgetl.evaluation.rejection import threshold_keeping
from edgetl.float_record import FoundRejection
from edgetl.output import PROBABILITY_SCALE
from edgetl.pipeline.project import Project
from edgetl.runtimes.base import predict
from edgetl.runtimes.keras import KerasSession
from edgetl.training.fold import fold_batch_norms
from edgetl.training.scoring import scorer
from edgetl.training.unknown import Place, Strangeness, means_at, place_of, with_unknown
from edgetl.wording import counted

logger = logging.getLogger(__name__)

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

_MOST_KNOWN = 8000  # training images that are looked at: more say nothing new of some hundred channels
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
    inside_of = _inside_of(project, model, images) if inside else None
    if inside_of is None:
        scores = predict(KerasSession(model, project.contract), images.pixels, rows, "held-out images").max(1)
        found = FoundRejection(threshold=_threshold(scores, keep), keep=keep, images=len(rows), inside=False)
    else:
        found = _by_a_logit(project, inside_of, images, temperature)
    if not found.threshold:
        of_held = counted(len(rows), "held-out image")
        logger.warning(
            f"no image is rejected as unknown: no threshold keeps {100 * keep:g} % of {of_held}, since the network is hardly sure of any"
        )
        return None
    logger.info(f"unknown: {found}")
    return found


def rejecting(project: Project, model: Any, found: FoundRejection | None, *, trained_again: bool = False) -> Any:
    """Return the folded network with the logit of unknown images where it rejects by one; the project's contract says the threshold.

    Args:
        trained_again: on all training images. Else the logit is the very one that the threshold was found by: fitted to the held-out images
            too, whose maps differ from those that were learned from, it kept 86 % of flowers where 95 % were promised and that one 94 %.
    """
    project.contract = project.contract.rejecting(found.rejection if found else None)
    images = project.data.images if trained_again else project.data.choosing
    inside_of = _inside_of(project, model, images) if found and found.inside else None
    if found is None or inside_of is None:
        return model
    return with_unknown(model, inside_of.place, inside_of.strangeness, found.scale, found.offset)


@dataclass(frozen=True, eq=False)
class _Inside:
    """A network inside: where it is looked at, how unknown an image is by that, and what it computes of pixels and rows.

    Args:
        compute: returns logits [N, K] and means [N, C].
        unknown: number of background and of made images that were learned from.
    """

    place: Place
    strangeness: Strangeness
    compute: Callable[[Pixels, Rows], tuple[Floats, Floats]]
    unknown: tuple[int, int]


def _inside_of(project: Project, model: Any, images: Images) -> _Inside | None:
    """Look at training images and at unknown ones inside a network; None: it has no map to look at."""
    folded, known = fold_batch_norms(model), sample(images.label_ids, images.rows("train"), _MOST_KNOWN, project.recipe.train.seed)
    place = place_of(folded, len(known))
    if place is None:
        return None
    outputs = layers.Concatenate()([folded.output, layers.Flatten()(means_at(folded, place))])
    score, classes = scorer(keras.Model(folded.input, outputs), project.contract), folded.output_shape[-1]

    def compute(pixels: Pixels, rows: Rows) -> tuple[Floats, Floats]:
        computed = score(pixels, rows, "inside the network")
        return computed[:, :classes], computed[:, classes:]

    of_none = project.data.unknown_pixels()
    unknown = [compute(pixels, np.arange(len(pixels)))[1] for pixels in of_none if len(pixels)]
    means = compute(images.pixels, known)[1]
    strangeness = Strangeness.of(means, np.concatenate([means[:0], *unknown]))
    return _Inside(place, strangeness, compute, (len(of_none[0]), len(of_none[1])))


def _by_a_logit(project: Project, inside: _Inside, images: Images, temperature: float) -> FoundRejection:
    """Find the logit and the threshold on the held-out images."""
    rows, keep = images.rows("val"), project.data.keep
    computed, means = inside.compute(images.pixels, rows)
    logits, strange = computed.astype(np.float64) / temperature, inside.strangeness.measure(means)
    sure: NDArray[np.float64] = np.logaddexp.reduce(logits, axis=1)
    scale = project.recipe.reject.scale * float(sure.std() / max(strange.std(), 1e-9))
    offset = float(np.quantile(sure - scale * strange, 1 - keep))
    beside = np.column_stack([logits, scale * strange + offset])
    scores = class_probabilities(beside, project.contract.output).numpy().max(1)
    return FoundRejection(
        threshold=_threshold(scores, keep),
        keep=keep,
        images=len(rows),
        inside=True,
        scale=scale,
        offset=offset,
        background=inside.unknown[0],
        made=inside.unknown[1],
    )


def _threshold(scores: NDArray[np.floating], keep: float) -> float:
    """Return the threshold that keeps this share of the images, in the steps of an int8 model's output."""
    return threshold_keeping(np.floor(scores / PROBABILITY_SCALE) * PROBABILITY_SCALE, keep)
