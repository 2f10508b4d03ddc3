"""A listing -> images to learn from: decoded in parallel, in memory or in a file that is reused, and split."""

import hashlib
import logging
import os
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from edgetl.contract import Contract
from edgetl.data.base import Images, Item, Listing, Pixels, Rejected, reason
from edgetl.data.checks import check_classes, check_rejected, check_splits
from edgetl.data.decode import BadImage, decode
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
    pixels, outcomes = _read_all(listing, contract, options.memory_mib, options.cache)
    read = list(zip(listing.items, outcomes, strict=True))
    rejected = listing.rejected + tuple(Rejected(item.name, outcome.reason) for item, outcome in read if outcome.reason)
    items = [item for item, outcome in read if outcome.sha256]
    hashes = tuple(outcome.sha256 for _, outcome in read if outcome.sha256)
    classes = [item.class_name for item in items]
    check_rejected(listing.source, rejected, len(items), options.max_bad_fraction)
    check_classes(listing.source, listing.class_names, classes, hashes)
    label_ids = np.array([listing.class_names.index(name) for name in classes], np.int32)
    given = {item.split for item in listing.items}
    splits = completed([item.split for item in items], given, hashes, label_ids.tolist(), options.split)
    check_splits(listing.source, listing.class_names, classes, splits)
    names = tuple(item.name for item in items)
    identity = sorted(zip(names, classes, splits, hashes, strict=True))
    return Images(
        pixels=pixels,
        label_ids=label_ids,
        splits=np.array(splits, np.str_),
        names=names,
        hashes=hashes,
        class_names=listing.class_names,
        rejected=rejected,
        fingerprint=fingerprint(identity),
        source=listing.source,
        stamp=listing.stamp,
    )


def resized(images: Images, listing: Listing, contract: Contract, options: LoadOptions) -> Images:
    """Return the same images in another contract's size; what is left out of them was reported when they were read first.

    Raises DataError when other files can be used now, or they hold something else.
    """
    pixels, outcomes = _read_all(listing, contract, options.memory_mib, options.cache)
    if tuple(outcome.sha256 for outcome in outcomes if outcome.sha256) != images.hashes:
        raise DataError(f"{listing.source} changed while it was read", "run the same command again")
    return replace(images, pixels=pixels)


def _read_all(listing: Listing, contract: Contract, memory_mib: int, cache: Path) -> tuple[Pixels, list[Outcome]]:
    """Pixels uint8 [N, S, S, 3] of the usable images and the outcome of each listed one, both in listing order.

    Up to `memory_mib` the pixels are an array. Above it they lie in a file in `cache`; while the listing,
    the contract's geometry and the decoder are the same, that file is used again and nothing is decoded.
    """
    shape = len(listing.items), contract.height, contract.width, 3
    if np.prod(shape, dtype=np.int64) > memory_mib * 2**20:
        return _from_cache(listing, contract, shape, cache)
    pixels = np.empty(shape, np.uint8)
    outcomes, usable = [], 0
    for outcome, decoded in stream(listing.items, partial(_read, contract)):
        outcomes.append(outcome)
        if decoded is not None:
            pixels[usable] = decoded
            usable += 1
    return pixels[:usable], outcomes


def stream(items: Sequence[Item], read: Callable[[Item], T]) -> Iterator[T]:
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


def _read(contract: Contract, item: Item) -> tuple[Outcome, NDArray[np.uint8] | None]:
    try:
        data = item.read()
        pixels = decode(data, contract)
    except OSError as error:
        return Outcome(reason=reason(error)), None
    except BadImage as error:
        return Outcome(reason=str(error)), None
    return Outcome(sha256=hashlib.sha256(data).hexdigest()), pixels


def _from_cache(listing: Listing, contract: Contract, shape: tuple[int, ...], cache: Path) -> tuple[Pixels, list[Outcome]]:
    made_by = decoders(item.name for item in listing.items)
    key = fingerprint(listing.stamp, contract.height, contract.input.crop, contract.input.resize, _CACHE_VERSION, made_by)
    family = f"pixels-{contract.height}"
    pixels_file, index_file = cache / f"{family}-{key}.npy", cache / f"{family}-{key}.json"
    found = _cached(pixels_file, index_file, shape)
    if found is None:
        with atomic(pixels_file) as temporary, temporary.open("wb") as file:
            for stale in cache.glob(f"{family}-*"):
                stale.unlink(missing_ok=True)
            outcomes = _write(file, listing.items, contract, shape)
        # The index comes last: where it is, the pixels are complete.
        CacheIndex(outcomes=tuple(outcomes)).write(index_file)
        found = StoredRows(pixels_file), outcomes
    return found


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


def _write(file: BinaryIO, items: Sequence[Item], contract: Contract, shape: tuple[int, ...]) -> list[Outcome]:
    """Stream the pixels into a .npy file. Written, not mapped: a full disk is then an error and not a killed process."""
    write_header(file, shape, "uint8")
    outcomes, usable = [], 0
    for outcome, decoded in stream(items, partial(_read, contract)):
        outcomes.append(outcome)
        if decoded is not None:
            file.write(decoded.tobytes())
            usable += 1
    file.seek(0)
    write_header(file, (usable, *shape[1:]), "uint8")
    return outcomes
