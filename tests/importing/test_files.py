"""Files of Keras 3, SavedModel folders, TFLite and real ones from elsewhere: each gives what its own runtime gives."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetl.importing import read
from edgetl.importing.base import Wish
from tests.importing.conftest import apart, by_keras_3, differs, images, ours

CLOSE = 1e-5
PROGRAM = """
keras.utils.set_random_seed(1)
def norm(x):
    layer = layers.BatchNormalization()
    y = layer(x)
    layer.set_weights([np.random.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    return y
separable = layers.SeparableConv2D(5, 3, use_bias=False)
slopes = layers.PReLU(keras.initializers.RandomUniform(0.1, 0.5), shared_axes=[1, 2])
inner = keras.Sequential([keras.Input((8, 8, 6)), separable, slopes], name="inner")
image = keras.Input((16, 16, 3))
x = layers.Normalization(mean=[100.0, 90.0, 80.0], variance=[9.0, 25.0, 4.0])(layers.Rescaling(2.0, 1.0)(image))
x = norm(layers.Conv2D(6, 3, 2, "same", activation="relu6")(x))
y = layers.Activation("hard_swish")(norm(layers.DepthwiseConv2D(3, padding="same")(x)))
x = layers.Add()([x, layers.LeakyReLU(0.2)(layers.Activation("silu")(y))])
gate = layers.Dense(6, "hard_sigmoid")(layers.GlobalAveragePooling2D()(x))
x = inner(layers.Multiply()([x, layers.Reshape((1, 1, 6))(gate)]))
x = layers.Concatenate()([x, layers.MaxPooling2D(3, 1, "same")(x)])
x = layers.Flatten()(layers.AveragePooling2D(2)(layers.ZeroPadding2D(((0, 1), (1, 0)))(x)))
model = keras.Model(image, layers.Dense(3, activation="softmax")(layers.Dropout(0.2)(x)))
model.save("model.keras")
model.save("model.h5")
model.export("folder", verbose=False)
images = np.random.default_rng(3).normal(size=(2, 16, 16, 3)) * 40 + 100
print(json.dumps(model(images.astype("float32"), training=False).numpy().tolist()))
"""


@pytest.fixture(scope="module")
def of_keras_3(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """A network in three kinds of files, and what it predicts for two images."""
    folder = tmp_path_factory.mktemp("keras3")
    found: Any = by_keras_3(PROGRAM, folder)
    return folder, np.array(found)


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "folder"])
def test_keras_3_comes_in_without_keras_3(name: str, of_keras_3: tuple[Path, np.ndarray]) -> None:
    folder, expected = of_keras_3
    found = read(folder / name)
    assert apart(ours(found, images(found)), expected) < CLOSE
    assert np.allclose(found.preprocessing.scale, np.array([2 / 3, 2 / 5, 2 / 2]))
    assert np.allclose(found.preprocessing.offset, (1 - np.array([100, 90, 80])) / np.array([3, 5, 2]))
    assert (found.activation, found.classes, found.origin.producer[:5]) == ("softmax", 3, "Tenso" if name == "folder" else "Keras")
    kinds = {type(layer).__name__ for layer in found.model.layers}
    assert not kinds & {"Rescaling", "Normalization", "BatchNormalization", "Dropout", "Lambda"}


def test_our_own_files_come_in(tmp_path: Path) -> None:
    from edgetl.keras import set_seed

    from edgetl.backbones import BACKBONES, keras_file
    from edgetl.training.head import attach_head

    set_seed(1)
    model = attach_head(BACKBONES.load("mobilenet_v3_small").build(0.75, 32), 3)
    keras_file.save(model, tmp_path / "model.keras")
    found = read(tmp_path / "model.keras")
    noise = images(found)
    assert apart(ours(found, noise), model(noise, training=False).numpy()) < CLOSE


@pytest.mark.parametrize("name", ["pretrainedResnet.h5", "vww_96.h5"])
def test_files_of_keras_2_from_elsewhere(name: str, shared_data: Callable[[str], Path]) -> None:
    import tf_keras

    found = read(shared_data("foreign") / name)
    original = tf_keras.models.load_model(shared_data("foreign") / name, compile=False)
    noise = images(found)
    assert apart(ours(found, noise), original(noise, training=False).numpy()) < CLOSE


def test_tflite_from_elsewhere(shared_data: Callable[[str], Path]) -> None:
    from ai_edge_litert.interpreter import Interpreter

    path = shared_data("foreign") / "vww_96_float.tflite"
    found = read(path)
    noise = images(found, 1)
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], noise)
    interpreter.invoke()
    assert apart(ours(found, noise), interpreter.get_tensor(interpreter.get_output_details()[0]["index"])) < CLOSE


def test_a_paddle_model_of_any_size(shared_data: Callable[[str], Path]) -> None:
    import onnxruntime

    path = shared_data("foreign") / "paddle_mobilenet_v3_text_direction.onnx"
    found = read(path, Wish((48, 192)))
    noise = images(found, 1)
    session = onnxruntime.InferenceSession(str(path))
    assert (found.height, found.width, found.activation, found.origin.producer) == (48, 192, "softmax", "PaddlePaddle")
    assert apart(ours(found, noise), session.run(None, {"x": noise.transpose(0, 3, 1, 2)})[0]) < CLOSE


@pytest.mark.slow
def test_networks_of_torchvision_and_timm() -> None:
    """Files that benchmarks/foreign_models.py wrote; the table of all of them: benchmarks/importing.py."""
    files = sorted((Path(__file__).parents[2] / "build" / "foreign").glob("*.onnx"))
    if not files:
        pytest.skip("there are no ONNX files in build/foreign: see benchmarks/foreign_models.py")
    distances = {file.name: differs(file) for file in files}
    assert {name: one for name, one in distances.items() if one > 1e-4} == {}
