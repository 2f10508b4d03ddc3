"""Sensitivity: the damage that quantizing one operator alone does, all others left in float."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgetl.keras import graph_of_images, keras, layers, tf

import numpy as np

from edgetl.backbones.graph import rebuild
from edgetl.contract import Contract
from edgetl.data.base import Pixels
from edgetl.progress import progress
from edgetl.quantization.quantized import Quantized
from edgetl.quantization.results import Damage
from edgetl.training.objective import Objective, objective_of

_BATCH = 16  # images: every layer's output of a batch is held at once, about 100 MB for MobileNetV2 at 128 px


class _Switched(layers.Layer):
    """Fake quantization that can be turned on and off without compiling the model again."""

    def __init__(self, low: float, high: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.low, self.high = low, high
        self.active = tf.Variable(False, trainable=False)

    def call(self, inputs: Any) -> Any:
        return tf.where(self.active, tf.quantization.fake_quant_with_min_max_args(inputs, self.low, self.high), inputs)


@dataclass(frozen=True)
class _Operator:
    """The switch at an operator's end and the layer that holds its kernel, if it has one."""

    switch: _Switched
    kernel: Any

    def turn(self, *, on: bool, float_weights: Sequence[np.ndarray], baked: Sequence[np.ndarray]) -> None:
        self.switch.active.assign(on)
        if self.kernel is not None:
            self.kernel.set_weights(baked if on else float_weights)


def sensitivity(float_model: Any, quantized: Quantized, contract: Contract, pixels: Pixels, rows: np.ndarray) -> list[Damage]:
    """Measure the damage of each operator that has a grid, alone; the worst, by the change of the logits, comes first.

    Args:
        quantized: the grids to put the operators on.
        pixels, rows: uint8 images [N, H, W, 3] and which of them to look at.
    """
    model, operators = _switchable(float_model, quantized)
    objective = objective_of(contract.output)

    @graph_of_images(contract.shape)
    def outputs(batch: Any) -> Any:
        return model(contract.normalize(tf.cast(batch, tf.float32)), training=False)

    sums = {name: np.zeros(5) for name in operators}  # signal, noise, logits, their change, flips
    with progress("sensitivity", len(operators) * -(-len(rows) // _BATCH)) as tick:
        for start in range(0, len(rows), _BATCH):
            batch = pixels[rows[start : start + _BATCH]]
            floats = [output.numpy() for output in outputs(batch)]
            for index, (name, operator) in enumerate(operators.items()):
                held = operator.kernel.name if operator.kernel is not None else ""
                float_weights = float_model.get_layer(held).get_weights() if held else []
                operator.turn(on=True, float_weights=float_weights, baked=quantized.weights.get(held, []))
                moved = outputs(batch)
                sums[name] += _sums((floats[index], moved[index].numpy()), (floats[-1], moved[-1].numpy()), objective)
                operator.turn(on=False, float_weights=float_weights, baked=[])
                tick(1)
    damages = [_damage(name, values, len(rows)) for name, values in sums.items()]
    return sorted(damages, key=lambda damage: -damage.logits_change)


def _sums(outputs: tuple[np.ndarray, np.ndarray], both: tuple[np.ndarray, np.ndarray], objective: Objective) -> np.ndarray:
    """Return the sums over a batch, of an operator's outputs and of the logits, each in float and with the operator quantized."""
    (before, after), (logits, moved) = outputs, both
    squares = [np.square(before), np.square(after - before), np.square(logits), np.square(moved - logits)]
    return np.array([*(square.sum(dtype=np.float64) for square in squares), objective.distances(logits, moved)[1].sum()])


def _damage(name: str, sums: np.ndarray, images: int) -> Damage:
    signal, noise, logits, change, flips = map(float, sums)
    return Damage(
        operator=name,
        signal_to_noise_db=decibels(signal, noise),
        logits_change=math.sqrt(change / logits) if logits else 0.0,
        top1_flips=flips / images,
    )


def decibels(signal: float, noise: float) -> float | None:
    """Return 10 log10 of the ratio of two powers, from -60 on, below which no signal is left to speak of; None without noise."""
    return 10 * math.log10(max(signal / noise, 1e-6)) if noise else None


def _switchable(float_model: Any, quantized: Quantized) -> tuple[Any, dict[str, _Operator]]:
    """Build the float model with a switch at the end of each operator; its outputs are those ends, in order, and the logits."""
    operators: dict[str, _Operator] = {}
    kernels: dict[str, Any] = {}  # by the layer behind them, while the end of their operator (an activation function) is yet to come

    def place(layer: Any, inputs: Any) -> Any:
        copy = layer.__class__.from_config(layer.get_config())
        output = copy(inputs)
        copy.set_weights(layer.get_weights())
        source = layer.inbound_nodes[0].inbound_layers
        kernel = copy if layer.weights else None if isinstance(source, list) else kernels.get(source.name)
        if layer.name not in quantized.ranges:
            kernels[layer.name] = kernel
            return output
        switch = _Switched(*quantized.ranges[layer.name], name=f"switch_{layer.name}")
        operators[layer.name] = _Operator(switch, kernel)
        return switch(output)

    model = rebuild(float_model, place)
    ends = [model.get_layer(operator.switch.name).output for operator in operators.values()]
    return keras.Model(model.input, [*ends, model.output]), operators
