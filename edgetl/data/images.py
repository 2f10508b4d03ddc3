"""A listing -> images to learn from: read, checked and split."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgetl.contract import Contract
from edgetl.data.base import Images, Item, Listing, Rejected
from edgetl.data.reading import read_all
from edgetl.data.splits import SplitOptions, assign
from edgetl.errors import DataError, listed
from edgetl.files import fingerprint

logger = logging.getLogger(__name__)


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


def load(listing: Listing, contract: Contract, options: LoadOptions) -> Images:
    """Read every listed image, in listing order; leave out the unusable ones.

    The source's splits are used; those that it does not give are split off from its training images. Raises DataError when more
    than `max_bad_fraction` of the files are unusable, or when a class has too few images left to train with.
    """
    pixels, outcomes = read_all(listing, contract, options.memory_mib, options.cache)
    read = list(zip(listing.items, outcomes, strict=True))
    rejected = listing.rejected + tuple(Rejected(item.name, outcome.reason) for item, outcome in read if outcome.reason)
    items = [item for item, outcome in read if outcome.sha256]
    hashes = tuple(outcome.sha256 for _, outcome in read if outcome.sha256)
    _check_rejected(rejected, len(items), listing.source, options.max_bad_fraction)
    _check_classes(listing, items, hashes)
    label_ids = np.array([listing.class_names.index(item.class_name) for item in items], np.int32)
    splits = split(listing, items, hashes, label_ids.tolist(), options.split)
    _check_splits(listing, items, splits)
    names = tuple(item.name for item in items)
    identity = sorted(zip(names, (item.class_name for item in items), splits, hashes, strict=True))
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


def split(listing: Listing, items: Sequence[Item], hashes: Sequence[str], label_ids: Sequence[int], options: SplitOptions) -> list[str]:
    """Return the split of each of the listing's usable items: the source's own, else split off from its training images."""
    given = {item.split for item in listing.items}
    splits = [item.split or "train" for item in items]
    if "val" in given:
        return splits
    rows = [row for row, name in enumerate(splits) if name == "train"]
    own = replace(options, test_fraction=0.0) if "test" in given else options
    assigned = assign([hashes[row] for row in rows], [label_ids[row] for row in rows], own)
    for row, name in zip(rows, assigned, strict=True):
        splits[row] = name
    return splits


def _check_rejected(rejected: Sequence[Rejected], usable: int, source: str, max_bad_fraction: float) -> None:
    if not rejected:
        return
    files = usable + len(rejected)
    named = listed([f"{one.name!r}: {one.reason}" for one in rejected])
    if len(rejected) > max_bad_fraction * files:
        raise DataError(
            f"{source}: {len(rejected)} of {files} files cannot be used:{named}",
            "repair or remove them, or train without them: --set data.max_bad_fraction=1",
        )
    logger.warning(f"{len(rejected)} of {files} files are left out:{named}")


def _check_classes(listing: Listing, items: Sequence[Item], hashes: Sequence[str]) -> None:
    if not items:
        raise DataError(f"{listing.source} has no image that can be used", "JPEG, PNG, BMP, GIF and WebP images are read")
    contents: dict[str, set[str]] = defaultdict(set)
    for item, content in zip(items, hashes, strict=True):
        contents[item.class_name].add(content)
    few = [label for label in listing.class_names if len(contents[label]) < 2]
    if few:
        raise DataError(
            f"{listing.source}: fewer than 2 different usable images in {', '.join(map(repr, few))}",
            "one is needed for training and another one for validation: add images, or remove the class",
        )


def _check_splits(listing: Listing, items: Sequence[Item], splits: Sequence[str]) -> None:
    """Require training images of every class; warn of one without validation images, which is not measured."""
    present = {(item.class_name, split) for item, split in zip(items, splits, strict=True)}
    untrained = [label for label in listing.class_names if (label, "train") not in present]
    unmeasured = [label for label in listing.class_names if (label, "val") not in present]
    if untrained:
        raise DataError(f"{listing.source}: no usable training image in {', '.join(map(repr, untrained))}", "add some, or remove the class")
    if len(unmeasured) == len(listing.class_names):
        raise DataError(f"{listing.source}: no usable validation image", "add some, or remove val so that it is split off from train")
    if unmeasured:
        logger.warning(f"no validation image in {', '.join(map(repr, unmeasured))}: the accuracy does not cover it")
