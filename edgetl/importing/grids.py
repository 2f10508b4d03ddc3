"""The integer grids that a quantized file computes on.

Integers are counted as int8 throughout: a file of uint8 has each of them, and each zero point, 128 higher.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

LOWEST, HIGHEST = -128, 127


@dataclass(frozen=True)
class Grid:
    """The 256 values `scale * (q - zero_point)` of q from -128 to 127; as an operator of a neutral graph it rounds to them."""

    scale: float
    zero_point: int

    def __post_init__(self) -> None:
        if not 0 < self.scale < np.inf or not LOWEST <= self.zero_point <= HIGHEST:
            raise ValueError(f"its scale {self.scale:g} or zero point {self.zero_point} makes no sense")

    def shape(self, *inputs: tuple[int, ...]) -> tuple[int, ...]:
        return inputs[0]

    @property
    def low(self) -> float:
        return (LOWEST - self.zero_point) * self.scale

    @property
    def high(self) -> float:
        return (HIGHEST - self.zero_point) * self.scale


@dataclass(frozen=True, eq=False)
class KernelGrid:
    """How a kernel's numbers are counted, and its bias.

    Args:
        scale: float32, one for each output channel, or one for all.
        zero_point: of all.
        bias: int32 for each output channel, in steps of input scale x kernel scale.
    """

    scale: NDArray[np.float32]
    zero_point: int
    bias: NDArray[np.int32]

    def take(self, channels: "NDArray[np.int64] | slice") -> "KernelGrid":
        """Return it for some of the output channels."""
        return replace(self, scale=self.scale[channels] if len(self.scale) > 1 else self.scale, bias=self.bias[channels])


@dataclass(frozen=True, eq=False)
class KernelNumbers:
    """A kernel of integers, in Keras' axes, with its grid."""

    integers: NDArray[np.int8]
    grid: KernelGrid


@dataclass(frozen=True, eq=False)
class Numbers:
    """All integers of a quantized file, by the names of the layers that stand for its operators.

    Args:
        image: the grid of what the first layer reads.
        outputs: layer to the grid of its output, of those that do not hand on the grid that they read.
        kernels: of the layers that have one.
    """

    image: Grid
    outputs: Mapping[str, Grid]
    kernels: Mapping[str, KernelNumbers]
