"""A network of a few named layers as a float TFLite and as an int8 TFLite file, made once a session, and images that it tells apart."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LAYERS = ("stem", "depthwise", "project", "add", "pool", "logits")


def images(count: int) -> NDArray[np.uint8]:
    """uint8 [count, 32, 32, 3]: noise around a colour that changes from image to image."""
    random = np.random.default_rng(7)
    noisy = random.uniform(0, 255, (count, 1, 1, 3)) + random.normal(0, 30, (count, 32, 32, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


@cache
def _files() -> dict[str, bytes]:
    from edgetl.keras import keras, layers, tf

    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    keras.utils.set_random_seed(3)
    image = keras.Input((32, 32, 3))
    stem = layers.Conv2D(8, 3, padding="same", activation="relu", name="stem")(image)
    deep = layers.DepthwiseConv2D(3, padding="same", activation="relu", name="depthwise")(stem)
    added = layers.Add(name="add")([stem, layers.Conv2D(8, 1, name="project")(deep)])
    spread = keras.initializers.RandomNormal(stddev=2.0)  # predictions that are not all alike
    model = keras.Model(image, layers.Dense(4, kernel_initializer=spread, name="logits")(layers.GlobalAveragePooling2D(name="pool")(added)))

    @tf.function
    def whole(values: Any) -> Any:
        return tf.nn.softmax(model(values / 127.5 - 1, training=False))

    concrete = whole.get_concrete_function(tf.TensorSpec([1, 32, 32, 3], tf.float32, name="image"))
    frozen = convert_variables_to_constants_v2(concrete)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    files = {"float32": converter.convert()}
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([one[None].astype(np.float32)] for one in images(20))
    converter.inference_input_type = converter.inference_output_type = tf.uint8
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    files["int8"] = converter.convert()
    image = keras.Input((32, 32, 3))
    stem = model.get_layer("stem")(image)
    pooled = layers.GlobalAveragePooling2D()(layers.Lambda(tf.nn.local_response_normalization)(stem))
    odd = keras.Model(image, model.get_layer("logits")(pooled))
    kept = tf.function(lambda values: tf.nn.softmax(odd(values / 127.5 - 1, training=False)))
    concrete = kept.get_concrete_function(tf.TensorSpec([1, 32, 32, 3], tf.float32, name="image"))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([convert_variables_to_constants_v2(concrete)])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([one[None].astype(np.float32)] for one in images(20))
    return files | {"kept_float": converter.convert()}


def write(kind: str, folder: Path) -> Path:
    """The file of that kind in a folder: "float32", "int8", or int8 but for an operator that is "kept_float"."""
    path = folder / f"tiny_{kind}.tflite"
    path.write_bytes(_files()[kind])
    return path
