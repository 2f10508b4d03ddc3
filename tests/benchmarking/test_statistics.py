"""Percentiles, the median's interval, and the doubts."""

import numpy as np
import pytest

from edgetl.benchmarking.statistics import doubts, summary


def test_percentiles_are_numpys() -> None:
    samples = np.random.default_rng(0).lognormal(size=333)
    found = summary(samples)
    for name, percent in (("p50", 50), ("p90", 90), ("p95", 95), ("p99", 99)):
        assert getattr(found, name) == pytest.approx(np.percentile(samples, percent), abs=1e-4)
    assert (found.runs, found.min, found.max) == (333, pytest.approx(samples.min(), abs=1e-4), pytest.approx(samples.max(), abs=1e-4))
    assert (found.mean, found.std) == (pytest.approx(samples.mean(), abs=1e-4), pytest.approx(samples.std(), abs=1e-4))


@pytest.mark.parametrize("count", [11, 50, 501])
def test_the_interval_is_the_bootstraps(count: int) -> None:
    """Against 20,000 resamples that are really drawn."""
    random = np.random.default_rng(count)
    samples = random.normal(10, 1, count)
    medians = np.median(random.choice(samples, (20_000, count)), axis=1)
    low, high = summary(samples).p50_interval_95 or (0, 0)
    step = np.diff(np.sort(samples)).max() if count < 20 else 0.05  # between neighbouring samples: ends lie on samples
    assert low == pytest.approx(np.percentile(medians, 2.5), abs=step)
    assert high == pytest.approx(np.percentile(medians, 97.5), abs=step)
    assert low <= np.median(samples) <= high


def test_few_and_equal_samples() -> None:
    assert summary([2.0]).p50_interval_95 == (2.0, 2.0)
    assert summary([3.0] * 7).std == 0
    with pytest.raises(ValueError, match="no samples"):
        summary([])


def test_a_slower_second_half_and_a_wide_spread_are_told() -> None:
    steady = [1.0, 1.01, 0.99, 1.0] * 20
    assert not doubts(steady)
    [slow] = doubts([*steady, *(1.2 * ms for ms in steady)])
    assert "20 % slower" in slow
    [wide] = doubts([1.0, 1.0, 1.0, 1.0, 2.0] * 20)
    assert "100 % longer" in wide
    assert not doubts([1.0])
