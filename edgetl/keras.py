"""The only module that chooses the Keras generation and sets TensorFlow's switches; all others take `tf`, `keras`, `layers` from here.

tensorflow-model-optimization knows only Keras 2 (tf_keras), which must be chosen before TensorFlow is first imported.
"""

import os
from typing import Any

from edgetl import console, stops

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "0" if console.current().verbose else "3")  # what matters arrives as a Python exception too

with console.hushed():
    import tensorflow as tf
    import tf_keras as keras
    from tf_keras import layers

    for _gpu in tf.config.list_physical_devices("GPU"):
        # Take memory as it is needed: a desktop's GPU is shared with its screen.
        tf.config.experimental.set_memory_growth(_gpu, True)

stops.check()  # the import takes seconds
if not console.current().verbose:
    tf.get_logger().setLevel("ERROR")

__all__ = ["device_name", "exact_float32", "graph_of_images", "keras", "layers", "set_seed", "tf"]


def device_name() -> str:
    """Return the devices that TensorFlow will train on, in words."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return f"CPU ({os.cpu_count()} cores)"
    names = [tf.config.experimental.get_device_details(gpu).get("device_name", "GPU") for gpu in gpus]
    return f"{len(names)} x {names[0]}" if len(names) > 1 else names[0]


def graph_of_images(image_size: int, *more: Any) -> Any:
    """Return a decorator: a `tf.function` of images uint8 [N, image_size, image_size, 3], any N, and of tensors of the specs `more`.

    Without a signature the last, smaller batch would trace the whole graph once more, which takes seconds.
    """
    return tf.function(input_signature=[tf.TensorSpec((None, image_size, image_size, 3), tf.uint8), *more])


def exact_float32() -> None:
    """Compute in float32 throughout: GPUs since Ampere round factors to 10 bits (TF32) otherwise, which is no reference."""
    tf.config.experimental.enable_tensor_float_32_execution(False)


def set_seed(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow and ask for deterministic kernels: same seed, same machine, same result."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
