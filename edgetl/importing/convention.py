"""Say how pixels become the input of a network: the usual conventions by name, and what they are together with the file's own layers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgetl.errors import UsageError
from edgetl.importing.base import Preprocessing
from edgetl.registry import did_you_mean

# Mean and standard deviation of pixels 0 to 255, in the order red, green, blue.
_IMAGENET = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)  # torchvision's, timm's, and "torch" of keras.applications
_CAFFE = (123.68, 116.779, 103.939), (1.0, 1.0, 1.0)  # of keras.applications, which feeds them as blue, green, red
NAMED: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {  # the simplest first
    "raw": ((0.0,), (1.0,)),
    "zero-one": ((0.0,), (255.0,)),
    "minus-one-one": ((127.5,), (127.5,)),
    "imagenet": _IMAGENET,
    "caffe": _CAFFE,
}
_OF_PIXELS = 1 / 50  # a factor no larger than this makes numbers of pixels that a network can be fed with
_ORDERS = ("rgb", "bgr")
_OWN_ORDER = {"caffe": "bgr"}


@dataclass(frozen=True)
class Convention:
    """How a pixel becomes a number of a channel: `(pixel - mean) / std`.

    Args:
        name: as `--preprocessing` takes it.
        mean, std: of each of the file's channels, in steps of a pixel.
        order: which colour each of the file's channels is, by its place in red, green, blue.
    """

    name: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    order: tuple[int, ...]


@dataclass(frozen=True)
class InputAffine:
    """Computes what a first layer reads: `factor * (pixel - centre)` of the colour in `order`, for each of the file's channels."""

    factor: NDArray[np.float64]
    centre: NDArray[np.float64]
    order: tuple[int, ...]

    @classmethod
    def of(cls, convention: Convention, inside: Preprocessing) -> "InputAffine":
        """Compose a convention with what the file itself does first."""
        scale, offset = np.asarray(inside.scale, np.float64), np.asarray(inside.offset, np.float64)
        mean, std = np.asarray(convention.mean, np.float64), np.asarray(convention.std, np.float64)
        return cls(scale / std, mean - offset * std / scale, convention.order)

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """float32 [N, H, W, C] of pixels uint8 [N, H, W, C]."""
        made: NDArray[np.float32] = ((pixels[..., list(self.order)] - self.centre) * self.factor).astype(np.float32)
        return made

    @property
    def zero_point(self) -> int:
        """The pixel that stands for zero, as near as one pixel for all colours can be."""
        return int(np.clip(np.rint(self.centre.mean()), 0, 255))

    @property
    def scale(self) -> float:
        """The size of a pixel's step: the power of two next to the file's own, with which kernels lose nothing."""
        return float(2.0 ** np.rint(np.log2(np.abs(self.factor).mean())))

    @property
    def has_one_centre(self) -> bool:
        """Whether zero is the same pixel in all colours, and the contract's grid has it."""
        return bool(np.abs(self.centre - self.zero_point).max() < 1e-6)


def convention(text: str, channels: int) -> Convention:
    """Return a convention by its name, or of MEAN/STD in pixels; either may end in :rgb or :bgr. Raises UsageError."""
    name, _, order = text.partition(":")
    if name in NAMED:
        mean, std = NAMED[name]
    elif "/" in name:
        mean, std = (_numbers(part, text) for part in name.split("/", 1))
        _check(mean, std, text)
    else:
        raise UsageError(f"there is no preprocessing '{text}'", f"write MEAN/STD, or: {did_you_mean(name, [*NAMED, 'auto'])}")
    order = order or _OWN_ORDER.get(name, "rgb")
    if order not in _ORDERS or {len(mean), len(std)} - {1, channels}:
        raise UsageError(
            f"'{text}' is not a preprocessing of {channels} channel(s)",
            "give one number, or one for each channel; :rgb or :bgr may follow",
        )
    places = tuple(range(channels))[:: -1 if order == "bgr" else 1]
    mean, std = ((part * channels)[:channels] for part in (mean, std))
    if name in NAMED:  # which have their numbers by colour, as a file that somebody describes has them by channel
        mean, std = tuple(mean[one] for one in places), tuple(std[one] for one in places)
    return Convention(f"{name}:{order}" if order != _OWN_ORDER.get(name, "rgb") else name, mean, std, places)


def usual(channels: int) -> list[Convention]:
    """Return the conventions to try, the simplest first."""
    names = [name for name, (mean, _) in NAMED.items() if len(mean) in (1, channels)]
    orders = _ORDERS if channels == 3 else _ORDERS[:1]
    return [convention(f"{name}:{order}", channels) for order in orders for name in names]


def own(inside: Preprocessing, channels: int) -> Convention | None:
    """Return the convention of a file that makes its input of pixels itself; None: its first layers do not show what they read.

    They do where they take something from each channel: a mean of pixels is above 1, one of pixels divided by 255 is below.
    """
    scale, offset = np.asarray(inside.scale), np.asarray(inside.offset)
    centre = float(np.abs(offset / scale).max())
    if centre > 1 or (centre == 0 and np.abs(scale).max() <= _OF_PIXELS):
        return convention("raw", channels)
    return convention("zero-one", channels) if centre > 0 else None


def _numbers(part: str, text: str) -> tuple[float, ...]:
    try:
        found = tuple(float(one) for one in part.split(","))
    except ValueError:
        raise UsageError(f"'{text}' is not a preprocessing", "write MEAN/STD as 124,116,104/58,57,57, of pixels 0 to 255") from None
    return found


def _check(mean: tuple[float, ...], std: tuple[float, ...], text: str) -> None:
    if not all(np.isfinite([*mean, *std])) or min(std) <= 0:
        raise UsageError(f"'{text}' is not a preprocessing", "the standard deviations must be larger than 0")
    if max(std) < 1 and max(mean) <= 1:  # as torchvision writes them, of pixels divided by 255
        scaled = "/".join(",".join(f"{255 * one:g}" for one in part) for part in (mean, std))
        raise UsageError(f"'{text}' is of pixels 0 to 1", f"write it for pixels 0 to 255: {scaled}")
