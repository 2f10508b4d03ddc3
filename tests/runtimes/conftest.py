"""One tiny network as every kind of file that a run exports, made once: 16 x 16 pixels, 3 classes, with clearly different predictions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgetl.contract import Contract
from edgetl.export import FORMATS
from edgetl.export.base import Conversion

CONTRACT = Contract.square(size=16, scale=1 / 127.5, zero_point=128, class_names=("red", "green", "blue"))


def coloured_images(count: int) -> NDArray[np.uint8]:
    """uint8 [count, 16, 16, 3]: noise around a colour that changes from image to image; two are all black and all white."""
    random = np.random.default_rng(7)
    colours = random.uniform(40, 215, (count, 1, 1, 3))
    images = np.clip(colours + random.normal(0, 20, (count, 16, 16, 3)), 0, 255).astype(np.uint8)
    images[0], images[1] = 0, 255
    return images


@pytest.fixture(scope="session")
def expected(model: Any, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The network by hand in float64: 1 x 1 convolution, ReLU, mean over the image, dense, softmax."""
    kernel, bias, dense, offset = (np.asarray(w, np.float64) for w in model.get_weights())
    features = np.maximum((images.astype(np.float64) - 128) / 127.5 @ kernel[0, 0] + bias, 0).mean(axis=(1, 2))
    logits = features @ dense + offset
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


@pytest.fixture(scope="session")
def contract() -> Contract:
    return CONTRACT


@pytest.fixture(scope="session")
def images() -> NDArray[np.uint8]:
    return coloured_images(70)  # more than one batch of Keras', and the last one smaller


@pytest.fixture(scope="session")
def model() -> Any:
    from edgetl.keras import keras, layers

    keras.utils.set_random_seed(3)
    image = keras.Input((16, 16, 3))
    features = layers.GlobalAveragePooling2D()(layers.Conv2D(8, 1, activation="relu", bias_initializer="random_normal")(image))
    made = keras.Model(image, layers.Dense(3, kernel_initializer=keras.initializers.RandomNormal(stddev=2.0))(features))
    return made


@pytest.fixture(scope="session")
def folder(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with float.keras, model_{float32,int8}.{tflite,onnx} and model_int8.tflm.zip, by the converters that the export uses."""
    from edgetl.keras import tf

    import tf2onnx

    from edgetl.console import hushed

    place: Path = tmp_path_factory.mktemp("models")

    def whole(pixels: Any) -> Any:
        return tf.nn.softmax(model(CONTRACT.normalize(pixels), training=False))

    def quantizable(values: Any) -> Any:
        return tf.nn.softmax(model(values, training=False))

    with hushed():
        model.save(place / "float.keras")
        (place / "model_float32.tflite").write_bytes(_converter(whole).convert())
        converter = _converter(quantizable)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        # Black and white in each sample make the input's range the contract's: the raw byte is the quantized input.
        converter.representative_dataset = lambda: ([CONTRACT.normalize(p[None].astype(np.float32))] for p in coloured_images(70))
        converter.inference_input_type = converter.inference_output_type = tf.uint8
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        (place / "model_int8.tflite").write_bytes(converter.convert())
        for name in ("model_float32", "model_int8"):
            tf2onnx.convert.from_tflite(str(place / f"{name}.tflite"), opset=17, output_path=str(place / f"{name}.onnx"))
    lite = (place / "model_int8.tflite").read_bytes()
    made = Conversion(None, CONTRACT, "int8", FORMATS.load, made={"tflite": lite}).file("tflm")
    (place / "model_int8.tflm.zip").write_bytes(made)
    return place


def _converter(function: Callable[[Any], Any]) -> Any:
    from edgetl.keras import tf

    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    concrete = tf.function(function).get_concrete_function(tf.TensorSpec([1, 16, 16, 3], tf.float32, name="image"))
    return tf.lite.TFLiteConverter.from_concrete_functions([convert_variables_to_constants_v2(concrete)])
