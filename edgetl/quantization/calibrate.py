"""Post-training quantization: per-channel weights on their own grids, activation ranges from calibration, no training."""

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from edgetl.keras import graph_of_images, keras, layers, tf

import numpy as np

from edgetl.backbones.graph import users
from edgetl.backbones.hard_sigmoid import HardSigmoid
from edgetl.contract import Contract
from edgetl.data.base import Pixels
from edgetl.data.examples import AugmentedExamples
from edgetl.data.unknown import made
from edgetl.progress import progress
from edgetl.quantization.base import Settings
from edgetl.quantization.correct import corrected, input_means
from edgetl.quantization.distance import distance_from
from edgetl.quantization.quantized import QuantizationResult, bake, ranged_layers
from edgetl.run_record import RangeMethod
from edgetl.training.schedule import Schedule
from edgetl.training.unknown import UNKNOWN, limits_of, logits_beside
from edgetl.wording import counted

logger = logging.getLogger(__name__)

_BATCH = 32  # images: all activations of a batch pass through memory, though not at once
_SMALLEST_HIGH = 1e-3  # a ReLU that never fired still needs a scale
_BINS = 2048  # eight to a step of the widest grid: the choice of a narrower one is good to a few per cent of its step
_TAIL = 1e-4  # share of the values beyond each end that the percentile method gives up
_MADE = 128  # unknown images: ends change little by more
_SHRINKS = np.linspace(0.2, 1.0, 81)  # of a range, in steps of a hundredth: finer than the error differs

Ends = Mapping[str, tuple[float, float]]  # by layer
Histogram = tuple[np.ndarray, float, float]  # counts [_BINS] of values between two ends


def minmax(histogram: Histogram) -> tuple[float, float]:
    """Return the range of everything that was seen."""
    return histogram[1:]


def percentile(histogram: Histogram) -> tuple[float, float]:
    """Return the range without the outermost values."""
    counts, low, high = histogram
    share = np.cumsum(counts) / counts.sum()
    edges = np.linspace(low, high, _BINS + 1)
    return min(0.0, float(edges[np.searchsorted(share, _TAIL)])), float(edges[np.searchsorted(share, 1 - _TAIL) + 1])


def mse(histogram: Histogram) -> tuple[float, float]:
    """Return the range, shrunk toward zero, with the least mean squared error of rounding and clipping together."""
    counts, low, high = histogram
    values = np.linspace(low, high, _BINS, endpoint=False) + (high - low) / (2 * _BINS)

    def error(shrink: float) -> float:
        step = shrink * (high - low) / 255
        clipped = values - np.clip(values, shrink * low, shrink * high)
        inside = clipped == 0
        return float((counts * np.where(inside, step**2 / 12, clipped**2)).sum())

    best = min(_SHRINKS[::-1], key=error)
    return best * low, best * high


METHODS: dict[str, Callable[[Histogram], tuple[float, float]]] = {"minmax": minmax, "percentile": percentile, "mse": mse}


def quantize(
    float_model: Any, examples: AugmentedExamples, rows: np.ndarray, settings: Settings, schedule: Schedule | None = None
) -> QuantizationResult:
    """Take the float model's weights and the ranges that the calibration images `rows` showed; nothing is trained by the schedule.

    With ranges "auto" the method, and whether biases are corrected, is chosen by what moves the predictions on other training images least.
    """
    images, contract = examples.images, examples.contract
    seen = histograms(float_model, contract, images.pixels, rows)
    seen |= _of_unknown(float_model, examples, rows, {name: (low, high) for name, (_, low, high) in seen.items()})
    weights = {layer.name: layer.get_weights() for layer in float_model.layers if layer.weights}
    names = METHODS if settings.ranges == "auto" else [settings.ranges]
    candidates = {name: bake(float_model, weights, {layer: METHODS[name](h) for layer, h in seen.items()}, contract) for name in names}
    if settings.ranges != "auto":
        return QuantizationResult(candidates[settings.ranges], RangeMethod(settings.ranges))
    distance = distance_from(float_model, examples, rows, settings.seed)
    apart = {name: distance(model) for name, model in candidates.items()}
    best = min(apart, key=lambda name: apart[name].kl)
    means = input_means(float_model, contract, images.pixels, rows)
    better_biases = bake(float_model, corrected(float_model, weights, candidates[best].weights, means), candidates[best].ranges, contract)
    name = f"{best}, biases corrected"
    candidates[name], apart[name] = better_biases, distance(better_biases)
    chosen = min(apart, key=lambda name: apart[name].kl)
    found = apart[chosen]
    figures = ", ".join(f"{name} {one.kl:.5f}" for name, one in apart.items())
    logger.info(f"ranges: {chosen}; KL from float on {counted(found.images, 'training image')}: {figures}")
    method = RangeMethod(chosen, {name: one.kl for name, one in apart.items()})
    return QuantizationResult(candidates[chosen], method, distance=found)


def _of_unknown(model: keras.Model, examples: AugmentedExamples, rows: np.ndarray, known: Ends) -> dict[str, Histogram]:
    """Count how the logit of unknown images comes about on such too: on known images alone it would clip before it rejects anything.

    Args:
        known: the ends of each layer's output on known images.
    """
    if not any(name.startswith(UNKNOWN) for name in known):
        return {}
    images = [examples.images.pixels[rows], made(examples.images, _MADE, 0)]
    logits = known.get(logits_beside(model), (-np.inf, np.inf))
    ends = {name: found for name in known if (found := limits_of(name, logits))}
    return histograms(model, examples.contract, np.concatenate(images), np.arange(len(rows) + _MADE), ends)


def histograms(
    model: keras.Model, contract: Contract, pixels: Pixels, rows: np.ndarray, within: Ends | None = None
) -> dict[str, Histogram]:
    """Count how the output of each ranged layer is distributed over the images; zero is inside, so ReLU ranges start at exactly 0.

    Args:
        within: the layers, with the ends beyond which values make no difference; None: all of them, with their own.
    """
    names = ranged_layers(model) if within is None else list(within)
    matters = _what_matters(model) if within is None else within
    outputs = keras.Model(model.input, [model.get_layer(name).output for name in names])

    @graph_of_images(contract.shape)
    def ends(batch: Any) -> tuple[Any, Any]:
        values = outputs(contract.normalize(tf.cast(batch, tf.float32)), training=False)
        return tf.stack([tf.reduce_min(v) for v in values]), tf.stack([tf.reduce_max(v) for v in values])

    @graph_of_images(contract.shape, *[tf.TensorSpec(len(names), tf.float32)] * 2)
    def counts(batch: Any, low: Any, high: Any) -> Any:
        values = outputs(contract.normalize(tf.cast(batch, tf.float32)), training=False)
        return tf.stack([tf.histogram_fixed_width(v, [low[i], high[i]], _BINS) for i, v in enumerate(values)])

    low, high = np.zeros(len(names), np.float32), np.full(len(names), _SMALLEST_HIGH, np.float32)
    for batch in _batches("calibration", pixels, rows):
        lows, highs = ends(batch)
        low, high = np.minimum(low, lows.numpy()), np.maximum(high, highs.numpy())
    limits = np.array([matters.get(name, (-np.inf, np.inf)) for name in names], np.float32)
    low, high = np.maximum(low, limits[:, 0]), np.minimum(high, limits[:, 1])
    total = np.zeros((len(names), _BINS), np.int64)
    for batch in _batches("histograms", pixels, rows):
        total += counts(batch, low, high).numpy()
    return {name: (total[i], float(low[i]), float(high[i])) for i, name in enumerate(names)}


def _batches(description: str, pixels: Pixels, rows: np.ndarray) -> Iterator[np.ndarray]:
    with progress(description, len(rows)) as tick:
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            yield pixels[batch]
            tick(len(batch))


def _what_matters(model: keras.Model) -> dict[str, tuple[float, float]]:
    """Return the ends beyond which values make no difference, by layer.

    A hard-sigmoid is flat outside -3..3, and x times it is 0 below -3: the range of what only they read need not reach further.
    """
    ends = {frozenset({HardSigmoid}): (-3.0, 3.0), frozenset({HardSigmoid, layers.Multiply}): (-3.0, np.inf)}
    readers = users(model)
    read_by = {layer.name: frozenset(type(user) for user in readers[id(layer.output)]) for layer in model.layers}
    return {name: ends[kinds] for name, kinds in read_by.items() if kinds in ends}
