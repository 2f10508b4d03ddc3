"""Check that there is enough to learn from and to measure with in what was read."""

import logging
from collections import defaultdict
from collections.abc import Sequence

from edgetl.data.base import Rejected
from edgetl.data.formats import ARE_READ
from edgetl.errors import DataError, listed

logger = logging.getLogger(__name__)


def check_rejected(source: str, rejected: Sequence[Rejected], usable: int, max_bad_fraction: float) -> None:
    """Warn of files that are left out; raise DataError when they are more than that share of all."""
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


def check_classes(source: str, class_names: Sequence[str], classes: Sequence[str], hashes: Sequence[str]) -> None:
    """Require two different images of every class.

    Args:
        classes, hashes: of each usable image.
    """
    if not classes:
        raise DataError(f"{source} has no image that can be used", ARE_READ)
    contents: dict[str, set[str]] = defaultdict(set)
    for name, content in zip(classes, hashes, strict=True):
        contents[name].add(content)
    few = [label for label in class_names if len(contents[label]) < 2]
    if few:
        raise DataError(
            f"{source}: fewer than 2 different usable images in {', '.join(map(repr, few))}",
            "one is needed for training and another one for validation: add images, or remove the class",
        )


def check_splits(source: str, class_names: Sequence[str], classes: Sequence[str], splits: Sequence[str]) -> None:
    """Require training images of every class; warn of one without validation images, which is not measured."""
    present = set(zip(classes, splits, strict=True))
    untrained = [label for label in class_names if (label, "train") not in present]
    unmeasured = [label for label in class_names if (label, "val") not in present]
    if untrained:
        raise DataError(f"{source}: no usable training image in {', '.join(map(repr, untrained))}", "add some, or remove the class")
    if len(unmeasured) == len(class_names):
        raise DataError(f"{source}: no usable validation image", "add some, or remove val so that it is split off from train")
    if unmeasured:
        logger.warning(f"no validation image in {', '.join(map(repr, unmeasured))}: the accuracy does not cover it")
