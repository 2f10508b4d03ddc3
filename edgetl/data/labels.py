"""Class names: one spelling each, and the same ones in every split."""

import os
import unicodedata
from collections.abc import Iterable

from edgetl.data.base import SPLITS
from edgetl.errors import DataError

_SPLIT_WORDS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val", "test": "test"}


def split_of(word: str) -> str | None:
    """Return the split that a folder's name or a CSV's word means, if any."""
    return _SPLIT_WORDS.get(word.strip().casefold())


def as_text(path: str | os.PathLike[str]) -> str:
    """Return a path as valid Unicode: bytes that are no UTF-8 become backslash escapes, so that names can be hashed and written as JSON."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def normalize(name: str, where: str) -> str:
    """Return a class name as labels.txt and the contract hold it: NFC (macOS writes NFD), no outer blanks.

    Raises DataError when nothing is left, or when it holds a line break or another control character.
    """
    label = unicodedata.normalize("NFC", as_text(name)).strip()
    if not label or any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in label):
        raise DataError(f"{where}: {name!r} cannot be a class name", "rename it: a class name must not be empty or contain a line break")
    return label


def folded(label: str) -> str:
    """Return what two spellings of the same class have in common."""
    return unicodedata.normalize("NFC", label.casefold())


def clash(first: str, second: str, where: str) -> DataError:
    return DataError(f"{where}: {first!r} and {second!r} are two spellings of one class", "rename or merge one of them")


def check(found: Iterable[tuple[str, str | None]], where: str) -> tuple[str, ...]:
    """Return the classes, sorted, of (normalized label, split) pairs.

    Raises DataError when two are spelled alike, when there are fewer than two, or when val or test has one that train lacks.
    """
    splits_by_label: dict[str, set[str | None]] = {}
    for label, split in found:
        splits_by_label.setdefault(label, set()).add(split)
    names = sorted(splits_by_label)
    seen: dict[str, str] = {}
    for label in names:
        if seen.setdefault(folded(label), label) != label:
            raise clash(seen[folded(label)], label, where)
    for split in SPLITS[1:]:
        unknown = [label for label in names if split in splits_by_label[label] and "train" not in splits_by_label[label]]
        if unknown:
            raise DataError(
                f"{where}: classes in {split} but not in train: {', '.join(map(repr, unknown))}",
                "give each class training images, or correct the spelling",
            )
    if len(names) < 2:
        raise DataError(
            f"{where}: {'only one class, ' + repr(names[0]) if names else 'no classes'}; two or more are needed",
            "lay the images out as DATA/CLASS/*.jpg or DATA/{train,val}/CLASS/*.jpg, or list them in a CSV with path,label",
        )
    return tuple(names)
