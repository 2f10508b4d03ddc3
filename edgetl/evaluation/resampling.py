"""Intervals of metrics: over resampled images, and of shares."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000  # the ends of an interval are then good to a tenth of its width
_Z = 1.959963984540054  # the normal distribution's 97.5 % point
_BLOCK = 4_000_000  # numbers held at once while resampling: 32 MB

Weights = NDArray[np.float64]
Interval = tuple[float, float]
Statistics = Callable[[Weights], Mapping[str, Weights]]


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval."""

    value: float
    interval_95: Interval


@dataclass(frozen=True)
class Resampled:
    """95 % intervals over resampled images: one a metric, and one for each class a per-class metric."""

    overall: Mapping[str, Interval]
    per_class: Mapping[str, Sequence[Interval]]


def estimate(value: float, low: float, high: float) -> Estimate:
    """Return an estimate whose interval reaches at least up to its value: wider than it need be, it holds the truth no less often."""
    return Estimate(value, (min(low, value), max(high, value)))


def mirrored(value: float, interval: Interval) -> Estimate:
    """Return an estimate in 0..1 with the interval mirrored at its value, where resampling adds what chance has added already."""
    low, high = interval
    return estimate(value, max(2 * value - high, 0.0), min(2 * value - low, 1.0))


def wilson(share: float, of: int) -> Interval:
    """Return Wilson's 95 % interval of a share of so many, one or more. SciPy has it too, but takes a second to load, in every report."""
    middle, around = share + _Z**2 / (2 * of), _Z * math.sqrt(share * (1 - share) / of + _Z**2 / (4 * of**2))
    low, high = (middle - around) / (1 + _Z**2 / of), (middle + around) / (1 + _Z**2 / of)
    return (low if share > 0 else 0.0), (high if share < 1 else 1.0)  # exactly, in spite of rounding


def proportion(right: int, of: int) -> Estimate | None:
    """Return right / of with Wilson's interval; None for 0 / 0."""
    return Estimate(right / of, wilson(right / of, of)) if of else None


def resample(statistics: Statistics, count: int, seed: int, times: int = RESAMPLES) -> Resampled:
    """Return percentiles over resampled images.

    Args:
        statistics: from weights float64 [B, N] (how often each image counts) to every metric: [B], or per class [B, K].
        count: of images, N.
    """
    random = np.random.default_rng(seed)
    made, block = [], max(1, _BLOCK // count)
    for start in range(0, times, block):
        size = min(block, times - start)
        picked = random.integers(0, count, (size, count)) + count * np.arange(size)[:, None]
        made.append(statistics(np.bincount(picked.ravel(), minlength=size * count).reshape(size, count).astype(np.float64)))
    overall: dict[str, Interval] = {}
    per_class: dict[str, list[Interval]] = {}
    for name in made[0]:
        values = np.concatenate([one[name] for one in made])
        known = np.where(np.isnan(values).all(axis=0), 0.0, values)  # a class that never occurs has no value, and needs no interval
        low, high = np.nanpercentile(known, [2.5, 97.5], axis=0)
        if values.ndim == 2:
            per_class[name] = list(zip(low.tolist(), high.tolist(), strict=True))
        else:
            overall[name] = float(low), float(high)
    return Resampled(overall, per_class)
