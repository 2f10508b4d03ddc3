"""Backbones: a way to build it, the pixel grid it was trained on, and where its ImageNet weights come from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from edgetl.keras import download, keras

from edgetl.backbones.weights import hdf5
from edgetl.errors import UsageError


@dataclass(frozen=True)
class ImagenetFile:
    """A weights file by the name that its publisher gave it, how to get it onto this machine, and whether it is here without a download."""

    name: str
    obtain: Callable[[], Path]
    installed: Callable[[], bool] = lambda: False


def load_h5(model: keras.Model, path: Path) -> None:
    """Keras' own HDF5 weights, by the order of the layers."""
    hdf5.check(path)
    model.load_weights(str(path))


@dataclass(frozen=True)
class Backbone:
    """A family of feature extractors.

    Args:
        build: (alpha, image_size) to a Keras model with random weights, from normalized float32 [N, H, W, 3] to features [N, h, w, C].
        alphas: the width multipliers that exist.
        scale, zero_point: the pixel grid, see Contract.
        imagenet_files: (alpha, image_size) to weights files that fit, best first; the networks are fully convolutional, so that a
            file for another image size fits too. None where nobody publishes any.
        source: the paper, and where the weights are from.
        load_weights: reads a publisher's weights file into a built model.
        smallest_image: height and width in pixels below which nothing would be left of the feature map.
        teaches: it may be the teacher of a smaller network; of these the registry names the larger ones later.
    """

    build: Callable[[float, int], Any]
    alphas: tuple[float, ...]
    scale: float
    zero_point: int
    imagenet_files: Callable[[float, int], Sequence[ImagenetFile]]
    source: str
    load_weights: Callable[[Any, Path], None] = load_h5
    smallest_image: int = 32
    teaches: bool = False

    def check_alpha(self, alpha: float) -> float:
        if alpha not in self.alphas:
            raise UsageError(f"this backbone has no alpha {alpha}", f"choices: {', '.join(map(str, self.alphas))}")
        return alpha

    def check_image_size(self, image_size: int) -> int:
        if image_size < self.smallest_image:
            raise UsageError(f"this backbone cannot take images of {image_size} px", f"--image-size {self.smallest_image} is its smallest")
        return image_size


def keras_file(name: str, address: str, md5: str | None = None) -> ImagenetFile:
    """Return a file of keras.applications: Keras' own download, in Keras' own cache, checked where Keras itself knows its hash."""

    return ImagenetFile(name, partial(download, name, address, "models", md5))


def rounded(channels: float) -> int:
    """Round a scaled number of channels to a multiple of 8, at most a tenth below what was asked, as the MobileNets' authors do."""
    near = max(8, int(channels + 4) // 8 * 8)
    return near if near >= 0.9 * channels else near + 8


def nearest_sizes(image_size: int, sizes: Sequence[int]) -> list[int]:
    """Return the published sizes, the asked one or the next larger first."""
    return sorted(sizes, key=lambda size: (size < image_size, abs(size - image_size)))
