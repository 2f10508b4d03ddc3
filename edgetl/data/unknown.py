"""Images that show none of the classes: the user's own, kept apart from the others, and made ones; a classifier learns to reject them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgetl.data.base import Images, Listing, Pixels

Unknown = Sequence[tuple[Pixels, Sequence[str]]]  # pixels uint8 [M, H, W, C] of images of none of the classes, and their names
Rows = int | slice | NDArray[np.integer] | Sequence[int]
CLASS_NAME = "_background"  # of a class folder, or in a CSV file: no class of the model

_GRIDS = (2, 4, 8, 16, 32, 64, 128)  # random pixels along an edge of a texture, from broad areas of colour to noise
_FILTERS = (Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)
_TEXTURES = 0.7  # of the made images; the others are corners
_CORNER = 0.4  # of an image's height and width: far less than a random crop keeps, and rarely what makes the class


def apart(listing: Listing) -> tuple[Listing, Listing | None]:
    """Return the images of the classes, and those that the source calls `_background`; None: it has none."""
    if CLASS_NAME not in listing.class_names:
        return listing, None
    of_none = tuple(item for item in listing.items if item.class_name == CLASS_NAME)
    known = replace(
        listing,
        class_names=tuple(name for name in listing.class_names if name != CLASS_NAME),
        items=tuple(item for item in listing.items if item.class_name != CLASS_NAME),
    )
    return known, Listing(listing.source, (CLASS_NAME,), of_none, (), labelled=False)


def together(given: Listing, own: Listing | None) -> Listing:
    """Return the images of a folder of unknown ones, and those that the source of the others has."""
    more = own.items if own else ()
    items = tuple(replace(item, class_name=CLASS_NAME) for item in (*given.items, *more))
    return Listing(given.source, (CLASS_NAME,), items, given.rejected, labelled=False)


def joined(images: Images, unknown: Unknown) -> Images:
    """Return the images with unknown ones behind them, which are learned from as of a class behind the last one (label id K).

    Args:
        unknown: of the images' size; none: the images are as they were.
    """
    if not unknown:
        return images
    pixels, names = images.pixels, list(images.names)
    for more, called in unknown:
        pixels = _Joined(pixels, more)
        names += called
    count = len(names) - len(images.names)
    return replace(
        images,
        pixels=pixels,
        label_ids=np.concatenate([images.label_ids, np.full(count, len(images.class_names), np.int32)]),
        splits=np.concatenate([images.splits, np.full(count, "train", "<U5")]),
        names=tuple(names),
        hashes=(*images.hashes, *names[len(images.names) :]),
    )


def made(images: Images, count: int, seed: int) -> tuple[NDArray[np.uint8], list[str]]:
    """Make images that show none of the classes: textures of random colours, and enlarged corners of training images.

    The same seed gives the same images in every size.

    Returns:
        uint8 [count, H, W, C] of the images' size, and their names.
    """
    height, width, channels = images.pixels.shape[1:]
    textures, rows = round(_TEXTURES * count), images.rows("train")
    pixels = np.empty((count, height, width, channels), np.uint8)
    for place in range(count):
        random = np.random.default_rng([seed, place])
        pixels[place] = _texture(random, pixels.shape[1:]) if place < textures else _corner(random, images.pixels[random.choice(rows)])
    return pixels, [f"texture:{place}" if place < textures else f"corner:{place - textures}" for place in range(count)]


def _texture(random: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return patches of random colours, sharp or smooth, uint8 [H, W, C]."""
    edge = random.choice(_GRIDS)
    cells = random.integers(0, 256, size=(edge, edge, shape[-1]), dtype=np.uint8)
    return _resized(cells, shape, _FILTERS[random.integers(len(_FILTERS))])


def _corner(random: np.random.Generator, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return one of an image's corners, enlarged to its size, uint8 [H, W, C]."""
    height, width = (max(1, round(_CORNER * edge)) for edge in image.shape[:2])
    top, left = random.integers(2) * (image.shape[0] - height), random.integers(2) * (image.shape[1] - width)
    return _resized(image[top : top + height, left : left + width], image.shape, Image.Resampling.BILINEAR)


def _resized(cells: NDArray[np.uint8], shape: tuple[int, ...], how: Image.Resampling) -> NDArray[np.uint8]:
    one = Image.fromarray(cells[..., 0] if shape[-1] == 1 else cells).resize((shape[1], shape[0]), how)
    return np.asarray(one, np.uint8).reshape(shape)


class _Joined:
    """Pixels of two sources, one behind the other."""

    dtype = np.dtype(np.uint8)

    def __init__(self, first: Pixels, second: Pixels) -> None:
        self._first, self._second = first, second
        self.shape = (len(first) + len(second), *first.shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Rows, /) -> NDArray[np.uint8]:
        """Copies: of one row, of a slice or of an array of row numbers."""
        wanted = np.arange(len(self))[rows]
        flat, split = wanted.reshape(-1), len(self._first)
        found = np.empty((len(flat), *self.shape[1:]), np.uint8)
        behind = flat >= split
        for source, here, start in ((self._first, ~behind, 0), (self._second, behind, split)):
            if here.any():
                found[here] = source[flat[here] - start]
        return found.reshape(*wanted.shape, *self.shape[1:])
