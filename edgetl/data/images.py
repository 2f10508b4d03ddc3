"""A listing -> images to learn from: decoded in parallel, in memory or in a file that is reused, and split."""

import hashlib
import logging
import os
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from edgetl.contract import Contract
from edgetl.data.base import Images, Item, Listing, Pixels, Rejected, reason
from edgetl.data.checks import check_classes, check_rejected, check_splits, check_unlabelled
from edgetl.data.decode import BadImage, decode_sizes
from edgetl.data.formats import decoders
from edgetl.data.splits import SplitOptions, completed
from edgetl.data.stored import StoredRows, write_header
from edgetl.documents import Document
from edgetl.errors import DataError
from edgetl.files import DAMAGED_NPZ, atomic, fingerprint, parse_json
from edgetl.progress import progress

logger = logging.getLogger(__name__)

_CACHE_VERSION = 2  # raise it when decode() gives other pixels
WORKERS = min(16, os.cpu_count() or 1)  # decoding is arithmetic outside of Python's lock: one thread a core
_IN_FLIGHT = 4 * WORKERS  # enough that no worker waits, few enough that a set of any size streams through

S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """How images are read and split.

    Args:
        max_bad_fraction: share of the files that may be unusable.
        memory_mib: of pixels that are kept in memory; more go into a file in `cache`.
    """

    split: SplitOptions
    max_bad_fraction: float
    memory_mib: int
    cache: Path


@dataclass(frozen=True)
class Outcome:
    """The outcome for a listed image: its content's sha256 when it is usable, else the reason why not."""

    sha256: str = ""
    reason: str = ""


class CacheIndex(Document):
    """The outcomes of a cache's images in listing order; the pixels of the usable ones are the rows of the file beside it."""

    outcomes: tuple[Outcome, ...]


def load(listing: Listing, contract: Contract, options: LoadOptions) -> Images:
    """Read every listed image, in listing order; leave out the unusable ones.

    The source's splits are used; those that it does not give are split off from its training images. Raises DataError when more
    than `max_bad_fraction` of the files are unusable, or when a class has too few images left to train with.
    """
    [images] = load_sizes(listing, [contract], options)
    return images


def load_sizes(listing: Listing, contracts: Sequence[Contract], options: LoadOptions) -> list[Images]:
    """Return the same images in the size of each contract: what `load` gives, but each file is read once for all."""
    kept, outcomes = _read_all(listing, contracts, options)
    images = _images(listing, kept[0], outcomes, options)
    return [images, *(replace(images, pixels=pixels) for pixels in kept[1:])]


def _images(listing: Listing, pixels: Pixels, outcomes: Sequence[Outcome], options: LoadOptions) -> Images:
    """Return the usable images in their splits."""
    read = list(zip(listing.items, outcomes, strict=True))
    rejected = listing.rejected + tuple(Rejected(item.name, outcome.reason) for item, outcome in read if outcome.reason)
    items = [item for item, outcome in read if outcome.sha256]
    hashes = _usable(outcomes)
    classes = [item.class_name for item in items]
    check_rejected(listing.source, rejected, len(items), options.max_bad_fraction)
    shown = [listing.shown(name) for name in classes]
    if listing.labelled:
        check_classes(listing.source, listing.present, shown, hashes)
    label_ids = listing.label_ids(items)
    given = {item.split for item in listing.items}
    splits = completed([item.split for item in items], given, hashes, label_ids, options.split)
    if listing.labelled:
        check_splits(listing.source, listing.present, shown, splits)
    else:
        check_unlabelled(listing.source, splits)
    names = tuple(item.name for item in items)
    return Images(
        pixels=pixels,
        label_ids=label_ids,
        splits=np.array(splits, np.str_),
        names=names,
        hashes=hashes,
        class_names=listing.class_names,
        rejected=rejected,
        fingerprint=_identity(names, classes, splits, hashes),
        source=listing.source,
        stamp=listing.stamp,
    )


def _identity(names: Sequence[str], classes: Sequence[str], splits: Sequence[str], hashes: Sequence[str]) -> str:
    return fingerprint(sorted(zip(names, classes, splits, hashes, strict=True)))


def labelled(images: Images, listing: Listing, label_ids: NDArray[np.int32], class_names: tuple[str, ...]) -> tuple[Images, Listing]:
    """Return images, and their listing, with these classes and with the splits that the images have."""
    classes, splits = [class_names[label] for label in label_ids], images.splits.tolist()
    given = dict(zip(images.names, zip(classes, splits, strict=True), strict=True))
    items = [(item, *given.get(item.name, (class_names[0], "train"))) for item in listing.items]  # one that cannot be read is of any class
    listing = replace(
        listing,
        class_names=class_names,
        items=tuple(replace(item, class_name=class_name, split=split) for item, class_name, split in items),
    )
    found = _identity(images.names, classes, splits, images.hashes)
    return replace(images, label_ids=label_ids, class_names=class_names, fingerprint=found, stamp=listing.stamp), listing


def resized(images: Images, listing: Listing, contract: Contract, options: LoadOptions) -> Images:
    """Return the same images in another contract's size; what is left out of them was reported when they were read first.

    Raises DataError when other files can be used now, or they hold something else.
    """
    [pixels], outcomes = _read_all(listing, [contract], options)
    _check_unchanged(listing, outcomes, images.hashes)
    return replace(images, pixels=pixels)


def _read_all(listing: Listing, contracts: Sequence[Contract], options: LoadOptions) -> tuple[list[Pixels], list[Outcome]]:
    """Pixels uint8 [N, H, W, C] of the usable images in each contract's size, and the outcome of each listed one, in listing order.

    Up to `memory_mib` the pixels of a size are an array. Above it they lie in a file in the cache; while the listing, the contract's
    geometry and the decoder are the same, that file is used again and nothing is decoded. Raises DataError when an image was usable then,
    and is not now.
    """
    places = [_place(listing, contract, options) for contract in contracts]
    found = {place: there for place in places if (there := place.there())}
    missing = {place: contract for place, contract in zip(places, contracts, strict=True) if place not in found}
    if missing:
        read: list[Outcome] = []
        with ExitStack() as stack:
            for place in missing:
                stack.enter_context(place.filling())
            for outcome, sizes in stream(listing.items, partial(_read, list(missing.values()))):
                read.append(outcome)
                if outcome.sha256:
                    for place, pixels in zip(missing, sizes, strict=True):
                        place.append(pixels)
        found |= {place: (place.filled(read), read) for place in missing}
    outcomes = found[places[0]][1]
    for place in places[1:]:
        _check_unchanged(listing, found[place][1], _usable(outcomes))
    return [found[place][0] for place in places], outcomes


def _usable(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Return the sha256 of each usable image."""
    return tuple(outcome.sha256 for outcome in outcomes if outcome.sha256)


def _check_unchanged(listing: Listing, outcomes: Sequence[Outcome], hashes: tuple[str, ...]) -> None:
    if _usable(outcomes) != hashes:
        raise DataError(f"{listing.source} changed while it was read", "run the same command again")


def _place(listing: Listing, contract: Contract, options: LoadOptions) -> "_Memory | _CacheFile":
    """Return where the pixels of a size are kept."""
    shape = len(listing.items), *contract.shape
    if np.prod(shape, dtype=np.int64) <= options.memory_mib * 2**20:
        return _Memory(shape)
    made_by = decoders(item.name for item in listing.items)
    key = fingerprint(listing.stamp, contract.shape, contract.input.crop, contract.input.resize, _CACHE_VERSION, made_by)
    return _CacheFile(options.cache, f"pixels-{contract.height}", key, shape)


def stream(items: Sequence[S], read: Callable[[S], T]) -> Iterator[T]:
    """Yield what `read` makes of each item, in order, several at a time."""
    waiting: deque[Future[T]] = deque()
    # Pillow warns of odd metadata, file after file; what matters becomes a reason. Set here and not in the threads: filters are global.
    with warnings.catch_warnings(), progress("reading images", len(items)) as tick, ThreadPoolExecutor(WORKERS) as pool:
        warnings.simplefilter("ignore")
        for item in items:
            waiting.append(pool.submit(read, item))
            if len(waiting) == _IN_FLIGHT:
                yield waiting.popleft().result()
                tick()
        while waiting:
            yield waiting.popleft().result()
            tick()


def _read(contracts: Sequence[Contract], item: Item) -> tuple[Outcome, list[NDArray[np.uint8]]]:
    """Return an item's outcome, and its pixels in the size of each contract; none where it cannot be used."""
    try:
        data = item.read()
        pixels = decode_sizes(data, contracts)
    except OSError as error:
        return Outcome(reason=reason(error)), []
    except BadImage as error:
        return Outcome(reason=str(error)), []
    return Outcome(sha256=hashlib.sha256(data).hexdigest()), pixels


class _Memory:
    """Pixels in memory."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._pixels, self._usable = np.empty(shape, np.uint8), 0

    def there(self) -> None:
        """Return nothing: they are read each time."""

    def filling(self) -> AbstractContextManager[None]:
        return nullcontext()

    def append(self, pixels: NDArray[np.uint8]) -> None:
        self._pixels[self._usable] = pixels
        self._usable += 1

    def filled(self, outcomes: Sequence[Outcome]) -> Pixels:
        """Return the pixels of the usable images."""
        return self._pixels[: self._usable]


class _CacheFile:
    """Pixels in a file, which is written and not mapped: a full disk is then an error and not a killed process."""

    def __init__(self, cache: Path, family: str, key: str, shape: tuple[int, ...]) -> None:
        self._stale, self._shape, self._usable = partial(cache.glob, f"{family}-*"), shape, 0
        self._pixels, self._index = cache / f"{family}-{key}.npy", cache / f"{family}-{key}.json"

    def there(self) -> tuple[Pixels, list[Outcome]] | None:
        """Return what an earlier call wrote; None when it is missing or incomplete, and is read again."""
        return _cached(self._pixels, self._index, self._shape)

    @contextmanager
    def filling(self) -> Iterator[None]:
        """Stream what is appended into the file; it is there when the block ends well."""
        with atomic(self._pixels) as temporary, temporary.open("wb") as self._file:
            for stale in self._stale():
                stale.unlink(missing_ok=True)
            write_header(self._file, self._shape, "uint8")
            yield
            self._file.seek(0)
            write_header(self._file, (self._usable, *self._shape[1:]), "uint8")

    def append(self, pixels: NDArray[np.uint8]) -> None:
        self._file.write(pixels.tobytes())
        self._usable += 1

    def filled(self, outcomes: Sequence[Outcome]) -> Pixels:
        """Write the index, and return the pixels. It comes last: where it is, the pixels are complete."""
        CacheIndex(outcomes=tuple(outcomes)).write(self._index)
        return StoredRows(self._pixels)


def _cached(pixels_file: Path, index_file: Path, shape: tuple[int, ...]) -> tuple[Pixels, list[Outcome]] | None:
    """Return the pixels of an earlier call; None when they are missing or incomplete, and are read again."""
    try:
        outcomes = list(CacheIndex.parse(parse_json(index_file.read_bytes())).outcomes)
        pixels = StoredRows(pixels_file)
    except FileNotFoundError:
        return None
    except (*DAMAGED_NPZ, TypeError) as error:
        logger.warning(f"the cache {pixels_file.name} cannot be read ({error}); the images are read again")
        return None
    usable = sum(bool(outcome.sha256) for outcome in outcomes)
    if pixels.dtype != np.uint8 or pixels.shape != (usable, *shape[1:]) or len(outcomes) != shape[0]:
        logger.warning(f"the cache {pixels_file.name} does not hold what its index says; the images are read again")
        return None
    return pixels, outcomes
