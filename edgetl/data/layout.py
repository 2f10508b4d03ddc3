"""Which folders hold the classes: those at the top, or those in the parts (splits among them) that the top is divided into."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from edgetl.data.base import Layout
from edgetl.data.labels import as_text, folded
from edgetl.data.split_words import says_no_class, splits_of, with_classes
from edgetl.data.tree import Tree, holds_images, is_folder
from edgetl.errors import DataError

Parts = list[tuple[str | None, Path]]
_SHOWN = 6  # names in a message: enough to see what kind of names they are
_ALIKE = 0.5  # share of names that look alike (the inner ones: that occur in two folders or more), from which that cannot be an accident


def parts_of(tree: Tree, layout: Layout) -> Parts:
    """Return (split, folder) for each folder whose folders are classes; (None, root): those at the top are.

    Raises DataError when names and places allow two readings, or none.
    """
    folders = tree.folders(tree.root)
    splits = splits_of(folder.name for folder in folders)
    named = [folder for folder in folders if folder.name in splits]
    others = [folder for folder in folders if folder.name not in splits]
    if layout == "classes" or (layout == "auto" and not _are_splits(named, others)):
        found: Parts = [(None, tree.root)]
        if layout == "auto":
            _check_names(tree.root, folders)
    elif others and named:
        raise DataError(
            f"{as_text(tree.root)}: {_listed(others)} beside the folder of a split",
            "keep only train, val and test at the top, or only class folders, which is then said by --set data.layout=classes",
        )
    else:
        found = _splits(tree, splits, named) if named else [(None, folder) for folder in others]
    if layout == "auto":
        for split, folder in found:
            _check_classes(tree, split, folder)
    return found


def _are_splits(named: Sequence[Path], others: Sequence[Path]) -> bool:
    """Return whether folders with a split's name are splits: 'train' beside 'car' and 'bus' is a class when it holds images."""
    if not named:
        return False
    certain = not others and all(says_no_class(folder.name) for folder in named)
    return certain or not all(holds_images(folder) for folder in named)


def _splits(tree: Tree, splits: dict[str, str], folders: Sequence[Path]) -> Parts:
    found: dict[str, Path] = {}
    for folder in folders:
        split = splits[folder.name]
        if found.setdefault(split, folder) != folder:
            raise DataError(
                f"{as_text(tree.root)}: {as_text(found[split].name)!r} and {as_text(folder.name)!r} are both {split}", "merge them"
            )
    if "train" not in found:
        raise DataError(f"{as_text(tree.root)} has no 'train' folder, only {_listed(folders)}", "add DATA/train/CLASS/*.jpg")
    return [(split, _unwrapped(tree, folder)) for split, folder in found.items()]


def _unwrapped(tree: Tree, folder: Path) -> Path:
    """Return the folder of the class folders: archives often hold seg_train/seg_train/CLASS, or train/images/CLASS."""
    while not holds_images(folder):
        inner = tree.folders(folder)
        if len(inner) != 1 or not (inner[0].name == folder.name or says_no_class(inner[0].name)) or not tree.folders(inner[0]):
            break
        folder = inner[0]
    return folder


def _check_names(root: Path, folders: Sequence[Path]) -> None:
    """Raise DataError when most folders name a split and a class at once: each class would be several, and no split would be used."""
    names = with_classes(folder.name for folder in folders)
    if names and len(names) >= _ALIKE * len(folders):
        raise DataError(
            f"{as_text(root)}: {_named(names)} seem to name a split and a class at once",
            "move their images to train/CLASS, val/CLASS and test/CLASS; if each is a class of its own: --set data.layout=classes",
        )


def _check_classes(tree: Tree, split: str | None, parent: Path) -> None:
    """Raise DataError when what should be classes hold no images, but folders of nearly the same names: they may be parts."""
    folders = tree.folders(parent)
    if len(folders) < 2 or any(map(holds_images, folders)):
        return
    inner = [{unicodedata.normalize("NFC", entry.name) for entry in tree.entries(folder) if is_folder(entry)} for folder in folders]
    count = Counter(folded(name) for names in inner for name in names)
    if not all(inner) or len(count) < 2 or sum(times > 1 for times in count.values()) < _ALIKE * len(count):
        return
    names = sorted({name for one in inner for name in one})
    if len(splits_of(names)) == len(names):
        raise DataError(
            f"{as_text(parent)}: the classes {_listed(folders)} hold the splits {_named(names)}",
            "swap the two levels, DATA/train/CLASS/*.jpg; or, to split all images of a class again: --set data.layout=classes",
        )
    if split is None:
        remedy = "say which: --set data.layout=classes, or --set data.layout=parts, where each image's content decides its split"
    else:
        remedy = f"if the first is right: --set data.layout=parts, parts being the splits; else move what {_listed(folders)} hold one up"
    raise DataError(
        f"{as_text(parent)} can be read in two ways, since its folders hold no images, but folders of nearly the same names:\n"
        f"  classes: {_listed(folders)}\n"
        f"  parts: the classes are {_named(names)}, and several parts hold images of each",
        remedy,
    )


def _listed(folders: Sequence[Path]) -> str:
    return _named([folder.name for folder in folders])


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(repr(as_text(name)) for name in names[:_SHOWN]) + more
