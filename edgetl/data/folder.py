"""A folder of images: DATA/CLASS/*, or DATA/{train,val[,test]}/CLASS/*; `layout.py` says which of the two."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from edgetl.data.base import BY_NAMES, Item, Listing, Reading, Rejected, listed
from edgetl.data.formats import is_image_name
from edgetl.data.labels import as_text, check, clash, normalize
from edgetl.data.layout import parts_of
from edgetl.data.tree import FOLLOW, LEADS_OUT, Tree, is_folder
from edgetl.errors import DataError
from edgetl.errors import listed as listed_lines


def find(source: str, reading: Reading = BY_NAMES) -> Listing:
    """List a folder, sorted by name. Below a class every file is listed that is not hidden and does not belong to another program."""
    if reading.task == "multi-label":
        raise DataError(
            f"{as_text(source)} is a folder, in which each image is of one class", "list the images in a CSV file for --task multi-label"
        )
    tree = Tree(Path(source), follow_links=reading.follow_links)
    class_splits: list[tuple[str, str | None]] = []
    found: list[Item | Rejected] = []
    parts = parts_of(tree, reading.layout)
    for parent in {tree.root, *(parent for _, parent in parts)}:
        found += _strays(tree, parent)
    for split, parent in parts:
        files = {one: list(_files(tree, *one, split)) for one in _class_folders(tree, parent)}
        class_splits += [(label, split) for label, _ in files]
        _check_part(tree, split, parent, files)
        found += chain.from_iterable(files.values())
    found.sort(key=lambda one: one.name)
    items = tuple(one for one in found if isinstance(one, Item))
    tree.report()
    return Listing(
        source=as_text(source),
        class_names=_classes(tree, class_splits, items, reading),
        items=items,
        rejected=tuple(one for one in found if isinstance(one, Rejected)),
        links=tree.links,
    )


def _class_folders(tree: Tree, parent: Path) -> Iterator[tuple[str, Path]]:
    """(class name, folder), refusing two folders of one name: what differs is not seen, or has no place in a class name."""
    seen: dict[str, str] = {}
    for folder in tree.folders(parent):
        label = normalize(folder.name, as_text(parent))
        if seen.setdefault(label, folder.name) != folder.name:
            raise clash(seen[label], folder.name, as_text(parent))
        yield label, folder


def _strays(tree: Tree, parent: Path) -> Iterator[Rejected]:
    """Images that lie beside the class folders and so have no class."""
    for entry in tree.entries(parent):
        if is_image_name(entry.name) and not is_folder(entry):
            yield Rejected(tree.name(entry), "not in a class folder")


def _files(tree: Tree, label: str, folder: Path, split: str | None) -> Iterator[Item | Rejected]:
    for path in tree.files(folder):
        yield listed(path, tree.name(path), label, split) if isinstance(path, Path) else path


def _check_part(tree: Tree, split: str | None, parent: Path, files: Mapping[tuple[str, Path], Sequence[Item | Rejected]]) -> None:
    """Raise DataError where what is there would be lost without an error: most images of a class, or a given split."""
    linked = [tree.name(folder) for (_, folder), inside in files.items() if _mostly_links(inside)]
    if linked:
        raise DataError(f"{as_text(tree.root)}: the images of these folders are links that lead out of it:{listed_lines(linked)}", FOLLOW)
    if split and not any(isinstance(one, Item) for inside in files.values() for one in inside):
        raise DataError(
            f"{as_text(parent)} has no images in class folders, so {split} would be empty",
            f"add them as {as_text(parent.name)}/CLASS/*.jpg, or move the folder elsewhere; if it is a class: --set data.layout=classes",
        )


def _mostly_links(inside: Sequence[Item | Rejected]) -> bool:
    links = sum(isinstance(one, Rejected) and one.reason == LEADS_OUT for one in inside)
    return links > sum(isinstance(one, Item) for one in inside)


def _classes(tree: Tree, class_splits: list[tuple[str, str | None]], items: Sequence[Item], reading: Reading) -> tuple[str, ...]:
    try:
        return check(class_splits, Counter(item.class_name for item in items), as_text(tree.root), reading.spellings)
    except DataError as error:
        inner = tree.folders(tree.root)
        if len(class_splits) == 1 and len(inner) == 1 and len(tree.folders(inner[0])) > 1:
            raise DataError(error.problem, f"did you mean {as_text(inner[0])}?") from None
        raise
