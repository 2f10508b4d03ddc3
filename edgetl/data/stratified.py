"""Split images that show several classes, so that classes, and pairs of classes, keep their shares in every split.

Iterative stratification (Sechidis et al. 2011), of the second order (Szymanski and Kajdanowicz 2017, arXiv:1704.08756): what is rarest is
dealt out first, each image to the split that lacks most of it.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray


def stratified(numbers: Sequence[float], shown: NDArray[np.bool_], shares: Mapping[str, float]) -> list[str]:
    """Return the split of each image: near the shares of all images, of each class and of each pair of classes that images show.

    A class that two images show has one in "val" and one in "train", as far as no other class needs these.

    Args:
        numbers: N different ones, by which images of the same classes take turns.
        shown: bool [N, K], the classes of each image.
        shares: by split, in the order in which ties are resolved; their sum is 1.
    """
    names, parts = list(shares), np.array(list(shares.values()))
    kinds = [_kinds(row) for row in shown]  # classes and pairs of classes as one number each, and a number for none of them
    images_of: dict[int, list[int]] = {}
    for image in np.argsort(numbers):
        for kind in kinds[image]:
            images_of.setdefault(kind, []).append(int(image))
    left = {kind: len(images) for kind, images in images_of.items()}  # images that are in no split yet
    lacking = {kind: count * parts for kind, count in left.items()}
    lacking_images = len(kinds) * parts
    found = np.full(len(kinds), -1)
    while left:
        rarest = min(left, key=lambda kind: (left[kind], kind))
        for image in images_of[rarest]:
            if found[image] >= 0:
                continue
            split = max(range(len(names)), key=lambda place: (lacking[rarest][place], lacking_images[place], -place))
            found[image] = split
            lacking_images[split] -= 1
            for kind in kinds[image]:
                lacking[kind][split] -= 1
                left[kind] -= 1
        left = {kind: count for kind, count in left.items() if count}
    splits = np.array(names)[found]
    for name, order in (("val", np.argsort(numbers)), ("train", np.argsort(numbers)[::-1])):
        for of_class in shown.T:
            if of_class.any() and name not in splits[of_class]:
                splits[next(image for image in order if of_class[image])] = name
    return [str(split) for split in splits]


def _kinds(shown: NDArray[np.bool_]) -> list[int]:
    classes, count = np.flatnonzero(shown), len(shown)
    return [int(first * count + second) for first, second in combinations_with_replacement(classes, 2)] or [-1]
