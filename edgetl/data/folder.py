"""A folder of images: DATA/CLASS/*, or DATA/{train,val[,test]}/CLASS/*."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from edgetl.data.base import Item, Listing, Rejected, listed, reason
from edgetl.data.formats import IMAGE_SUFFIXES
from edgetl.data.labels import as_text, check, clash, folded, normalize, split_of
from edgetl.errors import DataError


def find(source: str) -> Listing:
    """List a folder, sorted by name. Below a class every file that is not hidden is listed; links out of the folder are not followed."""
    root = Path(source)
    class_splits: list[tuple[str, str | None]] = []
    found: list[Item | Rejected] = []
    parents = _split_folders(root)
    for parent in {root, *(parent for _, parent in parents)}:
        found += _strays(root, parent)
    for split, parent in parents:
        for label, folder in _class_folders(parent):
            class_splits.append((label, split))
            found += _files(root, folder, label, split)
    found.sort(key=lambda one: one.name)
    return Listing(
        source=as_text(source),
        class_names=_classes(class_splits, root),
        items=tuple(one for one in found if isinstance(one, Item)),
        rejected=tuple(one for one in found if isinstance(one, Rejected)),
    )


def _split_folders(root: Path) -> list[tuple[str | None, Path]]:
    """(split, its folder) for each split, or (None, root) when the folders are classes."""
    folders = [Path(entry) for entry in _entries(root) if _is_folder(entry)]
    splits = [(split_of(folder.name), folder) for folder in folders]
    if not splits or all(split is None for split, _ in splits):
        return [(None, root)]
    others = [folder.name for split, folder in splits if split is None]
    if others:
        # 'train' beside 'car' and 'bus' is a class when it holds images, and a split when it holds folders.
        if all(any(entry.is_file() for entry in _entries(folder)) for split, folder in splits if split):
            return [(None, root)]
        raise DataError(
            f"{as_text(root)}: {', '.join(map(repr, others))} beside the folder of a split",
            "keep only train, val and test at the top, or only class folders",
        )
    named: dict[str | None, Path] = {}
    for split, folder in splits:
        if named.setdefault(split, folder) != folder:
            raise DataError(f"{as_text(root)}: {named[split].name!r} and {folder.name!r} are both {split}", "merge them")
    if "train" not in named:
        names = ", ".join(repr(folder.name) for folder in folders)
        raise DataError(f"{as_text(root)} has no 'train' folder, only {names}", "add DATA/train/CLASS/*.jpg")
    return list(named.items())


def _class_folders(parent: Path) -> Iterator[tuple[str, Path]]:
    """(class name, folder), refusing two folders that spell the same class."""
    seen: dict[str, str] = {}
    for entry in _entries(parent):
        if not _is_folder(entry):
            continue
        label = normalize(entry.name, as_text(parent))
        if seen.setdefault(folded(label), entry.name) != entry.name:
            raise clash(seen[folded(label)], entry.name, as_text(parent))
        yield label, Path(entry)


def _strays(root: Path, parent: Path) -> Iterator[Rejected]:
    """Images that lie beside the class folders and so have no class, and links where a class folder could be."""
    for entry in _entries(parent):
        if entry.is_symlink() and entry.is_dir():
            yield Rejected(_name(root, Path(entry)), "a link to a folder, which is not followed")
        elif entry.name.lower().endswith(IMAGE_SUFFIXES) and not entry.is_dir():
            yield Rejected(_name(root, Path(entry)), "not in a class folder")


def _files(root: Path, folder: Path, label: str, split: str | None) -> Iterator[Item | Rejected]:
    real_root = os.path.realpath(root)
    for parent, folders, names in os.walk(folder, onerror=_unreadable):
        for name in folders:
            path = Path(parent, name)
            if path.is_symlink() and not name.startswith("."):
                yield Rejected(_name(root, path), "a link to a folder, which is not followed")
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(parent, name)
            if name.startswith("."):
                continue
            if _leads_out(path, real_root):
                yield Rejected(_name(root, path), "a link that leads out of the data folder")
            else:
                yield listed(path, _name(root, path), label, split)


def _leads_out(path: Path, root: str) -> bool:
    """Return whether a link's target is outside of `root` (a real path)."""
    return path.is_symlink() and os.path.commonpath([os.path.realpath(path), root]) != root


def _classes(class_splits: list[tuple[str, str | None]], root: Path) -> tuple[str, ...]:
    try:
        return check(class_splits, as_text(root))
    except DataError as error:
        inner = [entry for entry in _entries(root) if _is_folder(entry)]
        if len(class_splits) == 1 and len(inner) == 1 and sum(map(_is_folder, _entries(Path(inner[0])))) > 1:
            raise DataError(error.problem, f"did you mean {as_text(inner[0])}?") from None
        raise


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    """Return what is in a folder and not hidden, sorted."""
    try:
        with os.scandir(folder) as entries:
            return sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)
    except OSError as error:
        _unreadable(error)


def _unreadable(error: OSError) -> NoReturn:
    raise DataError(f"cannot read the folder {as_text(error.filename)}: {reason(error)}", "check its permissions") from error


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    return entry.is_dir(follow_symlinks=False)


def _name(root: Path, path: Path) -> str:
    return as_text(path.relative_to(root).as_posix())
