"""Where ranges end, by each method, and which parts of a range matter."""

from edgetl.keras import keras, layers

import numpy as np
import pytest

from edgetl.backbones.hard_sigmoid import HardSigmoid, hard_swish
from edgetl.contract import Contract
from edgetl.quantization.calibrate import METHODS, Histogram, histograms, minmax, mse, percentile
from tests.quantization.ranges import activation_ranges

BINS = 2048


def _histogram(values: np.ndarray) -> Histogram:
    low, high = min(0.0, float(values.min())), float(values.max())
    return np.histogram(values, BINS, (low, high))[0], low, high


def _squared_error(values: np.ndarray, low: float, high: float) -> float:
    step = (high - low) / 255
    return float(np.mean((np.clip(np.round(values / step) * step, low, high) - values) ** 2))


@pytest.mark.parametrize("method", METHODS)
def test_zero_stays_inside_and_nothing_unseen_is_added(method: str) -> None:
    random = np.random.default_rng(0)
    for values in (random.normal(size=10_000), np.abs(random.normal(size=10_000)), np.ones(1)):
        low, high = METHODS[method](_histogram(values))
        assert min(0.0, values.min()) - 1e-6 <= low <= 0 < high <= values.max() + 1e-6


def test_percentile_gives_up_the_outermost_values_only() -> None:
    values = np.append(np.linspace(-1, 1, 100_000), [50.0])
    low, high = percentile(_histogram(values))
    step = 51 / BINS
    assert high == pytest.approx(1, abs=2 * step), "one outlier in 100,000 would have taken 98 % of the grid"
    assert low == pytest.approx(-1, abs=2 * step)
    assert minmax(_histogram(values)) == (-1, 50)


def test_mse_is_the_best_of_all_shrinks() -> None:
    """Against an exhaustive search on the values themselves; Gaussian tails are worth clipping, uniform ones are not."""
    random = np.random.default_rng(1)
    for values in (random.normal(size=50_000), random.laplace(size=50_000), random.uniform(-1, 2, 50_000)):
        low, high = mse(_histogram(values))
        best = min(_squared_error(values, values.min() * shrink, values.max() * shrink) for shrink in np.linspace(0.2, 1, 81))
        assert _squared_error(values, low, high) <= 1.02 * best  # the histogram blurs by an eighth of a step
    assert mse(_histogram(random.uniform(0, 1, 50_000)))[1] == pytest.approx(1, abs=0.01)


def test_what_a_hard_sigmoid_cannot_tell_apart_takes_no_room() -> None:
    """x * relu6(x + 3) / 6 is 0 below -3; the gate alone is flat above 3 too. Both convolutions reach far beyond."""
    image = keras.Input((4, 4, 3))
    kernel = np.full((1, 1, 3, 2), 8.0, np.float32)
    swished = hard_swish(layers.Conv2D(2, 1, name="swished")(image), "swish")
    gated = layers.Multiply(name="excite")([swished, HardSigmoid(name="gate")(layers.Conv2D(2, 1, name="gated")(swished))])
    model = keras.Model(image, layers.GlobalAveragePooling2D(name="pool")(gated))
    model.get_layer("swished").set_weights([kernel, np.zeros(2, np.float32)])
    model.get_layer("gated").set_weights([np.full((1, 1, 2, 2), -1.0, np.float32), np.full(2, 9.0, np.float32)])
    contract = Contract.square(4, 1 / 127.5, 128, ("a", "b"))
    pixels = np.random.default_rng(2).integers(0, 256, (20, 4, 4, 3)).astype(np.uint8)
    ranges = activation_ranges(model, contract, pixels, np.arange(20))
    assert ranges["swished"][0] == -3.0
    assert ranges["swished"][1] > 10
    assert ranges["gated"] == (-3.0, 3.0)
    assert ranges["gate"][0] == 0
    assert ranges["gate"][1] <= 1


def test_histograms_count_every_value() -> None:
    image = keras.Input((2, 2, 3))
    model = keras.Model(image, layers.GlobalAveragePooling2D(name="pool")(layers.Add(name="twice")([image, image])))
    pixels = np.random.default_rng(3).integers(0, 256, (70, 2, 2, 3)).astype(np.uint8)
    found = histograms(model, Contract.square(2, 1.0, 100, ("a", "b")), pixels, np.arange(70))
    assert {name: counts.sum() for name, (counts, _, _) in found.items()} == {"twice": 70 * 12, "pool": 70 * 3}
