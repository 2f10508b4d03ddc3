"""The logit of "none of the classes", which a finished classifier gets beside those of its classes, without a change to them.

It is a quadratic function of the means of a narrow map's channels over their places, near the end of the network, in directions that have
variance 1 on known images. With equal weights it would be Mahalanobis' distance (Lee et al. 2018, arXiv:1807.03888); the weights are partly
these and partly learned, by a logistic regression of known images against unknown ones: what tells these apart need not tell others
(groceries from flowers by what coffee leaves taught: AUROC 0.79, with both 0.91, in the worst of six runs). There a covariance is small
enough for a phone, and what the classes do not need is not yet forgotten: of flowers and groceries the 112 channels before the features
that the head reads tell more by that distance (AUROC 0.91) than these (0.85; MobileNetV2 0.35 at 128 px).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgetl.keras import keras, layers

import numpy as np
from numpy.typing import NDArray

from edgetl.backbones.channel_slice import ChannelSlice
from edgetl.backbones.graph import PASSING, users
from edgetl.backbones.hard_sigmoid import HardSigmoid

UNKNOWN = "unknown"  # the layers of the logit are called so, and unknown_...
PARTS = tuple(f"{UNKNOWN}_{part}" for part in ("along", "squared"))  # the layers whose outputs add up to the logit
_WEIGHTS = 0.04  # of the network's number of weights: what the directions may have
_IMAGES = 4  # known images for each channel: fewer say little about how channels vary together
_SHRINKAGE = 0.05  # of the covariance towards independent channels: 0.01 to 0.05 are alike
_DISTANCE = 0.35  # of the strangeness is the distance, the rest is learned, both of spread 1 on known images: 0.3 to 0.5 are alike
_FAITH = 20.0  # in the images, over that in small weights: 7 to 50 are alike
_SURELY = 8.0  # nats: e^-8 is less than a step of 1/256
_JUST = 3.0  # nats above the surest class: it has a twentieth left then, less sure ones nothing
_MOST_SPREADS = 6.0  # that a direction counts for at most: 256 integers hold them, and their squares
_STEPS = 255  # of the integers that maps become: a spread below one step would be noise there, and outweigh all others
_SMALLEST_SPREAD = 1e-6  # where nothing varies at all
_ACTIVATIONS = (layers.ReLU, layers.Activation, layers.LeakyReLU, layers.PReLU, layers.BatchNormalization, HardSigmoid)
_NO_PLACES = (layers.InputLayer, layers.AveragePooling2D, layers.GlobalAveragePooling2D, HardSigmoid, *PASSING)

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Place:
    """A map in a network: its layer, and how many of its channels are looked at."""

    layer: str
    channels: int


@dataclass(frozen=True, eq=False)
class Strangeness:
    """How unknown an image is by the means c of a map's channels: `along @ z + squared @ z**2`, z = `c @ whitening + offset`.

    Args:
        whitening, offset: float32 [C, C] and [C]; of known images z has variance 1 around 0.
        along, squared: float32 [C].
    """

    whitening: Floats
    offset: Floats
    along: Floats
    squared: Floats

    @classmethod
    def of(cls, known: Floats, unknown: Floats) -> "Strangeness":
        """Fit it to the means [N, C] of known images and [M, C] of unknown ones; without these it is the squared distance."""
        whitening, offset = _whitening(known)
        if not len(unknown):
            return cls(whitening, offset, np.zeros_like(offset), np.ones_like(offset))
        from sklearn.linear_model import LogisticRegression  # here, so that reading this file does not load it

        here, there = (_terms(means @ whitening + offset) for means in (known, unknown))
        spread = here.std(0)
        spread[spread < _SMALLEST_SPREAD] = np.inf  # channels that are dead on known images teach nothing, and still count in the distance
        images, is_unknown = np.concatenate([here, there]) / spread, np.repeat([0, 1], [len(here), len(there)])
        model = LogisticRegression(C=_FAITH / len(images), class_weight="balanced", max_iter=1000).fit(images, is_unknown)
        learned, distance = model.coef_[0] / spread, np.repeat([0.0, 1.0], len(offset))
        weights = sum(share * kind / (here @ kind).std() for share, kind in ((1 - _DISTANCE, learned), (_DISTANCE, distance)))
        return cls(whitening, offset, *np.split(weights.astype(np.float32), 2))

    def measure(self, means: Floats) -> NDArray[np.float64]:
        """Return how unknown images are by their means [N, C], float64 [N]."""
        found: NDArray[np.float64] = _terms(means @ self.whitening + self.offset) @ np.concatenate([self.along, self.squared])
        return found


def place_of(model: Any, images: int) -> Place | None:
    """Return the map that tells unknown images apart: the last narrow one of the size of the last, which is not that itself.

    Where none is narrow enough for all their directions, it is the last one's first channels. None: there is no such map.

    Args:
        model: a folded network.
        images: number of known images that the directions are found by.
    """
    maps = [layer for layer in model.layers if _is_map(layer)]
    readers = users(model)
    found = [layer for layer in maps[:-1] if not any(isinstance(one, _ACTIVATIONS) for one in readers[id(layer.output)])]
    if not found:
        return None
    most = max(2, min(math.isqrt(round(_WEIGHTS * model.count_params())), images // _IMAGES))
    size = found[-1].output.shape[1:3]
    last = [Place(layer.name, int(layer.output.shape[-1])) for layer in found if layer.output.shape[1:3] == size]
    narrow = [place for place in last if place.channels <= most]
    return narrow[-1] if narrow else Place(last[-1].layer, most)


def means_at(model: Any, place: Place) -> Any:
    """Return a tensor [N, 1, 1, C] of a network: the means of a map's channels over their places."""
    mean = layers.GlobalAveragePooling2D(keepdims=True, name=f"{UNKNOWN}_mean")(model.get_layer(place.layer).output)
    cut = mean.shape[-1] > place.channels
    return ChannelSlice(0, place.channels, name=f"{UNKNOWN}_channels")(mean) if cut else mean


def with_unknown(model: Any, place: Place, strangeness: Strangeness, scale: float, offset: float) -> keras.Model:
    """Return the classifier with K + 1 logits, the last one of "none of the classes": `scale` times the strangeness plus `offset`.

    Args:
        model: a folded network with K logits.
    """
    # All of it stays maps of one place: the converter moves a Reshape behind a product, and gives that the grid of its factors.
    away = _combined(means_at(model, place), f"{UNKNOWN}_away", strangeness.whitening, strangeness.offset)
    squares = layers.Multiply(name=f"{UNKNOWN}_squares")([away, away])
    along = _combined(away, PARTS[0], scale * strangeness.along[:, None], np.zeros(1, np.float32))
    squared = _combined(squares, PARTS[1], scale * strangeness.squared[:, None], np.full(1, offset, np.float32))
    unknown = layers.Reshape((1,), name=f"{UNKNOWN}_logit")(layers.Add(name=UNKNOWN)([along, squared]))
    return keras.Model(model.input, layers.Concatenate(name=f"{UNKNOWN}_beside")([model.output, unknown]), name=model.name)


def limits_of(name: str, logits: tuple[float, float]) -> tuple[float, float] | None:
    """Return the ends beyond which the output of one of the logit's layers makes no difference; None: its ends are those of known images.

    From a logit on that is this much above all others nothing is left for the classes, and what is further away is as unknown.

    Args:
        name: the layer's.
        logits: the lowest and highest logit of the classes on known images.
    """
    if name == f"{UNKNOWN}_away":
        return -_MOST_SPREADS, _MOST_SPREADS
    if name == f"{UNKNOWN}_squares":
        return 0.0, _MOST_SPREADS**2
    if name in PARTS:
        return -np.inf, logits[1] + _SURELY
    # On one grid with the classes' logits, whose steps must stay fine: as unlikely as the least of them is nothing.
    return (logits[0], logits[1] + _JUST) if name in (UNKNOWN, f"{UNKNOWN}_beside") else None


def logits_beside(model: Any) -> str:
    """Return the name of the layer that gives the logits of the classes, of a model with one of unknown images."""
    return str(model.get_layer(f"{UNKNOWN}_beside").inbound_nodes[0].inbound_layers[0].name)


def _combined(inputs: Any, name: str, kernel: Floats, bias: Floats) -> Any:
    """Compute `x @ kernel + bias` at the one place of a map [N, 1, 1, C]."""
    layer = layers.Conv2D(kernel.shape[1], 1, name=name)
    output = layer(inputs)
    layer.set_weights([kernel[None, None], bias])
    return output


def _is_map(layer: Any) -> bool:
    """Return whether a layer makes a map [N, H, W, C] of several places."""
    shape: Sequence[int] = getattr(layer.output, "shape", ())
    return len(shape) == 4 and shape[1] * shape[2] > 1 and not isinstance(layer, _NO_PLACES)


def _terms(away: Floats) -> NDArray[np.float64]:
    """Return what the strangeness is a weighted sum of, float64 [N, 2 C], for directions [N, C]."""
    near = np.clip(away, -_MOST_SPREADS, _MOST_SPREADS).astype(np.float64)
    return np.concatenate([near, near**2], axis=1)


def _whitening(features: Floats) -> tuple[Floats, Floats]:
    """Return a matrix [c, c] and an offset [c] that make directions of variance 1 around 0 of features [N, c]."""
    mean = features.mean(0).astype(np.float64)
    spread = np.maximum(features.std(0), max(float(np.ptp(features)) / _STEPS, _SMALLEST_SPREAD))
    around = (features - mean) / spread
    covariance = around.T @ around / len(features)
    variances, directions = np.linalg.eigh((1 - _SHRINKAGE) * covariance + _SHRINKAGE * np.eye(len(covariance)))
    whitening = directions / np.sqrt(variances) / spread[:, None]
    return whitening.astype(np.float32), -(mean @ whitening).astype(np.float32)
