"""A folder of images of which nobody says what is on them; and noise, where there are no images at all."""

import logging
from functools import partial
from pathlib import Path

import numpy as np

from edgetl.data.base import Item, Listing, Reading, Rejected, listed
from edgetl.data.decode import png
from edgetl.data.formats import ARE_READ, is_image_name
from edgetl.data.labels import as_text
from edgetl.data.tree import Tree, holds_images
from edgetl.errors import DataError
from edgetl.wording import counted

logger = logging.getLogger(__name__)

_NO_CLASS = ""  # until a network has predicted one
_NOISY = 64  # images: enough that some are classes apart
_GRIDS = (4, 6, 8, 12, 16, 24)  # random pixels along an edge, which an input of any size enlarges to patches of colour


def lies_flat(source: str) -> bool:
    """Return whether a path is a folder that holds images and no folders, by which images could have classes."""
    path = Path(source)
    return path.is_dir() and holds_images(path) and not Tree(path, follow_links=True).folders(path)


def find(source: str, reading: Reading) -> Listing:
    """List all images below a folder, sorted by name, as of one nameless class. Raises DataError where there is none."""
    if not Path(source).is_dir():
        raise DataError(f"{as_text(source)} is not a folder", "give a folder of images: without labels they are read from nothing else")
    tree = Tree(Path(source), follow_links=reading.follow_links)
    found: list[Item | Rejected] = []
    others = 0
    for path in tree.files(tree.root):
        if isinstance(path, Rejected):
            found.append(path)
        elif is_image_name(path.name):
            found.append(listed(path, tree.name(path), _NO_CLASS, None))
        else:
            others += 1
    tree.report()
    if others:
        logger.info(f"passed over {counted(others, 'file')} whose name is not an image's")
    found.sort(key=lambda one: one.name)
    items = tuple(one for one in found if isinstance(one, Item))
    if not items:
        raise DataError(f"{as_text(source)} holds no image", ARE_READ)
    rejected = tuple(one for one in found if isinstance(one, Rejected))
    return Listing(as_text(source), (_NO_CLASS,), items, rejected, links=tree.links, labelled=False)


def noise() -> Listing:
    """List images of random patches of colour, `noise:0` and so on, from pale to strong and from coarse to fine: all to measure on."""
    items = []
    for row in range(_NOISY):
        random = np.random.default_rng(row)
        edge = _GRIDS[row % len(_GRIDS)]
        middle, strength = random.uniform(32, 224, size=3), random.uniform(32, 255)
        pixels = np.clip(middle + strength * (random.uniform(size=(edge, edge, 3)) - 0.5), 0, 255).astype(np.uint8)
        items.append(Item(f"noise:{row}", _NO_CLASS, "val", partial(png, pixels), "noise 1"))
    return Listing("noise", (_NO_CLASS,), tuple(items), (), labelled=False)
