"""tensorflow-model-optimization's annotate/apply with our own quantizers: per-channel weights, depthwise too, and calibrated ranges."""

from typing import Any

from edgetl.keras import keras, layers, tf

import tensorflow_model_optimization as tfmot
from tensorflow_model_optimization.python.core.quantization.keras.default_8bit.default_8bit_quantize_scheme import Default8BitQuantizeScheme

from edgetl.quantization.base import channel_limits, kernel_name

tfq = tfmot.quantization.keras
Quantizer: Any = tfq.quantizers.Quantizer
QuantizeConfig: Any = tfq.QuantizeConfig


class PerChannel(Quantizer):
    """Symmetric int8 fake quantization with one scale an output channel, always the weights' own range.

    The library quantizes depthwise kernels per tensor. Straight-through gradient: nothing is clipped, since the range follows the weights.
    """

    def __init__(self, depthwise: bool = False) -> None:
        self.depthwise = depthwise

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        return {}

    def __call__(self, inputs: Any, training: bool, weights: Any, **kwargs: Any) -> Any:
        scale = tf.stop_gradient(channel_limits(inputs, self.depthwise)) / 127.0
        return inputs + tf.stop_gradient(tf.round(inputs / scale) * scale - inputs)

    def get_config(self) -> dict[str, Any]:
        return {"depthwise": self.depthwise}


class Calibrated(Quantizer):
    """Affine uint8 fake quantization over a fixed range."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        return {}

    def __call__(self, inputs: Any, training: bool, weights: Any, **kwargs: Any) -> Any:
        return tf.quantization.fake_quant_with_min_max_args(inputs, self.low, self.high, num_bits=8)

    def get_config(self) -> dict[str, Any]:
        return {"low": self.low, "high": self.high}


class Int8Config(QuantizeConfig):
    """Which of a layer's tensors are quantized: the kernel of this name, if any, and the output over this range, if any."""

    def __init__(self, kernel: str | None, ends: tuple[float, float] | None) -> None:
        self.kernel, self.ends = kernel, ends

    def get_weights_and_quantizers(self, layer: Any) -> list[Any]:
        return [(getattr(layer, self.kernel), PerChannel(self.kernel == "depthwise_kernel"))] if self.kernel else []

    def set_quantize_weights(self, layer: Any, quantize_weights: Any) -> None:
        if self.kernel:
            setattr(layer, self.kernel, quantize_weights[0])

    def get_activations_and_quantizers(self, layer: Any) -> list[Any]:
        return []

    def set_quantize_activations(self, layer: Any, quantize_activations: Any) -> None:
        pass

    def get_output_quantizers(self, layer: Any) -> list[Any]:
        return [Calibrated(*self.ends)] if self.ends else []

    def get_config(self) -> dict[str, Any]:
        return {"kernel": self.kernel, "ends": self.ends}


class _AsAnnotated(Default8BitQuantizeScheme):
    """The library's own rewrites would annotate anew what is already folded and annotated."""

    def get_layout_transformer(self) -> Any:
        return self

    def apply(self, model: Any, layer_quantize_map: Any) -> tuple[Any, Any]:
        return model, layer_quantize_map


def quantize_aware(model: keras.Model, ranges: dict[str, tuple[float, float]]) -> Any:
    """A copy of a folded float model that computes, and learns, with quantized kernels and outputs; the image is on its grid already."""

    def annotate(layer: Any) -> Any:
        if isinstance(layer, layers.InputLayer):
            return layer
        return tfq.quantize_annotate_layer(layer, Int8Config(kernel_name(layer), ranges.get(layer.name)))

    with tfq.quantize_scope({"PerChannel": PerChannel, "Calibrated": Calibrated, "Int8Config": Int8Config}):
        annotated = keras.models.clone_model(model, clone_function=annotate)
        annotated.set_weights(model.get_weights())
        return tfq.quantize_apply(annotated, scheme=_AsAnnotated())
