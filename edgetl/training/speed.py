"""Precision and compilation: what a step is computed in, and whether XLA compiles it."""

from typing import Any

from edgetl.keras import keras, layers, tf


def policy(precision: str) -> str:
    """A Keras policy. Auto: half precision where a GPU has units for it (compute capability 8: bfloat16, 7: float16), else float32."""
    if precision != "auto":
        return precision
    gpus = tf.config.list_physical_devices("GPU")
    capability = min((tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0)) for gpu in gpus), default=(0, 0))
    return "mixed_bfloat16" if capability >= (8, 0) else "mixed_float16" if capability >= (7, 0) else "float32"


def in_precision(model: Any, chosen: str) -> Any:
    """The same network with new variables, computing in this policy; variables are float32 in all of them. Weights are not copied."""

    def made(layer: Any) -> Any:
        config = layer.get_config()
        return layer.__class__.from_config(config if isinstance(layer, layers.InputLayer) else config | {"dtype": chosen})

    return keras.models.clone_model(model, clone_function=made)


def compiled(jit: str, replicas: int) -> bool:
    """Whether XLA compiles the step. Auto: on one GPU; several replicas exchange gradients inside a step, which XLA does not."""
    return replicas == 1 and (jit == "on" or (jit == "auto" and bool(tf.config.list_physical_devices("GPU"))))
