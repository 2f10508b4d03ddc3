"""The Keras generation is ours to choose: with Keras 3, quantization-aware training fails in ways that do not name the cause."""

import os
import subprocess
import sys

CHECK = """
from edgetl.keras import keras, layers, tf
import tensorflow_model_optimization as tfmot
assert issubclass(tf.keras.Model, keras.Model), "tf.keras is another Keras"
model = keras.Sequential([layers.Input((4,)), layers.Dense(2)])
tfmot.quantization.keras.quantize_annotate_model(model)
"""


def test_keras_2_is_chosen_whatever_the_environment_says() -> None:
    environment = os.environ | {"TF_USE_LEGACY_KERAS": "0"}
    done = subprocess.run([sys.executable, "-c", CHECK], env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, "and TensorFlow's chatter stays behind the door"
