"""Images that show none of the classes, to learn to reject by: the user's own, kept apart from the others, and made ones."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgetl.data.base import Images, Listing

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


def made(images: Images, count: int, seed: int) -> NDArray[np.uint8]:
    """Make images that show none of the classes: textures of random colours, and enlarged corners of training images.

    The same seed gives the same images in every size.

    Returns:
        uint8 [count, H, W, C] of the images' size.
    """
    height, width, channels = images.pixels.shape[1:]
    textures, rows = round(_TEXTURES * count), images.rows("train")
    pixels = np.empty((count, height, width, channels), np.uint8)
    for place in range(count):
        random = np.random.default_rng([seed, place])
        pixels[place] = _texture(random, pixels.shape[1:]) if place < textures else _corner(random, images.pixels[random.choice(rows)])
    return pixels


def _texture(random: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return patches of random colours, sharp or smooth, uint8 [H, W, C]."""
    edge = random.choice(_GRIDS)
    cells = random.integers(0, 256, size=(edge, edge, shape[-1]), dtype=np.uint8)
    return resized(cells, shape, _FILTERS[random.integers(len(_FILTERS))])


def _corner(random: np.random.Generator, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return one of an image's corners, enlarged to its size, uint8 [H, W, C]."""
    height, width = (max(1, round(_CORNER * edge)) for edge in image.shape[:2])
    top, left = random.integers(2) * (image.shape[0] - height), random.integers(2) * (image.shape[1] - width)
    return resized(image[top : top + height, left : left + width], image.shape, Image.Resampling.BILINEAR)


def resized(cells: NDArray[np.uint8], shape: tuple[int, ...], how: Image.Resampling) -> NDArray[np.uint8]:
    """Return uint8 [h, w, C] in the size of (H, W, C)."""
    one = Image.fromarray(cells[..., 0] if shape[-1] == 1 else cells).resize((shape[1], shape[0]), how)
    return np.asarray(one, np.uint8).reshape(shape)
