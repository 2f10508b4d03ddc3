"""What every registered scheme keeps: weights on per-channel grids, ranges with zero inside, predictions near the float ones."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgetl.keras import layers

import numpy as np
import pytest

from edgetl.data.base import Images
from edgetl.quantization import SCHEMES, integer_schemes
from edgetl.quantization.quantized import QuantizationResult, Quantized, ranged_layers
from edgetl.training.scoring import scorer
from tests.quantization.conftest import Case, examples_of, short_schedule, short_settings
from tests.training.conftest import CONTRACT

CASES = ("small", "mobilenet_v2")
GetCase = Callable[[str], Case]
GetQuantized = Callable[[str, str], QuantizationResult]

every_scheme = pytest.mark.parametrize("scheme", integer_schemes())  # an imported file's own integers are not found
every_case = pytest.mark.parametrize("name", CASES)


def probabilities(model: Any, images: Images, rows: np.ndarray) -> np.ndarray:
    logits = scorer(model, CONTRACT)(images.pixels, rows).astype(np.float64)
    powers = np.exp(logits - logits.max(1, keepdims=True))
    made: np.ndarray = powers / powers.sum(1, keepdims=True)
    return made


@every_case
@every_scheme
def test_save_and_load_give_the_same_back(scheme: str, name: str, quantized: GetQuantized, tmp_path: Path) -> None:
    made = quantized(scheme, name).model
    made.save(tmp_path / "model.npz")
    loaded = Quantized.load(tmp_path / "model.npz")
    assert loaded.ranges == made.ranges
    assert list(loaded.weights) == list(made.weights)
    for layer, arrays in made.weights.items():
        for a, b in zip(arrays, loaded.weights[layer], strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype == np.float32


@every_case
@every_scheme
def test_every_kernel_lies_on_a_grid_of_its_channels(scheme: str, name: str, case: GetCase, quantized: GetQuantized) -> None:
    model, made = case(name).model, quantized(scheme, name).model
    with_kernel = [layer for layer in model.layers if layer.get_weights()]
    assert set(made.weights) == {layer.name for layer in with_kernel}
    several_scales = 0
    for layer in with_kernel:
        kernel, *rest = made.weights[layer.name]
        assert [array.shape for array in (kernel, *rest)] == [weight.shape for weight in layer.get_weights()]
        depthwise = isinstance(layer, layers.DepthwiseConv2D)
        channels = kernel.reshape(-1, kernel.shape[2] if depthwise else kernel.shape[-1])
        limits = np.maximum(np.abs(channels).max(axis=0), 1e-6)
        steps = channels / (limits / 127)
        np.testing.assert_allclose(steps, np.rint(steps), atol=1e-3)  # -127..127 times the channel's own scale: at most 255 values
        if name == "small":
            assert all(len(np.unique(channel)) <= 255 for channel in channels.T)
        several_scales += depthwise and len(np.unique(limits)) > 1
    assert several_scales, "depthwise kernels too have a scale a channel, where the library has one a tensor"


@every_scheme
def test_biases_lie_on_the_grid_of_their_sums(scheme: str, case: GetCase, quantized: GetQuantized) -> None:
    """int32 in steps of input scale x kernel scale: what the integer engines add. The first convolution reads the image."""
    model, made = case("mobilenet_v2").model, quantized(scheme, "mobilenet_v2").model
    first = next(layer for layer in model.layers if layer.weights)
    kernel, bias = made.weights[first.name]
    steps = bias / (np.abs(kernel).max(axis=(0, 1, 2)) / 127 * CONTRACT.scale)
    small = np.abs(steps) < 2**20  # beyond, float32 cannot hold the fraction
    assert small.any()
    np.testing.assert_allclose(steps[small], np.rint(steps[small]), atol=0.1)


@every_case
@every_scheme
def test_ranges_hold_zero_and_relus_begin_at_it(scheme: str, name: str, case: GetCase, quantized: GetQuantized) -> None:
    model, made = case(name).model, quantized(scheme, name).model
    assert list(made.ranges) == ranged_layers(model)
    for layer, (low, high) in made.ranges.items():
        assert low <= 0 < high, "padding with zeros must be exact"
        if isinstance(model.get_layer(layer), layers.ReLU):
            assert low == 0
            assert high <= 6, "or the ONNX file could not do without a Clip"
    assert made.ranges["logits"][0] < 0


@every_scheme
def test_predictions_stay_near_the_float_models(scheme: str, case: GetCase, quantized: GetQuantized) -> None:
    model, images, _ = case("small")
    val = images.rows("val")
    wanted = probabilities(model, images, val)
    assert (wanted.argmax(1) == images.label_ids[val]).mean() >= 0.8, "of a model that knows nothing this would show nothing"
    found = probabilities(quantized(scheme, "small").model.to_keras(model, CONTRACT), images, val)
    assert np.abs(found - wanted).max() < 0.1  # six layers, each rounded to 1/256 of its range
    assert (found.argmax(1) == wanted.argmax(1)).mean() >= 0.9


@every_scheme
def test_only_the_given_rows_calibrate(scheme: str, case: GetCase, tmp_path: Path) -> None:
    """Other images may be broken or from the validation set: whatever they hold must not move a range."""
    model, images, rows = case("small")
    pixels = images.pixels.copy()
    others = np.setdiff1d(np.arange(len(pixels)), rows)
    pixels[others] = np.random.default_rng(0).choice(np.array([0, 255], np.uint8), pixels[others].shape)
    spoiled = replace(images, pixels=pixels)
    made = []
    for source, used in ((images, rows), (spoiled, rows), (spoiled, others)):
        schedule = short_schedule(tmp_path / "checkpoint.npz", 0)
        settings = replace(short_settings(), ranges="minmax")  # "auto" chooses by other training images, on purpose
        made.append(SCHEMES.load(scheme).quantize(model, examples_of(source), used, settings, schedule).model.ranges)
    assert made[0] == made[1]
    assert made[0] != made[2], "those images would have moved the ranges"


@every_scheme
def test_the_float_model_is_left_as_it_was(scheme: str, case: GetCase, quantized: GetQuantized) -> None:
    model, images, rows = case("small")
    before = probabilities(model, images, rows)
    SCHEMES.load(scheme)  # the fixture ran it, or runs it now
    quantized(scheme, "small")
    np.testing.assert_array_equal(probabilities(model, images, rows), before)


@every_case
def test_training_for_no_epochs_is_calibration(name: str, case: GetCase, quantized: GetQuantized, tmp_path: Path) -> None:
    """The two schemes start from the same point, so that a difference between them is what the training did."""
    model, images, rows = case(name)
    if name == "small":
        schedule = short_schedule(tmp_path / "checkpoint.npz", 0)
        untrained = SCHEMES.load("qat_int8").quantize(model, examples_of(images), rows, short_settings(), schedule)
    else:
        untrained = quantized("qat_int8", name)  # made with no epochs
    calibrated = quantized("ptq_int8", name).model
    assert untrained.training is None
    assert untrained.model.ranges == calibrated.ranges
    for layer, arrays in calibrated.weights.items():
        for a, b in zip(arrays, untrained.model.weights[layer], strict=True):
            np.testing.assert_array_equal(a, b)


def test_blocks_of_a_real_network_train_with_quantization_in_the_loop(case: GetCase, tmp_path: Path) -> None:
    model, images, rows = case("mobilenet_v2")
    schedule = replace(short_schedule(tmp_path / "checkpoint.npz", 1), steps_per_epoch=2)
    found = SCHEMES.load("qat_int8").quantize(model, examples_of(images), rows, replace(short_settings(), ranges="minmax"), schedule)
    assert found.training is not None
    [epoch] = found.training.epochs
    assert np.isfinite([epoch.loss, epoch.val_loss]).all()
    assert epoch.val_loss < 1.2, "a network of random weights predicts all three classes alike: ln 3, and two steps leave it there"
    assert np.isfinite(probabilities(found.model.to_keras(model, CONTRACT), images, images.rows("val"))).all()


def test_distilling_brings_the_predictions_no_further_from_the_float_models(case: GetCase, quantized: GetQuantized) -> None:
    model, images, _ = case("small")
    train = images.rows("train")
    wanted = probabilities(model, images, train)
    apart = {}
    for scheme in ("ptq_int8", "qat_int8"):
        found = probabilities(quantized(scheme, "small").model.to_keras(model, CONTRACT), images, train)
        apart[scheme] = float((wanted * np.log(wanted / found)).sum(1).mean())
    assert apart["qat_int8"] <= apart["ptq_int8"] + 1e-4  # nats; both are of the order of 1e-3
    training = quantized("qat_int8", "small").training
    assert training is not None
    assert len(training.epochs) == 2
    ptq, qat = (quantized(scheme, "small").model.weights for scheme in ("ptq_int8", "qat_int8"))
    assert any((a != b).any() for layer in ptq for a, b in zip(ptq[layer], qat[layer], strict=True))
    best = max(training.epochs, key=lambda epoch: (epoch.val_accuracy, -epoch.val_loss))  # which one it is depends on the processor
    assert training.epochs[training.best_epoch - 1] == best


def test_what_trains_is_what_is_saved(case: GetCase, tmp_path: Path) -> None:
    """The accuracy that chose the best epoch must be that of the saved weights, with kernels baked."""
    from edgetl.keras import keras

    from edgetl.training.objective import ONE_CLASS

    trained, images, rows = case("small")
    model = keras.models.clone_model(trained)
    model.set_weights(trained.get_weights())
    kernel, bias = model.get_layer("logits").get_weights()
    model.get_layer("logits").set_weights([kernel / 2, bias])  # half as certain as it could be: the first epoch is better
    settings = replace(short_settings(), learning_rate=1e-2, feature_weight=0.0, ranges="minmax")
    found = SCHEMES.load("qat_int8").quantize(model, examples_of(images), rows, settings, short_schedule(tmp_path / "checkpoint.npz", 2))
    assert found.training is not None
    best = found.training.best
    assert best is not None, "an epoch was better than calibration"
    val = images.rows("val")
    # The trained model reads unquantized pixels, which lie on the grid already.
    logits = scorer(found.model.to_keras(model, CONTRACT), CONTRACT)(images.pixels, val)
    accuracy, loss = ONE_CLASS.judge(logits, images.label_ids[val])
    assert accuracy == pytest.approx(best.val_accuracy)
    assert loss == pytest.approx(best.val_loss, abs=1e-3)
