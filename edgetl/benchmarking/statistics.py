"""Statistics of latency samples: percentiles, the median's interval, and whether the device held its speed."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgetl.devices.messages import LatencyStatistics

_THROTTLED = 1.05  # the second half's median over the first's: beyond what turns of the scheduler do to a median of 25
_WIDE = 1.25  # p90 over p50: on a quiet machine it is below 1.1


def summary(samples_ms: Sequence[float]) -> LatencyStatistics:
    """Compute statistics of latency samples, in milliseconds."""
    samples = np.asarray(samples_ms, np.float64)
    if not len(samples):
        raise ValueError("there are no samples")
    p50, p90, p95, p99 = _rounded(np.percentile(samples, [50, 90, 95, 99]))
    low, high = _rounded(_median_interval(samples))
    mean, std, least, most = _rounded(np.array([samples.mean(), samples.std(), samples.min(), samples.max()]))
    return LatencyStatistics(
        runs=len(samples),
        p50=p50,
        p90=p90,
        p95=p95,
        p99=p99,
        p50_interval_95=(low, high),
        mean=mean,
        std=std,
        min=least,
        max=most,
    )


def _median_interval(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the 2.5 and 97.5 % points of the medians of all resamples, of which none need be drawn (Maritz and Jarrett 1978).

    The median of n draws from n samples is the sample at the rank where the middle of n uniform draws falls, which is Beta-distributed.
    """
    from scipy.stats import beta  # here, so that reading a benchmark does not load it

    count = len(samples)
    middle = (count + 1) / 2
    ranks = np.ceil(count * beta.ppf([0.025, 0.975], middle, count + 1 - middle)).astype(int)
    ends: NDArray[np.float64] = np.sort(samples)[np.clip(ranks, 1, count) - 1]
    return ends


def doubts(samples_ms: Sequence[float]) -> tuple[str, ...]:
    """Return the reasons not to trust the median as it is, in words."""
    samples = np.asarray(samples_ms, np.float64)
    half = len(samples) // 2
    found = []
    if half and (slower := np.median(samples[half:]) / np.median(samples[:half])) > _THROTTLED:
        found.append(f"the second half was {100 * (slower - 1):.0f} % slower than the first: throttling, or other work on the device")
    if (spread := np.percentile(samples, 90) / np.median(samples)) > _WIDE:
        found.append(f"a wide spread: a tenth of the runs took {100 * (spread - 1):.0f} % longer than the median")
    return tuple(found)


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [round(float(value), 4) for value in values]
