"""The logit of "none of the classes": what was learned from unknown images, and how far an image's features are from known ones.

The distance is Mahalanobis' (Lee et al. 2018, arXiv:1807.03888) from the mean of all classes, with a covariance small enough for a phone: a
variance of each feature, and the directions in which they vary together most. Layers compute it that integer engines have.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgetl.keras import keras, layers

import numpy as np
from numpy.typing import NDArray

from edgetl.training.head import dense_layers

UNKNOWN = "unknown"  # the layers of the logit are called so, and unknown_...
PARTS = tuple(f"{UNKNOWN}_{part}" for part in ("distance", "along", "learned"))  # the layers whose outputs add up to the logit
_DIRECTIONS = 16  # 3 % of the weights of MobileNetV2 0.35; AUROC 0.88, 0.90, 0.91, 0.91 with 0, 8, 16 and 32 of them (flowers)
_SURELY = 8.0  # nats: e^-8 is less than a step of 1/256
_FARTHEST = 3.0  # times the distance of the farthest known image
_STEPS = 255  # of the integers that features become: a spread below one step would be noise there, and outweigh all others
# A feature counts for so many spreads at most: 256 integers hold its square, which is about 1 for most. AUROC falls by 0.005 (flowers).
_MOST_SPREADS = 8.0
_SMALLEST_UNIT = 1e-3  # where features do not vary at all


@dataclass(frozen=True, eq=False)
class Familiar:
    """How the features of known images are distributed.

    Args:
        mean, spread: of each feature, float32 [C]; the spread is that around the classes' means.
        directions: float32 [C, R], of the features in units of their spread.
        shares: float32 [R]: 1 minus the variance of all other directions over this one's.
        unit: the variance of all other directions.
    """

    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    directions: NDArray[np.float32]
    shares: NDArray[np.float32]
    unit: float

    @classmethod
    def of(cls, features: NDArray[np.float32], label_ids: NDArray[np.integer]) -> "Familiar":
        """Fit it to features [N, C] of images with these labels [N]."""
        classes = np.unique(label_ids)
        means = np.stack([features[label_ids == one].mean(0) for one in classes])
        around = features - means[np.searchsorted(classes, label_ids)]
        spread = np.maximum(around.std(0), max(features.max() / _STEPS, _SMALLEST_UNIT)).astype(np.float32)
        around = np.minimum(around / spread, _MOST_SPREADS)
        count = min(_DIRECTIONS, max(1, len(features) // 8), features.shape[1] - 1)
        _, values, axes = np.linalg.svd(around, full_matrices=False)
        variances = values**2 / len(features)
        unit = float((variances.sum() - variances[:count].sum()) / (features.shape[1] - count))
        unit = max(unit, _SMALLEST_UNIT)
        shares = 1 - unit / np.maximum(variances[:count], unit)
        return cls(means.mean(0).astype(np.float32), spread, axes[:count].T.astype(np.float32), shares.astype(np.float32), unit)

    def distance(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the squared distance of features [N, C], float64 [N]; that of known images is about C."""
        away = np.minimum((features - self.mean) / self.spread, _MOST_SPREADS).astype(np.float64)
        along = away @ self.directions
        squares: NDArray[np.float64] = ((away**2).sum(1) - (along**2 * self.shares).sum(1)) / self.unit
        return squares


def with_unknown(model: Any, classes: int, familiar: Familiar, slope: float, offset: float) -> keras.Model:
    """Return the classifier with K + 1 logits, the last one of "none of the classes".

    It is the model's own, where it has one, plus `slope` times the distance of the features plus `offset`.

    Args:
        model: a folded network with K logits, or K + 1 where it has learned from unknown images.
        classes: K.
    """
    layer = logits_layer(model)
    features, (kernel, bias) = layer.input, layer.get_weights()
    known = _dense(features, layer.name, kernel[:, :classes], bias[:classes])
    away = layers.Reshape((1, 1, features.shape[-1]), name=f"{UNKNOWN}_places")(features)
    # How far below the most that counts, so that a ReLU cuts what is beyond; and back.
    away = _each(away, f"{UNKNOWN}_below", -1 / familiar.spread, _MOST_SPREADS + familiar.mean / familiar.spread)
    away = layers.ReLU(name=f"{UNKNOWN}_below_relu")(away)
    away = _each(away, f"{UNKNOWN}_away", np.full_like(familiar.spread, -1), np.full_like(familiar.spread, _MOST_SPREADS))
    # All of it stays a map of one place: the converter moves a Reshape behind a product, and gives that the grid of its factors.
    along = _combined(away, f"{UNKNOWN}_directions", familiar.directions * np.sqrt(familiar.shares), 0.0)
    per_unit = slope / familiar.unit
    parts = [_sum_of_squares(away, PARTS[0], per_unit, 0.0), _sum_of_squares(along, PARTS[1], -per_unit, offset)]
    unknown = layers.Reshape((1,), name=f"{UNKNOWN}_logit")(layers.Add(name=f"{UNKNOWN}_sum")(parts))
    if kernel.shape[1] > classes:
        learned = _dense(features, PARTS[2], kernel[:, classes:], bias[classes:])
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
    if name == PARTS[0]:
        return known[name][0], _FARTHEST * known[name][1]
    return (-np.inf, logits[1] + _SURELY) if name in (UNKNOWN, f"{UNKNOWN}_sum", f"{UNKNOWN}_beside", PARTS[2]) else None


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


def _each(inputs: Any, name: str, times: NDArray[np.floating], plus: NDArray[np.floating]) -> Any:
    """Compute `times * x + plus` for each feature [C]: a channel of a depthwise convolution, with a scale of its own in integers too."""
    layer = layers.DepthwiseConv2D(1, name=name)
    output = layer(inputs)
    layer.set_weights([times.reshape(1, 1, -1, 1), plus])
    return output


def _dense(inputs: Any, name: str, kernel: Any, bias: Any) -> Any:
    layer = layers.Dense(kernel.shape[1], name=name)
    output = layer(inputs)
    layer.set_weights([kernel, bias])
    return output


def _combined(inputs: Any, name: str, kernel: NDArray[np.floating], plus: float) -> Any:
    """Compute `x @ kernel + plus` at the one place of a map [N, 1, 1, C]."""
    layer = layers.Conv2D(kernel.shape[1], 1, name=name)
    output = layer(inputs)
    layer.set_weights([kernel[None, None], np.full(kernel.shape[1], plus)])
    return output


def _sum_of_squares(inputs: Any, name: str, times: float, plus: float) -> Any:
    squares = layers.Multiply(name=f"{name}_squares")([inputs, inputs])
    return _combined(squares, name, np.full((inputs.shape[-1], 1), times), plus)
