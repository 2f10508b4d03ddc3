"""Which image trains and which one tests, decided by each image's own content."""

import hashlib
from collections.abc import Iterable, Sequence

from edgetl.errors import UsageError


def assign(hashes: Sequence[str], label_ids: Iterable[int], val_fraction: float, test_fraction: float, seed: int) -> list[str]:
    """Return a split ("train", "val" or "test") for each image.

    An image's number, sha256(seed, content) in [0, 1), is compared with the fractions: val below `val_fraction`, then test, then
    train. So an image keeps its split when others come or go or are renamed, and exact duplicates share one: nothing leaks. The
    fractions are met within chance, sqrt(f * (1 - f) / N).

    In each class the lowest number is val and the highest is train, whatever the fractions say: this alters only classes so small
    that chance gave them no val or no train image, and only there may an image move when others are added. A class needs two
    different contents. (A content that this would put into both, through two classes that share it, trains.)

    Args:
        hashes: N content hashes.
        label_ids: N class numbers.
    """
    if val_fraction + test_fraction >= 1:
        raise UsageError(
            f"data.val_fraction {val_fraction} and data.test_fraction {test_fraction} leave no training images",
            "their sum must be below 1",
        )
    numbers = {content: _number(content, seed) for content in set(hashes)}
    splits = {content: _split(number, val_fraction, test_fraction) for content, number in numbers.items()}
    by_class: dict[int, set[str]] = {}
    for content, label in zip(hashes, label_ids, strict=True):
        by_class.setdefault(label, set()).add(content)
    splits |= {min(contents, key=numbers.__getitem__): "val" for contents in by_class.values()}
    splits |= {max(contents, key=numbers.__getitem__): "train" for contents in by_class.values()}
    return [splits[content] for content in hashes]


def _number(content: str, seed: int) -> float:
    digest = hashlib.sha256(f"{seed}:{content}".encode()).hexdigest()
    return int(digest[:13], 16) / 16**13  # 52 bits: exact in a float, so never rounded up to 1


def _split(number: float, val_fraction: float, test_fraction: float) -> str:
    if number < val_fraction:
        return "val"
    return "test" if number < val_fraction + test_fraction else "train"
