"""Files for several images at a time predict what those for one do: the numbers are the same, and integers to the bit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetl.contract import Contract
from edgetl.errors import ExportError
from edgetl.export import FORMATS, onnx_batch
from edgetl.export.base import Conversion
from edgetl.input import FREE_BATCH, Batch
from edgetl.runtimes import batch_of, open_session
from tests.export.conftest import Network, scenes

BATCHES: tuple[Batch, ...] = (3, FREE_BATCH)
# Another order of the sums in half precision; all else is the same to the bit.
TOLERANCE = {"float16": 2e-3}


def differences(conversion: Conversion, pixels: np.ndarray, folder: Path) -> dict[tuple[str, Batch], float]:
    """Return how far the files of each format and batch are from that format's file for one image, for a number of no whole batches."""
    found = {}
    for form in (made for name in FORMATS if conversion.precision in (made := FORMATS.load(name)).precisions and made.in_batches):
        path = folder / form.file_name(conversion.precision)
        path.write_bytes(conversion.file(form.name))
        expected = open_session(path, conversion.contract)(pixels)
        assert np.ptp(expected, axis=0).max() > 0.05, "images must differ, or this shows nothing"
        for batch in (one for one in BATCHES if form.batch(one) == one):
            assert form.in_batches is not None
            path.write_bytes(form.in_batches(conversion, batch))
            assert batch_of(path) == batch
            found[form.name, batch] = float(np.abs(open_session(path, conversion.contract)(pixels) - expected).max())
    return found


@pytest.mark.parametrize("precision", ["float32", "float16", "dynamic_int8", "int8", "int16x8"])
def test_every_precision_predicts_the_same(precision: str, network: Callable[[str], Network], tmp_path: Path) -> None:
    net = network("small_cnn")
    found = differences(net.conversion(precision), net.pixels[:7], tmp_path)
    assert ("tflite", 3) in found
    assert ("tflite", FREE_BATCH) not in found
    assert len(found) == {"float32": 5, "float16": 5, "int8": 7}.get(precision, 1)
    assert max(found.values()) <= TOLERANCE.get(precision, 0), found


def gated() -> Any:
    """What holds the batch in shapes: a flattened map, a cut along channels, and a gate of rows, whose axes the converter leaves out."""
    from edgetl.keras import keras, layers

    from edgetl.backbones.channel_slice import ChannelSlice

    keras.utils.set_random_seed(4)
    image = keras.Input((16, 16, 3))
    x = layers.ReLU(name="relu")(layers.Conv2D(8, 3, 2, "same", name="conv")(image))
    row = layers.Dense(8, kernel_initializer="random_normal", name="dense")(layers.GlobalAveragePooling2D(name="rows")(x))
    gate = layers.Reshape((1, 1, 8), name="axes")(layers.Activation("sigmoid", name="gate")(row))
    x = layers.Multiply(name="gated")([x, gate])
    x = layers.ReLU(name="relu_2")(layers.Conv2D(8, 3, 2, "same", name="conv_2")(x))
    x = layers.Concatenate(name="join")([ChannelSlice(4, 4, name="second")(x), ChannelSlice(0, 4, name="first")(x)])
    flat = layers.Flatten(name="flat")(x)
    return keras.Model(image, layers.Dense(3, kernel_initializer=keras.initializers.RandomNormal(stddev=0.5), name="logits")(flat))


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_shapes_that_hold_the_batch_are_opened(precision: str, tmp_path: Path) -> None:
    from edgetl.quantization.quantized import bake
    from tests.quantization.ranges import activation_ranges

    model, contract, pixels = gated(), Contract.square(16, 1 / 64, 128, ("a", "b", "c")), scenes(20, 16)
    weights = {layer.name: layer.get_weights() for layer in model.layers if layer.weights}
    if precision == "int8":
        model = bake(model, weights, activation_ranges(model, contract, pixels, np.arange(20)), contract).to_keras(model, contract)
    found = differences(Conversion(model, contract, precision, FORMATS.load), pixels[:7], tmp_path)
    assert max(found.values()) == 0, found


def test_a_file_that_keeps_images_apart_in_another_way_is_refused(network: Callable[[str], Network]) -> None:
    """Here by a sum of all images, which leaves one row."""
    import onnx

    model = onnx.load_from_string(network("small_cnn").conversion("float32").file("onnx"))
    last = model.graph.node[-1]
    last.output[0] = "rows"
    model.graph.node.append(onnx.helper.make_node("ReduceMax", ["rows"], ["probabilities"], axes=[0], keepdims=1))
    with pytest.raises(ExportError, match="of 2 images the file makes 1 row"):
        onnx_batch.in_batches(model.SerializeToString(), FREE_BATCH)


def test_a_format_that_cannot_have_the_batch_takes_one_image() -> None:
    able = {name: [FORMATS.load(name).batch(asked) for asked in (1, 4, FREE_BATCH)] for name in FORMATS}
    free = [1, 4, FREE_BATCH]
    assert able == {
        "tflite": [1, 4, 1],
        "onnx": free,
        "onnx_qdq": free,
        "ort": free,
        **{name: [1, 1, 1] for name in ("coreml", "tflm", "ethos_u")},
    }
