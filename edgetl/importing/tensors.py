"""Follow where each channel of each value lies in the tensors of our own layers, which are all [N, H, W, C] or [N, C].

A file's transpositions, shuffles, splits and joins of channels only change this account: no layer is made for them until something reads
the channels, and then slices and one join are. What reads them takes its kernel in their order.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

from edgetl.keras import layers

import numpy as np

from edgetl.backbones.channel_slice import ChannelSlice
from edgetl.importing.base import Unsupported
from edgetl.importing.grids import KernelGrid
from edgetl.importing.operators import Layout, Pair, Shape

_MOST_SLICES = 16  # of one value; more cost more than a convolution that puts the channels in order


class Namer:
    """Gives layers names that Keras takes, from the file's, each once."""

    def __init__(self) -> None:
        self._given = {"image"}  # of the input in every network of edgetl

    def __call__(self, name: str, suffix: str = "") -> str:
        plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter == "_") else "_" for letter in name).strip("_")
        stem = made = f"{plain[-80:].strip('_') or 'layer'}{suffix}"
        number = 1
        while made in self._given:
            number += 1
            made = f"{stem}_{number}"
        self._given.add(made)
        return made


@dataclass(eq=False)
class Source:
    """A tensor, made when something reads it.

    Args:
        channels: how many it has.
        size: its height and width; (1, 1) also of [N, C].
        make: makes it: [N, H, W, C], or [N, C] where `flat`.
        make_flat: makes [N, C] of what is one place high and wide, where there is a better way than an average of it.
        nonnegative: none of its values is below 0.
    """

    channels: int
    size: Pair
    make: Callable[[], Any]
    flat: bool = False
    make_flat: Callable[[], Any] | None = None
    nonnegative: bool = False

    @cached_property
    def tensor(self) -> Any:
        return self.make()

    @cached_property
    def as_image(self) -> Any:
        """The tensor as [N, H, W, C]."""
        return layers.Reshape((1, 1, self.channels))(self.tensor) if self.flat else self.tensor

    @cached_property
    def as_row(self) -> Any:
        """The tensor as [N, C]; it has one place."""
        if self.flat:
            return self.tensor
        # Not flattened: the converter leaves that to the dense layer behind, whose bias tf2onnx then drops.
        return self.make_flat() if self.make_flat else layers.GlobalAveragePooling2D()(self.tensor)


@dataclass(frozen=True, eq=False)
class Value:
    """Holds what a file computes at one place, found in our tensors.

    Args:
        axes: a letter for each axis of the file: n, c, h, w, or 1 for one of a single entry that is not one of these.
        extents: the axes' lengths.
        sources: where the channels lie.
        channels: the number of each channel, counted through all sources; one axis for each c in `axes`.
        size: height and width.
        owned: a kernel makes it, for this value alone.
    """

    axes: str
    extents: Shape
    sources: tuple[Source, ...]
    channels: np.ndarray
    size: Pair
    owned: bool = False

    @property
    def nonnegative(self) -> bool:
        return all(source.nonnegative for source in self.sources)

    def image(self, layout: Layout) -> np.ndarray:
        """Return the channels of an image, one axis. Raises Unsupported where the axes are not the layout's."""
        same = len(self.axes) == 4 and all(own in (wanted, "1") for own, wanted in zip(self.axes, layout.letters, strict=True))
        if not same or layout.split(self.extents)[0] != self.size:
            raise Unsupported(f"its axes {self.axes} would have to be transposed to {layout.letters}")
        return self.channels.reshape(-1)

    def along(self, array: np.ndarray) -> np.ndarray:
        """Return constants, broadcast to the file's axes, as one number for each of the channels, in the order of `channels`."""
        lined = array.reshape((1,) * (len(self.axes) - array.ndim) + array.shape) if array.ndim < len(self.axes) else array
        for axis, letter in enumerate(self.axes):
            if letter != "c" and lined.shape[axis] > 1:
                first = lined.take([0], axis)
                if not np.array_equal(np.broadcast_to(first, lined.shape), lined):
                    raise Unsupported("its constant differs from place to place")
                lined = first
        shape = tuple(extent if letter == "c" else 1 for letter, extent in zip(self.axes, self.extents, strict=True))
        return np.broadcast_to(lined, shape).reshape(-1)


@dataclass
class Gathered:
    """Makes tensors of values, each once."""

    name: Namer
    kernels: dict[str, KernelGrid] = field(default_factory=dict)  # of a quantized file, by the names of the layers
    _made: dict[tuple[tuple[int, int, int, bool], ...], Any] = field(default_factory=dict)
    _kept: list[Source] = field(default_factory=list)  # their identities are keys

    def count(self, name: str, grid: KernelGrid | None) -> None:
        """Note how the numbers of a layer's kernel are counted, where the file says it."""
        if grid is not None:
            self.kernels[name] = grid

    def tensor(self, value: Value, *, row: bool = False, exact: bool = False) -> tuple[Any, np.ndarray]:
        """Return a tensor that holds a value's channels, and where in it each of them lies.

        Args:
            row: as [N, C].
            exact: in the file's own order.
        """
        codes = value.channels.reshape(-1)
        order = np.arange(len(codes))
        wanted = codes if exact else np.unique(codes)
        runs = _runs(wanted, value.sources)
        if sum(count < value.sources[which].channels for which, _, count in runs) > _MOST_SLICES or (exact and len(runs) > _MOST_SLICES):
            return self._ordered(value, row=row)
        parts = [self._part(value.sources[which], start, count, row=row) for which, start, count in runs]
        if len(parts) > 1:
            key = tuple((id(value.sources[which]), start, count, row) for which, start, count in runs)
            if key not in self._made:
                self._kept += [value.sources[which] for which, *_ in runs]
                self._made[key] = layers.Concatenate(name=self.name("join"))(parts)
            parts = [self._made[key]]
        return parts[0], order if exact else np.searchsorted(wanted, codes)

    def _part(self, source: Source, start: int, count: int, *, row: bool) -> Any:
        tensor = source.as_row if row else source.as_image
        if count == source.channels:
            return tensor
        key = ((id(source), start, count, row),)
        if key not in self._made:
            self._kept.append(source)
            self._made[key] = ChannelSlice(start, count, name=self.name("channels"))(tensor)
        return self._made[key]

    def _ordered(self, value: Value, *, row: bool) -> tuple[Any, np.ndarray]:
        """Put channels into the file's order by a product with ones and zeros, from all that their sources hold."""
        used = sorted({which for which, *_ in _runs(value.channels.reshape(-1), value.sources)})
        every = np.concatenate([np.arange(*_span(value.sources, which)) for which in used])
        tensor, _ = self.tensor(Value(value.axes, value.extents, value.sources, every, value.size), row=row)
        codes = value.channels.reshape(-1)
        kernel = np.zeros((len(every), len(codes)), np.float32)
        kernel[np.searchsorted(every, codes), np.arange(len(codes))] = 1
        name = self.name("channels_in_order")
        layer = layers.Dense(len(codes), use_bias=False, name=name) if row else layers.Conv2D(len(codes), 1, use_bias=False, name=name)
        made = layer(tensor)
        layer.set_weights([kernel if row else kernel[None, None]])
        return made, np.arange(len(codes))


def combined(values: list[Value]) -> tuple[tuple[Source, ...], np.ndarray]:
    """Return the sources of all values, each once, and where in them the values' channels lie, one value's behind the other's."""
    sources = tuple(dict.fromkeys(source for value in values for source in value.sources))
    place = {source: _span(sources, which)[0] for which, source in enumerate(sources)}
    channels = []
    for value in values:
        moved = np.concatenate([np.arange(source.channels) + place[source] for source in value.sources])
        channels.append(moved[value.channels.reshape(-1)])
    return sources, np.concatenate(channels)


def _span(sources: tuple[Source, ...], which: int) -> Pair:
    """Return the first number of a source's channels and the one behind the last."""
    start = sum(source.channels for source in sources[:which])
    return start, start + sources[which].channels


def _runs(codes: np.ndarray, sources: tuple[Source, ...]) -> list[tuple[int, int, int]]:
    """Return (source, first channel in it, how many) of each stretch of neighbouring channels."""
    starts = np.cumsum([0, *(source.channels for source in sources)])
    which = np.searchsorted(starts, codes, side="right") - 1
    breaks = np.flatnonzero((np.diff(codes) != 1) | (np.diff(which) != 0)) + 1
    edges = [0, *breaks.tolist(), len(codes)]
    return [(int(which[start]), int(codes[start] - starts[which[start]]), end - start) for start, end in pairwise(edges)]
