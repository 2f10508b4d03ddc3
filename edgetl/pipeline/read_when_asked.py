"""The images of a run as it recorded them, each read when it is asked for: for a verb that needs few of them."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetl.contract import Contract
from edgetl.data.base import Images, Item, Listing
from edgetl.data.decode import BadImage, decode
from edgetl.data.index import DataIndex
from edgetl.errors import DataError, listed
from edgetl.wording import counted


class PixelsWhenAsked:
    """uint8 [N, H, W, C] of items, of which the rows that are asked for are decoded. Raises DataError where one has changed."""

    def __init__(self, items: Sequence[Item], hashes: Sequence[str], contract: Contract) -> None:
        self._items, self._hashes, self._contract = items, hashes, contract
        self.shape, self.dtype = (len(items), *contract.shape), np.dtype(np.uint8)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, rows: Any) -> NDArray[np.uint8]:
        """Pixels of one row, of a slice or of an array of row numbers."""
        wanted = np.arange(len(self))[rows]
        found = np.empty((wanted.size, *self._contract.shape), np.uint8)
        for row, into in zip(wanted.reshape(-1).tolist(), found, strict=True):
            into[...] = self._decoded(row)
        return found.reshape(*wanted.shape, *self._contract.shape)

    def _decoded(self, row: int) -> NDArray[np.uint8]:
        item = self._items[row]
        try:
            content = item.read()
            if hashlib.sha256(content).hexdigest() == self._hashes[row]:
                return decode(content, self._contract)
            why = "is not the image any more that the run was trained on"
        except (OSError, BadImage) as error:
            why = f"cannot be read any more: {error}"
        raise DataError(f"{item.name} {why}", "restore it, or train again")


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
