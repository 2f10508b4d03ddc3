"""A head of any shape, and the layers of the classic networks, come through quantization and into integer-only files."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetl.export import tflite_checks, tflite_writer
from edgetl.quantization.distil import quantize
from edgetl.runtimes import open_session
from edgetl.training.head import Head, attach_head
from tests.export.conftest import from_lite
from tests.quantization.conftest import examples_of, short_schedule, short_settings
from tests.training.conftest import CONTRACT, SIZE, coloured, small_backbone


def classic_backbone() -> Any:
    """What VGG, ResNet and Inception are made of: padding before both kinds of reader, joins of convolutions, pools and joins, a sum."""
    from edgetl.keras import keras, layers

    def unit(x: Any, width: int, name: str, size: int = 1) -> Any:
        x = layers.BatchNormalization(name=f"{name}_norm")(layers.Conv2D(width, size, padding="same", name=name)(x))
        return layers.ReLU(name=f"{name}_relu")(x)

    image = keras.Input((SIZE, SIZE, 3))
    x = layers.Conv2D(8, 7, 2, name="stem")(layers.ZeroPadding2D(3, name="stem_pad")(image))
    x = layers.ReLU(name="stem_relu")(x)
    x = layers.MaxPooling2D(3, 2, name="pad_pool")(layers.ZeroPadding2D(1, name="pool_pad")(x))
    average = layers.AveragePooling2D(3, 1, "same", name="average")(x)
    first = layers.Concatenate(name="join")([unit(x, 6, "left"), unit(average, 4, "right")])
    inner = layers.Concatenate(name="inner")([unit(first, 3, "upper"), unit(first, 3, "lower", 3)])
    largest = layers.MaxPooling2D(3, 1, "same", name="largest")(first)
    joined = layers.Concatenate(name="second")([inner, largest, unit(first, 4, "other")])
    summed = layers.Add(name="sum")([joined, layers.Conv2D(20, 1, name="shortcut")(first)])
    return keras.Model(image, layers.ReLU(name="last_relu")(summed), name="classic")


CASES = {
    "max": (small_backbone, Head("max", (8,))),
    "flatten": (small_backbone, Head("flatten", (16, 8))),
    "classic": (classic_backbone, Head()),
}


@pytest.mark.parametrize("case", CASES)
def test_int8_files_compute_in_integers_only(case: str, tmp_path: Path) -> None:
    backbone, head = CASES[case]
    from edgetl.keras import set_seed

    from edgetl.training.fold import fold_batch_norms

    set_seed(1)
    images = coloured(45)
    model = attach_head(fold_batch_norms(backbone()), 3, head)
    inputs = CONTRACT.normalize(images.pixels.astype(np.float32))
    logits, (kernel, _) = model(inputs, training=False).numpy(), model.get_layer("logits").get_weights()
    factor = 2 / logits.std(axis=0)  # predictions that differ, so that agreement means something
    model.get_layer("logits").set_weights([kernel * factor, -logits.mean(axis=0) * factor])
    schedule = short_schedule(tmp_path / "checkpoint.npz", 1)
    settings = replace(short_settings(), learning_rate=1e-5)  # a head this steep takes no larger steps
    quantized = quantize(model, examples_of(images), images.rows("train")[:16], settings, schedule).model
    fake = quantized.to_keras(model, CONTRACT)
    content = tflite_writer.int8_tflite(fake, CONTRACT)
    tflite_checks.check_integer(content, CONTRACT)
    assert tflite_checks.operators(content)["FULLY_CONNECTED"] == len(head.dense) + 1
    assert tflite_checks.operators(content)["QUANTIZE"] == 2, "no change of grid but from and to raw bytes"
    predictions = []
    for name, file in (("model.tflite", content), ("model.onnx", from_lite(content, "onnx", CONTRACT, "int8"))):  # checks for itself
        (tmp_path / name).write_bytes(file)
        predictions.append(open_session(tmp_path / name, CONTRACT)(images.pixels))
    logits = fake(inputs, training=False).numpy()
    powers = np.exp(logits - logits.max(1, keepdims=True))
    assert np.ptp(predictions[0], axis=0).min() > 0.1
    assert np.abs(predictions[0] - predictions[1]).max() <= 4 / 256  # a step in the features is several behind a head this steep
    assert np.abs(predictions[0] - predictions[1]).mean() <= 1 / 256
    assert np.abs(predictions[0] - powers / powers.sum(1, keepdims=True)).mean() <= 2 / 256
