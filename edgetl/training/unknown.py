"""The logit of "none of the classes": what was learned from unknown images, and how far an image is from known ones inside the network.

The distance is Mahalanobis' (Lee et al. 2018, arXiv:1807.03888) from the mean of all known images, in the means over the places of narrow
maps at the network's end. There a covariance is small enough for a phone, and what the classes do not need is not yet forgotten: of
flowers and groceries the features that the head reads tell 0.87 (AUROC), the 112 channels before them 0.92 (MobileNetV2 0.35 at 128 px).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgetl.keras import keras, layers

import numpy as np
from numpy.typing import NDArray

from edgetl.backbones.channel_slice import ChannelSlice
from edgetl.backbones.graph import PASSING, users
from edgetl.backbones.hard_sigmoid import HardSigmoid
from edgetl.training.head import dense_layers

UNKNOWN = "unknown"  # the layers of the logit are called so, and unknown_...
PARTS = tuple(f"{UNKNOWN}_{part}" for part in ("distance", "learned"))  # the layers whose outputs add up to the logit
_WEIGHTS = 0.03  # of the network's number of weights: what a covariance may have
_IMAGES = 4  # for each channel: fewer say little about how channels vary together
_SHRINKAGE = 0.02  # of the covariance towards independent channels: 0.01 to 0.05 are alike
_SURELY = 8.0  # nats: e^-8 is less than a step of 1/256
_FARTHEST = 3.0  # times the distance of the farthest known image
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
class Familiar:
    """How known images look inside a network.

    Args:
        places: the maps whose means over their places are the features, C channels in all.
        whitening: for each place float32 [c, c]: with the offset it makes directions of variance 1 around 0 of the c channels.
        offset: for each place float32 [c].
    """

    places: tuple[Place, ...]
    whitening: tuple[Floats, ...]
    offset: tuple[Floats, ...]

    @classmethod
    def of(cls, features: Floats, places: Sequence[Place]) -> "Familiar":
        """Fit it to the features [N, C] of known images."""
        found = [_whitening(part) for part in _parted(features, places)]
        return cls(tuple(places), tuple(whitening for whitening, _ in found), tuple(offset for _, offset in found))

    def distance(self, features: Floats) -> NDArray[np.float64]:
        """Return the squared distance of features [N, C], float64 [N]; that of known images is about C."""
        parts = zip(_parted(features, self.places), self.whitening, self.offset, strict=True)
        away = np.concatenate([part @ whitening + offset for part, whitening, offset in parts], axis=1)
        found: NDArray[np.float64] = (np.clip(away, -_MOST_SPREADS, _MOST_SPREADS).astype(np.float64) ** 2).sum(1)
        return found


def places(model: Any, images: int) -> tuple[Place, ...]:
    """Return the maps that tell unknown images apart: the first and the last narrow one of the size of the last, which is none of them.

    Where none is narrow enough for a whole covariance, it is the last one's first channels. None: there is no such map.

    Args:
        model: a folded network.
        images: number of known images that the covariance is found by.
    """
    maps = [layer for layer in model.layers if _is_map(layer)]
    readers = users(model)
    found = [layer for layer in maps[:-1] if not any(isinstance(one, _ACTIVATIONS) for one in readers[id(layer.output)])]
    if not found:
        return ()
    most = max(2, min(math.isqrt(round(_WEIGHTS * model.count_params())), images // _IMAGES))
    size = found[-1].output.shape[1:3]
    last = [Place(layer.name, int(layer.output.shape[-1])) for layer in found if layer.output.shape[1:3] == size]
    narrow = [place for place in last if place.channels <= most]
    if not narrow:
        return (Place(last[-1].layer, most),)
    return (narrow[0], narrow[-1]) if len(narrow) > 1 else (narrow[0],)


def features_at(model: Any, some: Sequence[Place]) -> list[Any]:
    """Return tensors [N, 1, 1, c] of a network: the means of the maps over their places."""
    found = []
    for number, place in enumerate(some, 1):
        mean = layers.GlobalAveragePooling2D(keepdims=True, name=f"{UNKNOWN}_{number}_mean")(model.get_layer(place.layer).output)
        cut = mean.shape[-1] > place.channels
        found.append(ChannelSlice(0, place.channels, name=f"{UNKNOWN}_{number}_channels")(mean) if cut else mean)
    return found


def with_unknown(model: Any, classes: int, familiar: Familiar, slope: float, offset: float) -> keras.Model:
    """Return the classifier with K + 1 logits, the last one of "none of the classes".

    It is the model's own, where it has one, plus `slope` times the distance plus `offset`.

    Args:
        model: a folded network with K logits, or K + 1 where it has learned from unknown images.
        classes: K.
    """
    layer = logits_layer(model)
    features, (kernel, bias) = layer.input, layer.get_weights()
    known = _dense(features, layer.name, kernel[:, :classes], bias[:classes])
    # All of it stays maps of one place: the converter moves a Reshape behind a product, and gives that the grid of its factors.
    means = zip(features_at(model, familiar.places), familiar.whitening, familiar.offset, strict=True)
    away = [_combined(mean, f"{UNKNOWN}_{number}_away", *found) for number, (mean, *found) in enumerate(means, 1)]
    together = layers.Concatenate(name=f"{UNKNOWN}_away")(away) if len(away) > 1 else away[0]
    squares = layers.Multiply(name=f"{UNKNOWN}_squares")([together, together])
    times = np.full((squares.shape[-1], 1), slope, np.float32)
    unknown = layers.Reshape((1,), name=f"{UNKNOWN}_logit")(_combined(squares, PARTS[0], times, np.full(1, offset, np.float32)))
    if kernel.shape[1] > classes:
        learned = _dense(features, PARTS[1], kernel[:, classes:], bias[classes:])
        unknown = layers.Add(name=UNKNOWN)([unknown, learned])
    return keras.Model(model.input, layers.Concatenate(name=f"{UNKNOWN}_beside")([known, unknown]), name=model.name)


def limits_of(name: str, known: Mapping[str, tuple[float, float]], logits: tuple[float, float]) -> tuple[float, float] | None:
    """Return the ends beyond which the output of one of the logit's layers makes no difference; None: its ends are those of known images.

    From a logit on that is this much above all others nothing is left for the classes, and what is further away is as unknown.

    Args:
        name: the layer's.
        known: the lowest and highest output of layers by their names, on known images.
        logits: the same of the classes' logits.
    """
    if name.startswith(UNKNOWN) and name.endswith("_away"):
        return -_MOST_SPREADS, _MOST_SPREADS
    if name == f"{UNKNOWN}_squares":
        return 0.0, _MOST_SPREADS**2
    if name == PARTS[0]:
        return known[name][0], known[name][0] + _FARTHEST * (known[name][1] - known[name][0])
    return (-np.inf, logits[1] + _SURELY) if name in (UNKNOWN, f"{UNKNOWN}_beside", PARTS[1]) else None


def logits_layer(model: Any) -> Any:
    """Return the dense layer that gives the logits from features [N, C]; None: the network ends in something else."""
    last = model.layers[-1]
    ours = [layer for layer in dense_layers(model) if layer.name == "logits"]
    layer = ours[0] if ours else last
    return layer if isinstance(layer, layers.Dense) and layer.use_bias and len(layer.input.shape) == 2 else None


def known_alone(model: Any, classes: int) -> keras.Model:
    """Return the classifier without the logit of unknown images that it may have learned; itself where it has none."""
    layer = logits_layer(model)
    if layer is None or layer.units == classes:
        return model
    kernel, bias = layer.get_weights()
    known = _dense(layer.input, layer.name, kernel[:, :classes], bias[:classes])
    return keras.Model(model.input, known, name=model.name)


def own_logit(logits: NDArray[np.floating], classes: int) -> NDArray[np.float64]:
    """Return how much less probable "none of the classes" is than all classes, in nats, of logits [N, K] or [N, K + 1]; float64 [N]."""
    logits = logits.astype(np.float64)
    known: NDArray[np.float64] = np.logaddexp.reduce(logits[:, :classes], axis=1)
    return known - logits[:, classes] if logits.shape[1] > classes else known


def _dense(inputs: Any, name: str, kernel: Any, bias: Any) -> Any:
    layer = layers.Dense(kernel.shape[1], name=name)
    output = layer(inputs)
    layer.set_weights([kernel, bias])
    return output


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


def _parted(features: Floats, some: Sequence[Place]) -> list[Floats]:
    """Return the features [N, C] of each place."""
    return np.split(features, np.cumsum([place.channels for place in some])[:-1], axis=1)


def _whitening(features: Floats) -> tuple[Floats, Floats]:
    """Return a matrix [c, c] and an offset [c] that make directions of variance 1 around 0 of features [N, c]."""
    mean = features.mean(0).astype(np.float64)
    spread = np.maximum(features.std(0), max(float(np.ptp(features)) / _STEPS, _SMALLEST_SPREAD))
    around = (features - mean) / spread
    covariance = around.T @ around / len(features)
    variances, directions = np.linalg.eigh((1 - _SHRINKAGE) * covariance + _SHRINKAGE * np.eye(len(covariance)))
    whitening = directions / np.sqrt(variances) / spread[:, None]
    return whitening.astype(np.float32), -(mean @ whitening).astype(np.float32)
