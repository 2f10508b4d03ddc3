"""Check that there is enough to learn from and to measure with in what was read."""

import logging
from collections import defaultdict
from collections.abc import Sequence

from edgetl.data.base import SPLITS, Rejected
from edgetl.data.formats import ARE_READ
from edgetl.data.tree import FOLLOW
from edgetl.errors import DataError, listed
from edgetl.wording import counted, joined, quoted

logger = logging.getLogger(__name__)


def check_rejected(source: str, rejected: Sequence[Rejected], usable: int, max_bad_fraction: float) -> None:
    """Warn of files that are left out; raise DataError when they are more than that share of all."""
    bad = [one for one in rejected if one.bad]
    files = usable + len(bad)
    if len(bad) > max_bad_fraction * files:
        raise DataError(
            f"{source}: {len(bad)} of {counted(files, 'file')} cannot be used:{_named(bad)}",
            "repair or remove them, or train without them: --set data.max_bad_fraction=1",
        )
    if bad:
        logger.warning(f"{len(bad)} of {counted(files, 'file')} left out:{_named(bad)}")
    if links := [one for one in rejected if not one.bad]:
        logger.warning(f"{counted(len(links), 'link')} left out ({FOLLOW}):{_named(links)}")


def _named(rejected: Sequence[Rejected]) -> str:
    return listed([f"{one.name!r}: {one.reason}" for one in rejected])


def warn_of_copies(splits: Sequence[str], hashes: Sequence[str]) -> None:
    """Warn of val and test images whose bytes are those of a training image: a split that was given can have them.

    Args:
        splits, hashes: of each usable image.
    """
    trained = {content for content, split in zip(hashes, splits, strict=True) if split == "train"}
    for split in SPLITS[1:]:
        own = [content for content, other in zip(hashes, splits, strict=True) if other == split]
        if copies := sum(content in trained for content in own):
            logger.warning(
                f"{copies:,} of {counted(len(own), f'{split} image')} {'is' if copies == 1 else 'are'} in train too, the same file, so the "
                f"model learns them: the accuracy on {split} flatters. 'edgetl doctor DATA' lists them, and --exclude leaves them out"
            )


def warn_of_background(background: Sequence[str], hashes: Sequence[str]) -> None:
    """Warn of background images whose bytes are those of an image of the classes: the model learns to reject what it is to name.

    Args:
        background, hashes: of each usable image, of none of the classes and of the classes.
    """
    of_classes = set(hashes)
    if copies := sum(content in of_classes for content in background):
        logger.warning(
            f"{copies:,} of {counted(len(background), 'background image')} {'is an image' if copies == 1 else 'are images'} of the classes "
            "too, the same file: the model learns to reject what it is to name. Remove them from the background"
        )


def warn_of_labels(names: Sequence[str], shown: Sequence[Sequence[str]], hashes: Sequence[str]) -> None:
    """Warn of images whose bytes are the same and whose labels are not: the model learns both.

    Args:
        names, shown, hashes: of each usable image; `shown` are its classes.
    """
    copies: dict[str, list[int]] = defaultdict(list)
    for row, content in enumerate(hashes):
        copies[content].append(row)
    unlike = [rows for rows in copies.values() if len({tuple(shown[row]) for row in rows}) > 1]
    if unlike:
        found = [", ".join(f"{names[row]!r} ({joined(quoted(shown[row])) or 'none'})" for row in rows) for rows in unlike]
        images = counted(sum(map(len, unlike)), "image")
        logger.warning(
            f"{images} are copies of one another, the same file, with different labels, and the model learns them all:{listed(found)}\n"
            "'edgetl doctor DATA' lists them, and --exclude leaves them out"
        )


def check_classes(source: str, class_names: Sequence[str], shown: Sequence[Sequence[str]], hashes: Sequence[str]) -> None:
    """Require two different images of every class.

    Args:
        shown, hashes: of each usable image; `shown` are its classes.
    """
    if not shown:
        raise DataError(f"{source} has no image that can be used", ARE_READ)
    contents: dict[str, set[str]] = defaultdict(set)
    for names, content in zip(shown, hashes, strict=True):
        for name in names:
            contents[name].add(content)
    few = [label for label in class_names if len(contents[label]) < 2]
    if few:
        raise DataError(
            f"{source}: fewer than 2 different usable images in {', '.join(map(repr, few))}",
            "one is needed for training and another one for validation: add images, or remove the class",
        )


def check_unlabelled(source: str, splits: Sequence[str]) -> None:
    """Require an image to measure with; where images are split, that takes two different ones."""
    if "val" not in splits:
        raise DataError(f"{source}: fewer than 2 different usable images", "add images: some calibrate, others measure")


def check_splits(source: str, class_names: Sequence[str], shown: Sequence[Sequence[str]], splits: Sequence[str]) -> None:
    """Require training images of every class; warn of one without validation images, which is not measured."""
    present = {(name, split) for names, split in zip(shown, splits, strict=True) for name in names}
    untrained = [label for label in class_names if (label, "train") not in present]
    unmeasured = [label for label in class_names if (label, "val") not in present]
    if untrained:
        raise DataError(f"{source}: no usable training image in {', '.join(map(repr, untrained))}", "add some, or remove the class")
    if len(unmeasured) == len(class_names):
        raise DataError(f"{source}: no usable validation image", "add some, or remove val so that it is split off from train")
    if unmeasured:
        logger.warning(f"no validation image in {', '.join(map(repr, unmeasured))}: the accuracy does not cover it")
