"""Define a quantized model: a float model's architecture with every number on an integer grid."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgetl.keras import keras, layers, tf

import numpy as np

from edgetl.backbones.graph import PASSING, rebuild, users
from edgetl.backbones.hard_sigmoid import HardSigmoid
from edgetl.contract import Contract
from edgetl.errors import RunError
from edgetl.files import DAMAGED_NPZ, atomic, check_arrays
from edgetl.importing.grids import Numbers
from edgetl.int8_record import Distance
from edgetl.quantization.own import arrays_of, numbers_of
from edgetl.run_record import RangeMethod, Training

_KERNELS = ((layers.DepthwiseConv2D, "depthwise_kernel"), (layers.Conv2D, "kernel"), (layers.Dense, "kernel"))
_SMALLEST_RANGE = 1e-6  # an all-zero channel or activation still needs a scale
_GATE_HEIGHT = 6.0  # of a hard-sigmoid without its division

Weights = dict[str, list[np.ndarray]]  # layer name to its kernel and, where it has one, its bias
Ranges = dict[str, tuple[float, float]]  # layer name to the lowest and highest value of its output


@dataclass(frozen=True)
class Quantized:
    """A model on int8 grids.

    Args:
        weights: layer name to its kernel and bias, float32 values that lie on their integer grids, see `bake`.
        ranges: layer name to (low, high) of its output, in real values; zero is inside.
        own: the very integers of the file that was imported; None: the converter finds them by weights and ranges.
    """

    weights: Weights
    ranges: Ranges
    own: Numbers | None = None

    @classmethod
    def of_file(cls, model: Any, numbers: Numbers) -> "Quantized":
        """Return the quantized model of a file from elsewhere, by the network in real numbers that was made of it."""
        weights = {layer.name: layer.get_weights() for layer in model.layers if layer.weights}
        return cls(weights, {name: (grid.low, grid.high) for name, grid in numbers.outputs.items()}, numbers)

    def save(self, path: Path) -> None:
        arrays: dict[str, Any] = {f"weights/{name}/{i}": array for name, group in self.weights.items() for i, array in enumerate(group)}
        arrays |= {f"range/{name}": np.array(ends, np.float64) for name, ends in self.ranges.items()}
        arrays |= {f"own/{name}": array for name, array in (arrays_of(self.own) if self.own else {}).items()}
        with atomic(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **arrays)

    @classmethod
    def load(cls, path: Path) -> "Quantized":
        """Raises RunError when the file is not one that `save` wrote."""
        weights: dict[str, list[np.ndarray]] = {}
        ranges, own = {}, {}
        try:
            check_arrays(path)
            with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
                for key in saved.files:
                    kind, _, name = key.partition("/")
                    if kind == "range":
                        ranges[name] = (float(saved[key][0]), float(saved[key][1]))
                    elif kind == "weights":
                        weights.setdefault(name.rpartition("/")[0], []).append(saved[key])
                    elif kind == "own":
                        own[name] = saved[key]
                    else:
                        raise ValueError(f"it holds '{key}'")
            numbers = numbers_of(own) if own else None
        except DAMAGED_NPZ as error:
            raise RunError(f"cannot read the quantized model {path}: {error}", "delete it and run 'edgetl train' again") from error
        return cls(weights, ranges, numbers)

    def to_keras(self, float_model: Any, contract: Contract, *, activations: bool = True) -> Any:
        """Build the float model with these weights and a fake quantization after every range, the input's included.

        From normalized float32 [N, H, W, 3] to logits float32 [N, K], computed in float on the values that integers would have.
        Hard-sigmoids come out 6 times as high and the next kernel 6 times as small: no integer changes, and no operator is needed
        for the division by 6.

        Args:
            activations: put these on their grids too; without, only the weights are on theirs.
        """

        def place(layer: Any, inputs: Any) -> Any:
            gate = {"height": _GATE_HEIGHT} if isinstance(layer, HardSigmoid) else {}
            if layer is first and activations:
                inputs = FakeQuantize(contract.low, contract.high, name="quantize_image")(inputs)
            output = layer.__class__.from_config(layer.get_config() | gate)(inputs)
            if layer.name not in self.ranges or not activations:
                return output
            return FakeQuantize(*self.ranges[layer.name], name=f"quantize_{layer.name}")(output)

        first = next(layer for layer in float_model.layers if not isinstance(layer, layers.InputLayer))
        model = rebuild(float_model, place)
        self.put_into(model, float_model)
        return model

    def put_into(self, model: Any, float_model: Any) -> None:
        """Give a model that `to_keras` built these weights and ranges: building, and tracing a graph of it, take seconds.

        Args:
            model: built from the same float model, with ranges of the same layers.
        """
        built = {layer.name: layer for layer in model.layers}
        for name, (owed, factor) in _factors(float_model).items():
            if name in self.weights:
                kernel, *biases = self.weights[name]
                built[name].set_weights([kernel * np.float32(factor / owed), *(bias * np.float32(factor) for bias in biases)])
            if f"quantize_{name}" in built:
                low, high = self.ranges[name]
                built[f"quantize_{name}"].set_weights([low * factor, high * factor])


@dataclass(frozen=True, eq=False)
class QuantizationResult:
    """A quantized model, the way its ranges were found, its training (None: it was calibrated only), its distance where that is known."""

    model: Quantized
    ranges: RangeMethod
    training: Training | None = None
    distance: Distance | None = None


class FakeQuantize(layers.Layer):
    """Rounds to the 256 values of an affine grid over [low, high], nudged so that zero is one of them (Jacob et al. 2018).

    The ends are weights, so that a model takes other ranges without being compiled again.
    """

    def __init__(self, low: float, high: float, **kwargs: Any) -> None:
        super().__init__(trainable=False, **kwargs)
        self.low, self.high = (
            self.add_weight(name, (), initializer=keras.initializers.Constant(end)) for name, end in (("low", low), ("high", high))
        )

    def call(self, inputs: Any) -> Any:
        return tf.quantization.fake_quant_with_min_max_vars(inputs, self.low, self.high, num_bits=8)


def _factors(model: Any) -> dict[str, tuple[float, float]]:
    """Return how many times too large what each layer computes comes out by what it reads, and is to come out."""
    factors: dict[str, float] = {}
    found = {}
    readers = users(model)
    for layer in model.layers:
        if isinstance(layer, layers.InputLayer):
            continue
        owed = _factor_owed(layer, factors)
        beside = _factor_beside(readers[id(layer.output)], factors) if layer.weights else owed
        factors[layer.name] = _GATE_HEIGHT if isinstance(layer, HardSigmoid) else beside
        found[layer.name] = owed, factors[layer.name]
    return found


def _factor_owed(layer: Any, factors: dict[str, float]) -> float:
    """Return how many times too large what a layer computes comes out, from the factors of the layers that it reads."""
    sources = layer.inbound_nodes[0].inbound_layers
    owed = [factors.get(source.name, 1.0) for source in (sources if isinstance(sources, list) else [sources])]
    if isinstance(layer, layers.Multiply):
        return math.prod(owed)
    linear = layer.weights or isinstance(layer, (*PASSING, layers.Add, layers.GlobalAveragePooling2D, layers.AveragePooling2D))
    if len(set(owed)) > 1 or (owed[0] != 1 and not linear):
        raise ValueError(f"{layer.name} cannot read hard-sigmoids: only kernels, sums, products and pools can")
    return owed[0]


def _factor_beside(readers: list[Any], factors: dict[str, float]) -> float:
    """Return how many times too large a kernel's output has to come out: as many as what it is added to, if that is all it is for."""
    if [type(reader) for reader in readers] != [layers.Add]:
        return 1.0
    return next((factors[source.name] for source in readers[0].inbound_nodes[0].inbound_layers if source.name in factors), 1.0)


def kernel_name(layer: Any) -> str | None:
    """Return the attribute that holds a layer's kernel, if it has one."""
    return next((name for kind, name in _KERNELS if isinstance(layer, kind)), None)


def ranged_layers(model: keras.Model) -> list[str]:
    """Return the layers whose outputs get a range: not those that pass their input's grid on, or that a ReLU alone reads (one operator)."""
    readers = users(model)
    return [
        layer.name
        for layer in model.layers
        if not isinstance(layer, (layers.InputLayer, *PASSING)) and [type(user) for user in readers[id(layer.output)]] != [layers.ReLU]
    ]


def bake(model: keras.Model, weights: Weights, ranges: Ranges, contract: Contract) -> Quantized:
    """Put float weights onto the grids of integer arithmetic: kernels int8 per channel, biases int32 in steps of input x kernel scale.

    That step is not small beside an output's where a kernel is large (a folded depthwise one): with float biases the simulation left
    the integer engines at the first layers, with these it is equal to the bit until the first tie rounds the other way.

    Args:
        weights: layer name to (kernel, bias) or (kernel,), for every layer of the model that has weights.
        ranges: of the ranged layers; what integer runtimes compute on one grid gets one, see `tied`.
    """
    baked: Weights = {}
    # float32, as TensorFlow's variables hold them: training for no epochs gives the calibrated model to the bit.
    ranges = {name: (float(np.float32(low)), float(np.float32(high))) for name, (low, high) in tied(model, ranges).items()}
    for layer in model.layers:
        if layer.name in weights:
            kernel, *biases = weights[layer.name]
            depthwise = isinstance(layer, layers.DepthwiseConv2D)
            step = np.ravel(channel_limits(kernel, depthwise=depthwise)) / 127 * _input_scale(layer, ranges, contract)
            biases = [(np.rint(bias / step) * step).astype(np.float32) for bias in biases]
            baked[layer.name] = [on_grid(kernel, depthwise=depthwise), *biases]
    return Quantized(baked, ranges)


def tied(model: keras.Model, ranges: Ranges) -> Ranges:
    """Return the ranges, with one grid for all that joins and averages connect, which hand integers on without changing their scale.

    The grid holds what the joins hold or, without a join, what the average reads. With other ranges the converter would put a change of
    grid before or behind each: one operator more, and a rounding that the simulation does not have.
    """
    groups = {name: {name} for name in ranges}
    joins = set()
    for layer in model.layers:
        if isinstance(layer, (layers.Concatenate, layers.AveragePooling2D)) and layer.name in groups:
            joins |= {layer.name} if isinstance(layer, layers.Concatenate) else set()
            read = layer.inbound_nodes[0].inbound_layers
            sources = [_behind_passing(source).name for source in (read if isinstance(read, list) else [read])]
            together = set().union(*(groups.get(name, set()) for name in (layer.name, *sources)))  # an image has no range to give
            groups |= dict.fromkeys(together, together)
    made = {}
    for name, group in groups.items():
        ends = [ranges[one] for one in group & joins or group]
        made[name] = min(low for low, _ in ends), max(high for _, high in ends)
    return made


def _behind_passing(layer: Any) -> Any:
    """Return the layer whose grid this one hands on, or itself."""
    while isinstance(layer, PASSING):
        layer = layer.inbound_nodes[0].inbound_layers
    return layer


def _input_scale(layer: Any, ranges: Ranges, contract: Contract) -> float:
    """Real value of one step of what the layer reads."""
    source = _behind_passing(layer.inbound_nodes[0].inbound_layers)
    low, high = (contract.low, contract.high) if isinstance(source, layers.InputLayer) else ranges[source.name]
    return (high - low) / 255


def channel_limits(kernel: Any, *, depthwise: bool) -> Any:
    """Return the largest magnitude of each output channel: float32 [C_out], or [C, 1] for a depthwise kernel [h, w, C, 1]."""
    return tf.maximum(tf.reduce_max(tf.abs(kernel), axis=[0, 1] if depthwise else list(range(len(kernel.shape) - 1))), _SMALLEST_RANGE)


def on_grid(kernel: np.ndarray, *, depthwise: bool) -> np.ndarray:
    """Return the kernel rounded to its symmetric per-channel int8 grid (-127..127 times limit/127), as float32 of the same shape."""
    scale = channel_limits(kernel, depthwise=depthwise).numpy() / np.float32(127)
    rounded: np.ndarray = np.clip(np.rint(kernel / scale), -127, 127) * scale
    return rounded.astype(np.float32)
