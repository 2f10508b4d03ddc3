"""Which image trains and which one tests, decided by each image's own content."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgetl.data.base import Images
from edgetl.data.stratified import stratified
from edgetl.errors import UsageError

LabelIds = Sequence[int] | NDArray[np.integer]  # [N], or [N, K] as `Images` has them


@dataclass(frozen=True, kw_only=True)
class SplitOptions:
    """The shares of the images that validate and test, and the seed that they are drawn by."""

    val_fraction: float
    test_fraction: float
    seed: int


def completed(
    own: Sequence[str | None], given: Collection[str | None], hashes: Sequence[str], label_ids: LabelIds, options: SplitOptions
) -> list[str]:
    """Return the split of each image: the source's own; one that the source has not is split off from its training images.

    Args:
        own: N splits, as the source says them.
        given: all splits that the source has, with those of images that cannot be used.
    """
    splits = [name or "train" for name in own]
    if "val" in given:
        return splits
    rows = [row for row, name in enumerate(splits) if name == "train"]
    shares = replace(options, test_fraction=0.0) if "test" in given else options
    assigned = assign([hashes[row] for row in rows], np.asarray(label_ids)[rows], shares)
    for row, name in zip(rows, assigned, strict=True):
        splits[row] = name
    return splits


def assign(hashes: Sequence[str], label_ids: LabelIds, options: SplitOptions) -> list[str]:
    """Return a split ("train", "val" or "test") for each image.

    An image's number, sha256(seed, content) in [0, 1), is compared with the fractions: val below `val_fraction`, then test, then
    train. So an image keeps its split when others come or go or are renamed, and exact duplicates share one: nothing leaks. The
    fractions are met within chance, sqrt(f * (1 - f) / N).

    In each class the lowest number is val and the highest is train, whatever the fractions say: this alters only classes so small
    that chance gave them no val or no train image, and only there may an image move when others are added. A class needs two
    different contents. (A content that this would put into both, through two classes that share it, trains.)

    Images that may show several classes are split by `stratified` instead, all at once: there an image may move when others come or go.

    Args:
        hashes: N content hashes.
    """
    val, test = options.val_fraction, options.test_fraction
    if val + test >= 1:
        raise UsageError(f"data.val_fraction {val} and data.test_fraction {test} leave no training images", "their sum must be below 1")
    numbers = {content: _number(content, options.seed) for content in set(hashes)}
    if np.ndim(label_ids) == 2:
        return _stratified(hashes, np.asarray(label_ids), numbers, options)
    splits = {content: "val" if number < val else "test" if number < val + test else "train" for content, number in numbers.items()}
    by_class: dict[int, set[str]] = {}
    for content, label in zip(hashes, label_ids, strict=True):
        by_class.setdefault(int(label), set()).add(content)
    splits |= {min(contents, key=numbers.__getitem__): "val" for contents in by_class.values()}
    splits |= {max(contents, key=numbers.__getitem__): "train" for contents in by_class.values()}
    return [splits[content] for content in hashes]


def _stratified(hashes: Sequence[str], label_ids: NDArray[np.integer], numbers: dict[str, float], options: SplitOptions) -> list[str]:
    """Return the splits of images with labels [N, K]; copies count as one image that shows what any of them is labelled with."""
    contents = sorted(numbers)
    place = {content: number for number, content in enumerate(contents)}
    rows = [place[content] for content in hashes]
    shown = np.zeros((len(contents), label_ids.shape[1]), bool)
    np.logical_or.at(shown, rows, label_ids == 1)
    val, test = options.val_fraction, options.test_fraction
    shares = {"train": 1 - val - test, "val": val} | ({"test": test} if test else {})
    splits = stratified([numbers[content] for content in contents], shown, shares)
    return [splits[row] for row in rows]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The training images that are kept from learning, to choose by: what is measured afterwards has chosen nothing.

    Args:
        fraction: of the training images; 0: none.
        most: images, about; more would only be missed in learning.
        seed: that they are drawn by.
    """

    fraction: float
    most: int
    seed: int


def choosing(images: Images, selection: Selection, *, by_class: bool = True) -> Images:
    """Return the images as a training sees them that chooses: "val" are the training images to choose by, "test" all that measure.

    Each class that has two different training images has one to choose by; all copies of an image are on the same side.

    Args:
        by_class: else all images count as of one class.
    """
    rows = images.rows("train")
    fraction = min(selection.fraction, selection.most / max(len(rows), 1))
    splits: NDArray[np.str_] = np.full(len(images.splits), "test", "<U5")
    options = SplitOptions(val_fraction=fraction, test_fraction=0.0, seed=selection.seed + 1)  # other images than a split's of this seed
    splits[rows] = assign([images.hashes[row] for row in rows], images.label_ids[rows] * by_class, options)
    return replace(images, splits=splits)


def _number(content: str, seed: int) -> float:
    digest = hashlib.sha256(f"{seed}:{content}".encode()).hexdigest()
    return int(digest[:13], 16) / 16**13  # 52 bits: exact in a float, so never rounded up to 1
