"""Every backbone's smallest member with a head, as every kind of file, each made once a session and when it is first asked for."""

from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetl.contract import Contract
from edgetl.export.base import About, Conversion
from edgetl.runtimes import open_session
from tests.backbones.conftest import randomize_norms

SIZE = 32
IMAGES = 80
ABOUT = About("Bäume \U0001f333", "1.2", "Apache-2.0", "Zoë", "tells trees from the sea")


def scenes(count: int = IMAGES, size: int = SIZE) -> np.ndarray:
    """uint8 [count, size, size, 3]: a colour, a gradient and noise, different in each image."""
    random = np.random.default_rng(8)
    slope = np.linspace(-1, 1, size)
    colour, across, down = (random.normal(0, spread, (count, 1, 1, 3)) for spread in (50, 60, 60))
    values = 128 + colour + across * slope[None, None, :, None] + down * slope[None, :, None, None]
    made: np.ndarray = np.clip(values + random.normal(0, 15, (count, size, size, 3)), 0, 255).astype(np.uint8)
    return made


def from_lite(content: bytes, form: str, contract: Contract, precision: str, *, selective: bool = False) -> bytes:
    """Convert a TFLite file to another format."""
    from edgetl.export import FORMATS

    return Conversion(None, contract, precision, FORMATS.load, selective=selective, made={"tflite": content}).file(form)


class Network:
    """A folded classifier with random weights whose predictions differ from image to image, and its files."""

    def __init__(self, name: str, folder: Path) -> None:
        from edgetl.keras import set_seed

        from edgetl.backbones import BACKBONES

        set_seed(2)
        self.backbone, self.folder = BACKBONES.load(name), folder
        size = self.backbone.smallest_image
        self.pixels = scenes(size=size)
        self.contract = Contract.square(size, self.backbone.scale, self.backbone.zero_point, ("café", "tree", "sea"))

    @cached_property
    def images(self) -> np.ndarray:
        normalized: np.ndarray = self.contract.normalize(self.pixels.astype(np.float32))
        return normalized

    @cached_property
    def model(self) -> Any:
        from edgetl.training.fold import fold_batch_norms
        from edgetl.training.head import attach_head, trunk_of

        backbone = self.backbone.build(min(self.backbone.alphas), self.contract.height)
        randomize_norms(backbone, self.images)
        model = attach_head(fold_batch_norms(backbone), 3)
        features = trunk_of(model)(self.images, training=False).numpy()
        # What the images differ in most, as a trained head would read it; a random reading would be mostly of roundings.
        kernel = np.linalg.svd(features - features.mean(axis=0), full_matrices=False)[2][:3].T
        kernel = kernel @ np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
        kernel *= 2 / (features @ kernel).std(axis=0)  # logits of a trained model's size
        model.get_layer("logits").set_weights([kernel, -(features @ kernel).mean(axis=0)])
        return model

    @cached_property
    def grids(self) -> Any:
        """The calibrated model."""
        from edgetl.quantization.quantized import bake
        from tests.quantization.ranges import activation_ranges

        ranges = activation_ranges(self.model, self.contract, self.pixels, np.arange(IMAGES))
        weights = {layer.name: layer.get_weights() for layer in self.model.layers if layer.weights}
        return bake(self.model, weights, ranges, self.contract)

    @cached_property
    def quantized(self) -> Any:
        """The fake-quantized Keras model."""
        return self.grids.to_keras(self.model, self.contract)

    @cached_property
    def rounded(self) -> Any:
        """The Keras model with int8 weights."""
        return self.grids.to_keras(self.model, self.contract, activations=False)

    @cache  # noqa: B019  as many as there are backbones, and for the session anyway
    def conversion(self, precision: str) -> Conversion:
        """Return the conversion that all files of a precision share."""
        from edgetl.export import FORMATS
        from edgetl.quantization import scheme_of

        scheme = scheme_of(precision)
        model = self.quantized if scheme.quantize else self.rounded if scheme.weights_from else self.model
        samples = lambda: ([pixels[None].astype(np.float32)] for pixels in self.pixels)  # noqa: E731
        return Conversion(model, self.contract, precision, FORMATS.load, samples=samples)

    def lite(self, precision: str) -> bytes:
        """Return the TFLite bytes that most formats start from."""
        return self.conversion(precision).file("tflite")

    @cache  # noqa: B019
    def file(self, form: str, precision: str) -> Path:
        from edgetl.export import FORMATS

        made = FORMATS.load(form)
        path = self.folder / made.file_name(precision)
        path.write_bytes(made.stamp(self.conversion(precision).file(form), self.contract, ABOUT))
        return path

    @cache  # noqa: B019
    def predictions(self, form: str, precision: str) -> np.ndarray:
        """float32 [80, 3]."""
        probabilities: np.ndarray = open_session(self.file(form, precision), self.contract)(self.pixels)
        return probabilities

    @cached_property
    def expected(self) -> np.ndarray:
        """float64 [80, 3]: the float Keras model's probabilities."""
        return self._probabilities(self.model)

    def promised(self, precision: str) -> np.ndarray:
        """float64 [80, 3]: of the Keras model with what a file of this precision rounds."""
        return self._probabilities({"int8": self.quantized, "int16x8": self.rounded}.get(precision, self.model))

    def _probabilities(self, model: Any) -> np.ndarray:
        logits = model(self.images, training=False).numpy().astype(np.float64)
        powers = np.exp(logits - logits.max(1, keepdims=True))
        probabilities: np.ndarray = powers / powers.sum(1, keepdims=True)
        return probabilities


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Network]:
    return cache(lambda name: Network(name, tmp_path_factory.mktemp(name)))
