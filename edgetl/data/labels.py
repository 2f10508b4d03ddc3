"""Class names: one spelling each, and the same ones in every split."""

import os
import unicodedata
from collections.abc import Iterable, Mapping

from edgetl.data.base import SPLITS, Spellings
from edgetl.errors import DataError
from edgetl.wording import counted

_FEW, _SMALL = 5, 0.1  # images, and share of the other's: below them a class that differs in its capitals is a slip, above them letters


def as_text(path: str | os.PathLike[str]) -> str:
    """Return a path as Unicode: bytes that are not UTF-8 become backslash escapes, so that names can be hashed and written to JSON."""
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


def clash(first: str, second: str, where: str, remedy: str = "rename or merge one of them") -> DataError:
    """Return the error of two names that mean one class."""
    return DataError(f"{where}: {first!r} and {second!r} are two spellings of one class", remedy)


def check(found: Iterable[tuple[str, str | None]], sizes: Mapping[str, int], where: str, spellings: Spellings = "auto") -> tuple[str, ...]:
    """Return the classes, sorted, of (normalized label, split) pairs.

    Args:
        sizes: images of each class; one that is not there has none.

    Raises DataError when two are spelled alike, when there are fewer than two, or when val or test has one that train lacks.
    """
    splits_by_label: dict[str, set[str | None]] = {}
    for label, split in found:
        splits_by_label.setdefault(label, set()).add(split)
    names = sorted(splits_by_label)
    if spellings != "allow":
        trained = {label for label in names if splits_by_label[label] & {"train", None}}
        _check_spellings({label: sizes.get(label, 0) * (label in trained) for label in names}, where, refuse=spellings == "refuse")
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


def _check_spellings(sizes: Mapping[str, int], where: str, *, refuse: bool) -> None:
    """Raise DataError for two classes that differ in their capitals alone, unless both are as large as classes of letters are."""
    alike: dict[str, list[str]] = {}
    for label in sizes:
        alike.setdefault(folded(label), []).append(label)
    for spelled in alike.values():
        small, large = min(spelled, key=sizes.__getitem__), max(spelled, key=sizes.__getitem__)
        if len(spelled) > 1 and (refuse or sizes[small] < max(_FEW, _SMALL * sizes[large])):
            first, second = sorted((small, large)) if small != large else spelled[:2]  # of equal sizes
            counts = f"{first!r} has {counted(sizes[first], 'training image')}, {second!r} has {sizes[second]:,}"
            raise clash(first, second, where, f"rename or merge one of them ({counts}); if both are meant: --set data.spellings=allow")
