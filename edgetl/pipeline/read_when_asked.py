"""The images of a run as it recorded them, each read when it is asked for: for a verb that needs few of them."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgetl.contract import Contract
from edgetl.data.base import Images, Item, Listing
from edgetl.data.decode import BadImage, decode
from edgetl.data.index import DataIndex
from edgetl.data.rows import RowsWhenAsked
from edgetl.errors import DataError, listed
from edgetl.wording import counted


def pixels_as_recorded(item: Item, sha256: str, contract: Contract) -> NDArray[np.uint8] | None:
    """Return uint8 [H, W, C] of an item; None: it is another image than the one of this hash. Raises OSError or BadImage."""
    content = item.read()
    return decode(content, contract) if hashlib.sha256(content).hexdigest() == sha256 else None


class PixelsWhenAsked(RowsWhenAsked):
    """uint8 [N, H, W, C] of items, of which the rows that are asked for are decoded. Raises DataError where one has changed."""

    def __init__(self, items: Sequence[Item], hashes: Sequence[str], contract: Contract) -> None:
        self._items, self._hashes, self._contract = items, hashes, contract
        self.shape, self.dtype = (len(items), *contract.shape), np.dtype(np.uint8)

    def read(self, row: int, into: NDArray[np.uint8]) -> None:
        item, why = self._items[row], "is not the image any more that the run was trained on"
        try:
            pixels = pixels_as_recorded(item, self._hashes[row], self._contract)
        except (OSError, BadImage) as error:
            pixels, why = None, f"cannot be read any more: {error}"
        if pixels is None:
            raise DataError(f"{item.name} {why}", "restore it, or train again")
        into[...] = pixels


def as_recorded(index: DataIndex, listing: Listing, contract: Contract) -> Images:
    """Return a run's images. Raises DataError when some are not listed any more."""
    there = {item.name: item for item in listing.items}
    missing = [image.name for image in index.images if image.name not in there]
    if missing:
        count = f"{len(missing)} of the {counted(len(index.images), 'image')}"
        raise DataError(f"{listing.source} lacks {count} of the run:{listed(missing)}", "restore them, or train again")
    items = [there[image.name] for image in index.images]
    hashes = tuple(image.sha256 for image in index.images)
    return Images(
        pixels=PixelsWhenAsked(items, hashes, contract),
        label_ids=listing.label_ids(items),
        splits=np.array([image.split for image in index.images], np.str_),
        names=tuple(image.name for image in index.images),
        hashes=hashes,
        class_names=listing.class_names,
        rejected=index.rejected,
        fingerprint=index.fingerprint,
        source=listing.source,
        stamp=listing.stamp,
    )
