"""Ticks are round numbers in every range, and one image is never a gap."""

import pytest
from matplotlib.figure import Figure

from edgetl.evaluation.calibration import bins_for
from edgetl.report.plots.axes import logarithmic, ticks_between, widen, widened


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.9, 11.0, [1, 2, 5, 10]),
        (0.03, 0.7, [0.05, 0.1, 0.2, 0.5]),
        (1.1, 1.9, [1.2, 1.4, 1.6, 1.8]),
        (0.5, 60000.0, [1, 10, 100, 1000, 10000]),
    ],
)
def test_ticks_are_round_and_few(low: float, high: float, ticks: list[float]) -> None:
    assert ticks_between(low, high) == ticks


@pytest.mark.parametrize("low", [1e-4, 0.0123, 0.99, 3.0, 777.0])
@pytest.mark.parametrize("factor", [1.02, 1.3, 2.0, 7.0, 40.0, 1e5])
def test_every_range_has_some(low: float, factor: float) -> None:
    ticks = ticks_between(low, low * factor)
    assert 2 <= len(ticks) <= 12
    assert all(low <= tick <= low * factor for tick in ticks)


def test_a_logarithmic_axis_has_a_number_at_each_tick() -> None:
    axes = Figure().add_subplot()
    axes.plot([1.0, 2000.0], [0, 1])
    axes.set_xscale("log")
    logarithmic(axes.xaxis)
    texts = [label.get_text() for label in axes.get_xticklabels()]
    assert "1,000" in texts
    assert len(texts) == len(axes.get_xticks())
    assert not list(axes.xaxis.get_minorticklocs())


@pytest.mark.parametrize(
    ("given", "images", "wide"),
    [
        ((90.0, 90.2), 0, (87.6, 92.6)),
        ((90.0, 90.2), 50, (80.0, 100.0)),
        ((10.0, 95.0), 736, (10.0, 95.0)),
        ((0.0, 1.0), 1000, (0.0, 5.0)),
        ((40.0, 50.0), 3, (0.0, 100.0)),
    ],
)
def test_one_image_is_at_most_a_tenth_of_an_axis(given: tuple[float, float], images: int, wide: tuple[float, float]) -> None:
    assert widened(*given, images) == pytest.approx(wide)


def test_an_inverted_axis_stays_so() -> None:
    axes = Figure().add_subplot()
    axes.set_ylim(91, 90)
    widen(axes, "y")
    low, high = axes.get_ylim()
    assert low > high
    assert low - high > 5


def test_small_sets_have_few_bins() -> None:
    assert [bins_for(images) for images in (10, 736, 10_000)] == [5, 7, 15]
