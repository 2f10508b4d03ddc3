"""Make convolutions and dense layers, with all that is linear and stands behind them inside their kernels."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from edgetl.keras import layers

import numpy as np

from edgetl.importing.base import Unsupported
from edgetl.importing.grids import KernelGrid
from edgetl.importing.operators import Convolution, FullyConnected, Pair
from edgetl.importing.padding import Strided, strided
from edgetl.importing.tensors import Gathered, Source, Value

Emit = Callable[[np.ndarray, np.ndarray], Any]  # makes the layer of a kernel and a bias, and gives its tensor


@dataclass(eq=False)
class Kernel(Source):
    """A convolution or dense layer that is not made yet.

    Args:
        kernel: its last axis are the output channels.
        bias: one number for each.
    """

    kernel: np.ndarray = field(default_factory=lambda: np.zeros(0))
    bias: np.ndarray = field(default_factory=lambda: np.zeros(0))
    emit: Emit = lambda kernel, bias: None


def _kernel(emit: Emit, kernel: np.ndarray, bias: np.ndarray, size: Pair, *, flat: bool = False) -> Kernel:
    return Kernel(kernel.shape[-1], size, lambda: emit(kernel, bias), flat=flat, kernel=kernel, bias=bias, emit=emit)


def scaled(value: Value, scale: np.ndarray, offset: np.ndarray) -> Value:
    """Return the value with a factor and an offset for each of its channels, inside the kernels that make it."""
    codes, start, made = value.channels.reshape(-1), 0, list[Source]()
    for source in value.sources:
        assert isinstance(source, Kernel)
        mine = (codes >= start) & (codes < start + source.channels)
        factors, shifts = np.ones(source.channels), np.zeros(source.channels)
        factors[codes[mine] - start], shifts[codes[mine] - start] = scale[mine], offset[mine]
        made.append(_kernel(source.emit, source.kernel * factors, source.bias * factors + shifts, source.size, flat=source.flat))
        start += source.channels
    return replace(value, sources=tuple(made))


def _with_weights(layer: Any, tensor: Any, weights: list[np.ndarray]) -> Any:
    made = layer(tensor)
    layer.set_weights(weights)
    return made


def _by_place(kernel: np.ndarray, order: np.ndarray, channels: int) -> np.ndarray:
    """Return a kernel whose input axis, the last but one, follows a tensor's channels instead of the file's."""
    placed = np.zeros((*kernel.shape[:-2], channels, kernel.shape[-1]), kernel.dtype)
    for place, channel in enumerate(order.tolist()):  # a channel may be read twice
        placed[..., channel, :] += kernel[..., place, :]
    return placed


def dense(product: FullyConnected, value: Value, gathered: Gathered, name: str, grid: KernelGrid | None = None) -> Kernel:
    """Return the source of a dense layer."""
    gathered.count(name, grid)
    tensor, order = gathered.tensor(value, row=True)

    def emit(kernel: np.ndarray, bias: np.ndarray) -> Any:
        return _with_weights(layers.Dense(len(bias), name=name), tensor, [kernel, bias])

    return _kernel(emit, _by_place(product.kernel, order, int(tensor.shape[-1])), product.bias, (1, 1), flat=True)


def convolutions(
    conv: Convolution, value: Value, gathered: Gathered, name: str, grid: KernelGrid | None = None
) -> tuple[tuple[Source, ...], np.ndarray]:
    """Return the sources of a convolution, several where it has groups, and in which channel of them each of its own lies."""
    if conv.groups == 1:
        return (_full(conv, value, gathered, name, grid),), np.arange(conv.kernel.shape[3])
    if conv.groups == len(value.channels):
        return _depthwise(conv, value, gathered, name, grid)
    reads, makes = conv.kernel.shape[2], conv.kernel.shape[3] // conv.groups
    sources = []
    for group in range(conv.groups):
        own, out = slice(group * reads, (group + 1) * reads), slice(group * makes, (group + 1) * makes)
        part = replace(conv, groups=1, kernel=conv.kernel[..., out], bias=conv.bias[out])
        counted = grid and grid.take(out)
        sources.append(_full(part, replace(value, channels=value.channels[own]), gathered, f"{name}_group_{group}", counted))
    return tuple(sources), np.arange(conv.kernel.shape[3])


def _full(conv: Convolution, value: Value, gathered: Gathered, name: str, grid: KernelGrid | None) -> Kernel:
    gathered.count(name, grid)
    tensor, order = gathered.tensor(value)
    place = strided(conv.window, value.size, name)

    def emit(kernel: np.ndarray, bias: np.ndarray) -> Any:
        layer = layers.Conv2D(len(bias), conv.window.size, **place.options(), name=name)
        return place.after(_with_weights(layer, place.before(tensor), [kernel, bias]))

    return _kernel(emit, _by_place(conv.kernel, order, int(tensor.shape[-1])), conv.bias, conv.window.places(value.size))


def _depthwise(
    conv: Convolution, value: Value, gathered: Gathered, name: str, grid: KernelGrid | None
) -> tuple[tuple[Source, ...], np.ndarray]:
    """Make a depthwise convolution for each of the outputs that a channel has: one in all networks but few."""
    tensor, order = gathered.tensor(value)
    channels, times = int(tensor.shape[-1]), conv.kernel.shape[3] // conv.groups
    if len(np.unique(order)) < len(order):
        raise Unsupported("it reads a channel twice")
    sources = []
    for turn in range(times):
        own = f"{name}_{turn}" if turn else name
        kernel, bias = np.empty((*conv.window.size, 1, channels)), np.empty(channels)
        kernel[..., order], bias[order] = conv.kernel[..., turn::times], conv.bias[turn::times]
        gathered.count(own, grid and grid.take(slice(turn, None, times)).take(np.argsort(order)))
        place = strided(conv.window, value.size, own, equal=True)
        sources.append(_kernel(_depthwise_layer(conv, tensor, own, place), kernel, bias, conv.window.places(value.size)))
    return tuple(sources), (np.arange(times) * channels + order[:, None]).reshape(-1)


def _depthwise_layer(conv: Convolution, tensor: Any, name: str, place: Strided) -> Emit:
    def emit(kernel: np.ndarray, bias: np.ndarray) -> Any:
        layer = layers.DepthwiseConv2D(conv.window.size, **place.options(), name=name)
        return place.after(_with_weights(layer, place.before(tensor), [kernel.transpose(0, 1, 3, 2), bias]))

    return emit
