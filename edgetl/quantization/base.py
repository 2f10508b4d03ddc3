"""Define a scheme: how a model's numbers are made smaller.

What a scheme is, is asked by commands that quantize nothing: its file loads TensorFlow when it does.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from edgetl.quantization.bounds import Bound

if TYPE_CHECKING:
    from edgetl.data.examples import AugmentedExamples
    from edgetl.quantization.quantized import QuantizationResult
    from edgetl.training.schedule import Schedule

Samples = Callable[[], Iterator[list[np.ndarray]]]  # a model's inputs, one after the other: float32 pixels 0..255 [1, H, W, 3]


@dataclass(frozen=True)
class Settings:
    """Settings of the search for the grids.

    Args:
        ranges: a name in calibrate.METHODS, or "auto": the one that moves training images' predictions least.
        batch_size: images a step.
        learning_rate: Adam's peak in quantization-aware training.
        temperature: of the distillation's softmax.
        feature_weight: of the pooled features' relative squared error from the float model's, beside the logits' divergence.
        learn_ranges: activation ranges are trained too.
        compressed: the float model is; training keeps its zeros and clusters.
        calibrated: the result of calibration on the same images, where that is known already, or the integers of an imported file.
    """

    ranges: str
    batch_size: int
    learning_rate: float
    temperature: float
    feature_weight: float
    learn_ranges: bool
    seed: int
    compressed: bool
    calibrated: "QuantizationResult | None" = None


class Rounded(Protocol):
    """Return a kernel as the converter will round it; a depthwise one has its channels in another axis."""

    def __call__(self, kernel: np.ndarray, *, depthwise: bool) -> np.ndarray: ...


class Quantize(Protocol):
    """Find the grids: calibrate on the images `rows`, and train on all training images if the way is to train."""

    def __call__(
        self, float_model: Any, examples: "AugmentedExamples", rows: np.ndarray, settings: Settings, schedule: "Schedule"
    ) -> "QuantizationResult": ...


@dataclass(frozen=True)
class Scheme:
    """How a model's numbers are made smaller.

    Args:
        precision: what its files are named after; schemes may share one, and the best model of them is then exported.
        configure: asks a TFLiteConverter for it; `samples` are images, for those that calibrate there.
        bound: how closely its files have to follow the float model.
        quantize: finds integer grids before the conversion; None where the converter needs no help.
        trained: `quantize` trains, so that its weights have moved away from the float model's.
        starts_from: name of the scheme whose model `quantize` continues from.
        rounded: what the converter will make of a kernel, where that is to be corrected for
            beforehand, see `correct`.
        weights_from: precision of the integer model whose kernels and biases it takes instead of the float model's.
        own: `quantize` finds nothing: it takes the integers that an imported file has.
        halves: values, too, are computed in half precision by formats that can.
        keeps_float_biases: the converter would round biases too; the file gets the float file's.
    """

    precision: str
    configure: Callable[[Any, Samples], None]
    bound: Bound
    quantize: Quantize | None = None
    trained: bool = False
    starts_from: str = ""
    rounded: Rounded | None = None
    weights_from: str = ""
    keeps_float_biases: bool = False
    halves: bool = False
    own: bool = False

    @property
    def needs_images(self) -> bool:
        """Whether it is calibrated."""
        return self.quantize is not None or bool(self.weights_from)


def integers(converter: Any, samples: Samples) -> None:
    """Ask the converter for a fake-quantized model's own grids, and raw bytes at both ends."""
    from edgetl.keras import tf

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = converter.inference_output_type = tf.uint8
