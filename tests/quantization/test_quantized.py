"""Grids, ranges and files of a quantized model."""

import zipfile
from collections.abc import Callable
from pathlib import Path

from edgetl.keras import keras, layers, tf

import numpy as np
import pytest

from edgetl.backbones.hard_sigmoid import HardSigmoid
from edgetl.contract import Contract
from edgetl.errors import RunError
from edgetl.quantization.quantized import FakeQuantize, Quantized, bake, on_grid, ranged_layers, tied
from edgetl.quantization.wrappers import Calibrated, PerChannel
from edgetl.training.scoring import scorer
from tests.quantization.conftest import Case
from tests.quantization.ranges import activation_ranges
from tests.training.conftest import CONTRACT


def test_ranges_are_where_an_operator_ends() -> None:
    image = keras.Input((8, 8, 3))
    padded = layers.ZeroPadding2D(name="pad")(image)
    x = layers.ReLU(6.0, name="relu")(layers.Conv2D(4, 3, name="before_relu")(padded))
    read_twice = layers.Conv2D(4, 1, name="read_twice")(x)
    x = layers.Add(name="add")([layers.ReLU(6.0, name="one_reader")(read_twice), read_twice])
    x = layers.MaxPooling2D(name="pool_max")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    model = keras.Model(image, layers.Dense(2, name="logits")(layers.Dropout(0.5, name="dropout")(layers.Flatten(name="flat")(x))))
    assert ranged_layers(model) == ["relu", "read_twice", "one_reader", "add", "pool", "logits"]


def test_what_joins_and_averages_connect_has_one_grid() -> None:
    """DenseNet's features are read by many joins: no one of these may have a grid of its own."""
    image = keras.Input((8, 8, 3))
    first, second, third = (layers.Conv2D(4, 1, name=name)(image) for name in ("first", "second", "third"))
    joined = layers.Concatenate(name="joined")([first, layers.MaxPooling2D(1, name="passing")(second)])
    again = layers.Concatenate(name="again")([first, third])
    apart = layers.AveragePooling2D(name="average")(layers.Conv2D(4, 1, name="apart")(joined))
    model = keras.Model(image, [apart, again])
    of_joins = {"first": (-1.0, 1.0), "second": (0.0, 9.0), "third": (0.0, 3.0), "joined": (-1.0, 8.0), "again": (-2.0, 3.0)}
    found = tied(model, of_joins | {"apart": (0.0, 5.0), "average": (0.0, 4.0)})
    assert {found[name] for name in of_joins} == {(-2.0, 8.0)}, "the joins' own ranges say what is worth holding"
    assert (found["average"], found["apart"]) == ((0, 5), (0, 5)), "an average has the range of what it reads"


def test_calibration_sees_every_image_over_batches() -> None:
    image = keras.Input((2, 2, 3))
    twice = layers.Add(name="twice")([image, image])
    model = keras.Model(image, layers.GlobalAveragePooling2D(name="pool")(twice))
    contract = Contract.square(2, 1.0, 100, ("a", "b"))
    pixels = np.full((70, 2, 2, 3), 100, np.uint8)  # more than two batches
    pixels[3], pixels[69, 0, 0, 0] = 90, 250

    def ends(rows: np.ndarray) -> tuple[float, float]:
        return activation_ranges(model, contract, pixels, rows)["twice"]

    assert ends(np.arange(70)) == (-20.0, 300.0)
    assert ends(np.arange(40, 69)) == (0.0, pytest.approx(1e-3)), "what never fires still needs a scale"
    pixels[:] = 110
    assert ends(np.arange(5)) == (0.0, 20.0), "zero is inside though never seen"


@pytest.mark.parametrize(("shape", "depthwise"), [((3, 3, 5, 7), False), ((3, 3, 5, 1), True), ((9, 4), False)])
def test_each_channel_uses_its_whole_grid(shape: tuple[int, ...], depthwise: bool) -> None:
    random = np.random.default_rng(0)
    channels = shape[2] if depthwise else shape[-1]
    size = 10.0 ** np.arange(channels)  # so unlike that one scale for all would round most to zero
    kernel = (random.normal(size=shape) * (size[:, None] if depthwise else size)).astype(np.float32)
    made = on_grid(kernel, depthwise=depthwise)
    columns = [array.reshape(-1, channels) for array in (made, kernel)]
    limits = np.abs(columns[1]).max(axis=0)
    np.testing.assert_allclose(np.abs(columns[0]).max(axis=0), limits, rtol=1e-6)  # the largest weight is exact
    assert (np.abs(columns[0] - columns[1]) <= limits / 254 * 1.0001).all(), "others are off by half a step at most"
    np.testing.assert_allclose(on_grid(made, depthwise=depthwise), made, rtol=1e-6)  # what lies on its grid stays
    assert np.isfinite(on_grid(np.zeros(shape, np.float32), depthwise=depthwise)).all(), "a dead channel has a scale too"


def test_per_channel_passes_gradients_on_and_rounds_as_the_baked_kernel() -> None:
    for depthwise, shape in ((False, (3, 3, 2, 4)), (True, (3, 3, 4, 1))):
        kernel = tf.Variable(np.random.default_rng(1).normal(size=shape).astype(np.float32))
        upstream = np.random.default_rng(2).normal(size=shape).astype(np.float32)
        quantizer = PerChannel(depthwise=depthwise)
        with tf.GradientTape() as tape:
            rounded = quantizer(kernel, training=True, weights={})
            total = tf.reduce_sum(rounded * upstream)
        np.testing.assert_array_equal(tape.gradient(total, kernel), upstream)
        np.testing.assert_allclose(rounded, on_grid(kernel.numpy(), depthwise=depthwise), atol=1e-6)
        assert PerChannel(**quantizer.get_config()).depthwise == depthwise


def test_activations_round_to_256_values_with_zero_among_them() -> None:
    values = tf.constant(np.linspace(-3, 9, 4001, dtype=np.float32))
    for low, high in ((-1.3, 4.7), (0.0, 6.0), (-2.0, 0.001)):
        fixed = Calibrated(low, high, np.inf, learned=False)(values, training=True, weights={})
        unmoved = Calibrated(low, high, 6.0, learned=True)(
            values, training=True, weights={"low": tf.Variable(0.0), "high": tf.Variable(0.0)}
        )
        for made in (FakeQuantize(low, high)(values).numpy(), fixed.numpy(), unmoved.numpy()):
            assert len(np.unique(made)) <= 256
            assert 0 in made
            inside = (values >= made.min()) & (values <= made.max())
            assert np.abs(made - values)[inside].max() <= (high - low) / 255 / 2 * 1.01
            assert made.min() >= low - (high - low) / 255
            assert made.max() <= high + (high - low) / 255
    assert Calibrated(**Calibrated(-1.0, 2.0, 6.0, learned=True).get_config()).high == 2.0


def test_a_learned_range_moves_against_the_error_of_what_it_clips_and_never_beyond_the_layers_own_clip() -> None:
    """The gradient of an end is that of the values beyond it; a ReLU6's range must not grow over 6, or the ONNX file needs a Clip."""
    low, high = tf.Variable(0.0), tf.Variable(0.0)
    quantizer, values = Calibrated(0.0, 4.0, 6.0, learned=True), tf.constant([1.0, 3.0, 5.5, 5.9])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum((quantizer(values, training=True, weights={"low": low, "high": high}) - values) ** 2)
    assert tape.gradient(loss, high) < 0, "raising the end lowers the error of the two values above 4"
    high.assign(1.0)
    assert [float(end) for end in quantizer.ends(low, high)] == [0.0, 6.0]


def test_without_ranges_and_rounding_it_is_the_float_model(case: Callable[[str], Case]) -> None:
    """Only the input is quantized then, and pixels lie on its grid already."""
    model, images, rows = case("small")
    same = Quantized({layer.name: layer.get_weights() for layer in model.layers if layer.get_weights()}, {})
    copy = same.to_keras(model, CONTRACT)
    score = [scorer(each, CONTRACT)(images.pixels, rows) for each in (model, copy)]
    np.testing.assert_allclose(score[1], score[0], atol=1e-4)  # logits of several units
    assert isinstance(copy.layers[1], FakeQuantize)


def test_a_built_model_takes_the_numbers_of_another_as_if_it_were_built_from_them() -> None:
    x = layers.Conv2D(4, 3, name="before")(image := keras.Input((8, 8, 3)))
    gated = layers.Multiply(name="gated")([x, HardSigmoid(name="gate")(layers.Conv2D(4, 1, name="squeezed")(x))])
    pooled = layers.GlobalAveragePooling2D(name="pool")(layers.Conv2D(4, 1, name="behind")(gated))
    model = keras.Model(image, layers.Dense(2, name="logits")(pooled))
    weights = {layer.name: layer.get_weights() for layer in model.layers if layer.weights}
    ranges = {name: (-1.0 - place, 2.0 + place) for place, name in enumerate(ranged_layers(model))}
    one = bake(model, weights, ranges, CONTRACT)
    doubled = {name: [2 * values for values in group] for name, group in weights.items()}
    other = bake(model, doubled, {name: (3 * low, 3 * high) for name, (low, high) in ranges.items()}, CONTRACT)
    changed, built = one.to_keras(model, CONTRACT), other.to_keras(model, CONTRACT)
    other.put_into(changed, model)
    for found, wanted in zip(changed.get_weights(), built.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_other_files_are_a_message(tmp_path: Path) -> None:
    Quantized({"a": [np.ones((2, 3), np.float32)]}, {"a": (-1.0, 2.0)}).save(tmp_path / "good.npz")
    whole = (tmp_path / "good.npz").read_bytes()
    np.savez(tmp_path / "other.npz", something=np.ones(3))
    np.savez(tmp_path / "objects.npz", **{"weights/a/0": np.array([{}], dtype=object)})
    contents = {"empty": b"", "text": b"no model", "cut": whole[:-40], "end": whole[60:]}
    for name, content in contents.items():
        (tmp_path / f"{name}.npz").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "open ended.npz", "w") as archive:  # an array's header is a dictionary in Python's notation
        archive.writestr("weights/a/0.npy", b"\x93NUMPY\1\0\x10\0{'descr': '<f4',\n")
    for name in (*contents, "other", "objects", "open ended", "missing"):
        with pytest.raises(RunError, match=f"cannot read the quantized model .*{name}"):
            Quantized.load(tmp_path / f"{name}.npz")
    assert Quantized.load(tmp_path / "good.npz").ranges == {"a": (-1.0, 2.0)}


def test_damaged_bytes_are_noticed(tmp_path: Path) -> None:
    Quantized({"a": [np.ones((2, 3), np.float32)]}, {"a": (-1.0, 2.0)}).save(tmp_path / "model.npz")
    whole, random = (tmp_path / "model.npz").read_bytes(), np.random.default_rng(0)
    for _ in range(400):
        damaged = bytearray(whole)
        for place in random.integers(0, len(whole), 3):
            damaged[place] = random.integers(256)
        (tmp_path / "model.npz").write_bytes(damaged)
        try:
            Quantized.load(tmp_path / "model.npz")
        except RunError:
            continue
