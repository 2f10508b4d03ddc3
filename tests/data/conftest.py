"""Images and folders of images, made in memory."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgetl.contract import Contract
from edgetl.data.base import Images, Listing
from edgetl.data.images import LoadOptions, load
from edgetl.data.splits import SplitOptions

Encode = Callable[..., bytes]


def encode(pixels: Any, file_format: str = "PNG", mode: str | None = None, **options: Any) -> bytes:
    """An array or a Pillow image as a file's bytes."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(np.asarray(pixels))
    image = image.convert(mode) if mode else image
    file = BytesIO()
    if file_format == "HEIC":
        heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed: pip install '.[heic]'")
        heif.from_pillow(image).save(file, format="HEIF", **options)
    else:
        image.save(file, file_format, **options)
    return file.getvalue()


def scene(height: int, width: int, seed: int = 0) -> np.ndarray:
    """uint8 [H, W, 3]: smooth colour as in photographs, and different for each seed."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def fill(folder: Path, tree: dict[str, int], start: int = 0) -> Path:
    """`tree`: class folder (may hold slashes) to how many PNG images, all of different content."""
    seed = start
    for name, count in tree.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            (folder / name / f"{start + index:03}.png").write_bytes(encode(scene(10, 12, seed)))
            seed += 1
    return folder


def contract(image_size: int = 8, labels: tuple[str, ...] = ("a", "b")) -> Contract:
    return Contract.square(image_size, 1 / 127.5, 127, labels)


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Images]:
    """`load` with the defaults of a small run; any of its arguments may be given otherwise."""

    def _read(listing: Listing, image_size: int = 8, **changes: Any) -> Images:
        arguments = {"val_fraction": 0.2, "test_fraction": 0.0, "seed": 0, "max_bad_fraction": 0.05, "memory_mib": 64}
        arguments |= {"cache": tmp_path / "cache"} | changes
        split = SplitOptions(**{name: arguments.pop(name) for name in ("val_fraction", "test_fraction", "seed")})
        return load(listing, contract(image_size, listing.class_names), LoadOptions(split=split, **arguments))

    return _read
