"""The precision that a step computes in, and whether XLA compiles it."""

from typing import Any

from edgetl.keras import keras, layers, tf


def policy(precision: str) -> str:
    """Return a Keras policy; auto is half precision on GPUs that have it (compute capability 8: bfloat16, 7: float16), else float32."""
    if precision != "auto":
        return precision
    gpus = tf.config.list_physical_devices("GPU")
    capability = min((tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0)) for gpu in gpus), default=(0, 0))
    return "mixed_bfloat16" if capability >= (8, 0) else "mixed_float16" if capability >= (7, 0) else "float32"


def in_precision(model: Any, policy: str) -> Any:
    """Return the same network with new variables that computes in this policy; variables are always float32. Weights are not copied."""

    def converted(layer: Any) -> Any:
        config = layer.get_config()
        return layer.__class__.from_config(config if isinstance(layer, layers.InputLayer) else config | {"dtype": policy})

    return keras.models.clone_model(model, clone_function=converted)


def uses_xla(jit: str, replicas: int) -> bool:
    """Return whether XLA compiles the step. Auto means on one GPU; several replicas exchange gradients in a step, which XLA cannot do."""
    return replicas == 1 and (jit == "on" or (jit == "auto" and bool(tf.config.list_physical_devices("GPU"))))
