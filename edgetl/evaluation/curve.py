"""Learning curve: accuracy by number of training images, and a power law that predicts the value of more images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_RESAMPLES = 1000
_EXPONENTS = np.geomspace(0.05, 2.0, 60)  # error falls as images ** -exponent; published curves lie at 0.07 to 1 or so
_FEWEST = 3  # sizes: the power law has three parameters

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CurvePoint:
    """Mean accuracy over the seeds with its 95 % interval, and the standard deviation over the seeds."""

    images: int
    accuracy: float
    interval_95: tuple[float, float]
    std_over_seeds: float


@dataclass(frozen=True)
class PowerLaw:
    """error(n) = floor + scale * (n / n_max) ** -exponent.

    `predicted_accuracy` is a check: the accuracy at the largest size that a power law of all smaller sizes predicts.
    """

    scale: float
    exponent: float
    floor: float
    predicted_accuracy: float | None

    def accuracy(self, share: float) -> float:
        """Return the accuracy at `share` times the largest number of images."""
        return float(1 - self.floor - self.scale * share**-self.exponent)


@dataclass(frozen=True)
class Doubled:
    """The accuracy that the power law predicts for twice as many images; `gain_points` is the gain over its value for all images."""

    images: int
    accuracy: float
    accuracy_interval_95: tuple[float, float]
    gain_points: float
    gain_interval_95: tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """A learning curve; `law` and `doubled` are None when there are too few sizes."""

    points: tuple[CurvePoint, ...]
    law: PowerLaw | None
    doubled: Doubled | None


def learning_curve(sizes: Sequence[int], right: NDArray[np.bool_], seed: int = 0) -> Curve:
    """Return the learning curve of F increasing sizes.

    Intervals are percentiles over resampled seeds and validation images. All sizes share the same resampled images, so that most of the
    chance in their choice cancels in differences.

    Args:
        right: bool [F, S, N]: whether the model trained on that many images with that seed is right on that validation image.
    """
    fractions, seeds, images = right.shape
    random = np.random.default_rng(seed)
    weights = random.multinomial(images, np.full(images, 1 / images), _RESAMPLES)
    each = (weights @ right.reshape(-1, images).T.astype(np.float64) / images).reshape(_RESAMPLES, fractions, seeds)
    drawn = np.take_along_axis(each, random.integers(0, seeds, each.shape), axis=2).mean(axis=2)
    accuracy, spread = right.mean(axis=(1, 2)), right.mean(axis=2)
    points = tuple(
        CurvePoint(int(size), float(accuracy[f]), _interval(drawn[:, f]), float(spread[f].std(ddof=1)) if seeds > 1 else 0.0)
        for f, size in enumerate(sizes)
    )
    if fractions < _FEWEST:
        return Curve(points, None, None)
    shares = np.asarray(sizes, np.float64) / sizes[-1]
    [[scale, exponent, floor]] = power_law(shares, 1 - accuracy[None])
    law = PowerLaw(float(scale), float(exponent), float(floor), _predicted_accuracy(shares, accuracy))
    laws = power_law(shares, 1 - drawn).T
    there, twice = (1 - laws[2] - laws[0] * share ** -laws[1] for share in (1.0, 2.0))
    gain = 100 * (law.accuracy(2) - law.accuracy(1))
    return Curve(points, law, Doubled(2 * int(sizes[-1]), law.accuracy(2), _interval(twice), gain, _interval(100 * (twice - there))))


def power_law(shares: Floats, errors: Floats) -> Floats:
    """Return (scale, exponent, floor) [R, 3] of error = floor + scale * share ** -exponent by least squares, scale and floor >= 0.

    For a given exponent the problem is linear in the other two; the best of a list of exponents is kept.

    Args:
        shares: [F], of the largest size.
        errors: [R, F].
    """
    best = np.zeros((len(errors), 3))
    least = np.full(len(errors), np.inf)
    mean = errors.mean(axis=1)
    for exponent in _EXPONENTS:
        falling = shares**-exponent
        apart = falling - falling.mean()
        scale = np.maximum((errors - mean[:, None]) @ apart / (apart @ apart), 0)
        floor = mean - scale * falling.mean()
        below = floor < 0
        scale, floor = np.where(below, errors @ falling / (falling @ falling), scale), np.maximum(floor, 0)
        missed = ((floor[:, None] + scale[:, None] * falling - errors) ** 2).sum(axis=1)
        better = missed < least
        least[better] = missed[better]
        best[better] = np.stack([scale, np.full_like(scale, exponent), floor], axis=1)[better]
    return best


def _predicted_accuracy(shares: Floats, accuracy: Floats) -> float | None:
    """Predict the last accuracy from the others; None when they are too few."""
    if len(shares) <= _FEWEST:
        return None
    [[scale, exponent, floor]] = power_law(shares[:-1] / shares[-2], 1 - accuracy[None, :-1])
    return float(1 - floor - scale * (shares[-1] / shares[-2]) ** -exponent)


def _interval(values: NDArray[np.floating]) -> tuple[float, float]:
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
