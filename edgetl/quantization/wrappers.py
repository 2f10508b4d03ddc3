"""tensorflow-model-optimization's annotate/apply with our own quantizers: per-channel weights, depthwise too, and calibrated ranges."""

from typing import Any

from edgetl.keras import keras, layers, tf, without_keras_3

import numpy as np

from edgetl.backbones.hard_sigmoid import HardSigmoid
from edgetl.quantization.quantized import Quantized, Ranges, channel_limits, kernel_name

with without_keras_3():
    import tensorflow_model_optimization as tfmot
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import default_8bit_quantize_scheme as default_8bit

tfq = tfmot.quantization.keras
Quantizer: Any = tfq.quantizers.Quantizer
QuantizeConfig: Any = tfq.QuantizeConfig
GAIN = 30.0  # a learning rate of 3e-5 then moves an end by a thousandth of itself a step: a quarter of it in three short epochs


class PerChannel(Quantizer):
    """Symmetric int8 fake quantization with one scale an output channel, always the weights' own range.

    The library quantizes depthwise kernels per tensor. Straight-through gradient: nothing is clipped, since the range follows the weights.
    """

    def __init__(self, *, depthwise: bool = False) -> None:
        self.depthwise = depthwise

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        return {}

    def __call__(self, inputs: Any, training: bool, weights: Any, **kwargs: Any) -> Any:
        scale = tf.stop_gradient(channel_limits(inputs, depthwise=self.depthwise)) / 127.0
        return inputs + tf.stop_gradient(tf.round(inputs / scale) * scale - inputs)

    def get_config(self) -> dict[str, Any]:
        return {"depthwise": self.depthwise}


class Calibrated(Quantizer):
    """Affine uint8 fake quantization over a range that starts where calibration put it and, where asked, is trained.

    The gradient of an end is that of the values clipped at it (as in arXiv:1903.08066). An end is `calibrated * (1 + GAIN * variable)`:
    Adam moves every variable by about its learning rate a step, which would be nothing beside a range of several units. Zero stays put,
    and a range that ends where the layer clips (`ceiling`) saturates for it in integers: it must not grow beyond.
    """

    def __init__(self, low: float, high: float, ceiling: float, *, learned: bool) -> None:
        self.low, self.high, self.ceiling, self.learned = low, high, ceiling, learned

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        ends = ("low", "high") if self.learned else ()
        return {end: layer.add_weight(f"{name}_{end}", (), initializer="zeros", trainable=getattr(self, end) != 0) for end in ends}

    def __call__(self, inputs: Any, training: bool, weights: Any, **kwargs: Any) -> Any:
        if not self.learned:
            return tf.quantization.fake_quant_with_min_max_args(inputs, self.low, self.high, num_bits=8)
        low, high = self.ends(weights["low"], weights["high"])
        return tf.quantization.fake_quant_with_min_max_vars(inputs, low, high, num_bits=8)

    def ends(self, low: Any, high: Any) -> tuple[Any, Any]:
        """Return the range that these variables stand for."""
        return self.low * (1.0 + GAIN * low), tf.minimum(self.high * (1.0 + GAIN * high), self.ceiling)

    def get_config(self) -> dict[str, Any]:
        return {"low": self.low, "high": self.high, "ceiling": self.ceiling, "learned": self.learned}


class Int8Config(QuantizeConfig):
    """Names which of a layer's tensors are quantized: the kernel of this name, if any, and the output by this quantizer, if any."""

    def __init__(self, kernel: str | None, output: Calibrated | None) -> None:
        self.kernel, self.output = kernel, output

    def get_weights_and_quantizers(self, layer: Any) -> list[Any]:
        return [(getattr(layer, self.kernel), PerChannel(depthwise=self.kernel == "depthwise_kernel"))] if self.kernel else []

    def set_quantize_weights(self, layer: Any, quantize_weights: Any) -> None:
        if self.kernel:
            setattr(layer, self.kernel, quantize_weights[0])

    def get_activations_and_quantizers(self, layer: Any) -> list[Any]:
        return []

    def set_quantize_activations(self, layer: Any, quantize_activations: Any) -> None:
        pass

    def get_output_quantizers(self, layer: Any) -> list[Any]:
        return [self.output] if self.output else []

    def get_config(self) -> dict[str, Any]:
        return {"kernel": self.kernel, "output": self.output}


class _AsAnnotated(default_8bit.Default8BitQuantizeScheme):
    """The library's own rewrites would annotate again what is already folded and annotated."""

    def get_layout_transformer(self) -> Any:
        return self

    def apply(self, model: Any, layer_quantize_map: Any) -> tuple[Any, Any]:
        return model, layer_quantize_map


@tf.autograph.experimental.do_not_convert
def quantize_aware(model: keras.Model, calibrated: Quantized, *, learn_ranges: bool) -> Any:
    """Return a copy of a folded float model that computes and learns with quantized kernels and outputs; images are on their grid already.

    It starts from the float model's kernels and from the calibrated model's ranges and biases.
    """

    def annotate(layer: Any) -> Any:
        if isinstance(layer, layers.InputLayer):
            return layer
        ends = calibrated.ranges.get(layer.name)
        output = Calibrated(*ends, _ceiling(layer), learned=learn_ranges) if ends else None
        copy = layer.__class__.from_config(layer.get_config())  # a wrapper around the layer itself would share its weights
        return tfq.quantize_annotate_layer(copy, Int8Config(kernel_name(layer), output))

    known = {"PerChannel": PerChannel, "Calibrated": Calibrated, "Int8Config": Int8Config, "HardSigmoid": HardSigmoid}
    with tfq.quantize_scope(known):
        annotated = keras.models.clone_model(model, clone_function=annotate)
        for wrapper in annotated.layers:  # not all at once: a copy may have its layers in another order
            if wrapper.weights:
                name = wrapper.layer.name
                wrapper.layer.set_weights([model.get_layer(name).get_weights()[0], *calibrated.weights[name][1:]])
        return tfq.quantize_apply(annotated, scheme=_AsAnnotated())


def _ceiling(layer: Any) -> float:
    """Return where a layer's output is clipped."""
    if isinstance(layer, HardSigmoid):
        return layer.height
    return float(layer.max_value) if isinstance(layer, layers.ReLU) and layer.max_value is not None else np.inf


def learned_ranges(student: Any, ranges: Ranges) -> Ranges:
    """Return the ranges as training has moved them."""
    moved = {}
    for name in ranges:
        wrapper = student.get_layer(f"quant_{name}")
        [quantizer] = wrapper.quantize_config.get_output_quantizers(wrapper.layer)
        variables = {variable.name.removesuffix(":0").rpartition("_")[2]: variable for variable in wrapper.weights}
        ends = quantizer.ends(variables["low"], variables["high"]) if quantizer.learned else ranges[name]
        moved[name] = float(ends[0]), float(ends[1])
    return moved
