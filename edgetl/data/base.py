"""Define what a source lists and what is read from it: the values that every other file of this folder speaks in."""

import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from edgetl.files import fingerprint
from edgetl.output import Task

SPLITS = ("train", "val", "test")
BETWEEN = "|"  # the classes of an image that may show several
# Files are read whole. The largest image that decoding lets through, uncompressed at Pillow's pixel limit, has 358 MB.
_MAX_BYTES = 512 * 2**20


@dataclass(frozen=True)
class Item:
    """One image that was listed and not yet read.

    Args:
        name: POSIX path relative to the source, or `digits:17` for an embedded image; always valid Unicode.
        class_name: its class; of a multi-label listing all classes that it shows, sorted, with `BETWEEN` between them.
        split: "train", "val" or "test" where the source says so.
        read: gives the file's bytes, or raises OSError.
        stamp: cheap identity of the content: size and times of a file (the time of its last change cannot be set, its time of
            modification can), a constant for an embedded image.
        size_bytes: of the file; 0 where only reading tells.
    """

    name: str
    class_name: str
    split: str | None
    read: Callable[[], bytes]
    stamp: str
    size_bytes: int = 0

    def __post_init__(self) -> None:
        if self.split is not None and self.split not in SPLITS:
            raise ValueError(f"'{self.split}' is not one of {SPLITS}")


@dataclass(frozen=True)
class Rejected:
    """A file that is left out, and why; `bad`: as one that cannot be used, which a link that is not followed is not."""

    name: str
    reason: str
    bad: bool = True


@dataclass(frozen=True)
class Link:
    """A folder that was reached by a link, or whose files are links, and the real path of the folder that they lead to."""

    name: str
    real_path: str


Layout = Literal["auto", "classes", "parts", "unlabelled"]
Spellings = Literal["auto", "refuse", "allow"]
AskedTask = Task | Literal["auto"]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a source on a disk is read.

    Args:
        layout: whether the folders at the top are classes, or parts (splits among them) that hold the classes; "auto": by their names;
            "unlabelled": folders say nothing, see `unlabelled`.
        follow_links: whether links to folders, or out of the source, are followed.
        spellings: whether two classes may differ in small and capital letters alone; "auto": where both have enough images.
        task: "auto": single-label, but as packed images say; what is clearly labelled otherwise is refused.
    """

    layout: Layout = "auto"
    follow_links: bool = False
    spellings: Spellings = "auto"
    task: AskedTask = "auto"


BY_NAMES = Reading()


def listed(path: Path, name: str, label: str, split: str | None) -> Item | Rejected:
    """Return a file as an image that was not yet read, or the reason why it cannot be one.

    Devices and pipes are refused, since reading one can wait for ever.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        return Rejected(name, reason(error))
    if not stat.S_ISREG(status.st_mode):
        return Rejected(name, "not a file")
    if status.st_size > _MAX_BYTES:
        return Rejected(name, f"larger than {_MAX_BYTES // 2**20} MiB")
    stamp = f"{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}"
    return Item(name, label, split, path.read_bytes, stamp, status.st_size)


def classes_in(class_name: str, task: Task) -> tuple[str, ...]:
    """Return the classes that an item's `class_name` names: one, or those that an image shows."""
    return (class_name,) if task == "single-label" else tuple(name for name in class_name.split(BETWEEN) if name)


def shown_by(label_ids: NDArray[np.integer], classes: int) -> NDArray[np.bool_]:
    """Return which classes images with these labels show, [N] or [N, K] as `Images` has them, as bool [N, K]."""
    found: NDArray[np.bool_] = label_ids == 1 if label_ids.ndim == 2 else label_ids[:, None] == np.arange(classes)
    return found


def names_shown(label_ids: NDArray[np.integer] | np.integer, class_names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the classes that one image shows, by its label, or by its labels [K]."""
    return tuple(class_names[int(k)] for k in np.flatnonzero(shown_by(np.asarray(label_ids)[None], len(class_names))))


def joined(class_names: Iterable[str]) -> str:
    """Return the `class_name` of an item that shows these classes."""
    return BETWEEN.join(sorted(set(class_names)))


def reason(error: OSError | ValueError) -> str:
    """Return an error of the file system in its own words, without the path that stands beside it anyway."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


@dataclass(frozen=True)
class Listing:
    """The images of a source, in the order in which it is read.

    Args:
        excluded: names that the user had left out; they are in neither of the others.
        links: the folders that were reached by links.
        labelled: somebody says of which class each image is; else its class is what a network predicts, and some classes may have none.
        complete: each class has images; else a trained network knows more classes than these images are of.
        background: images that show none of the classes, to learn from; None: there are none.
        task: whether each image is of one class, or shows any number of them.
    """

    source: str
    class_names: tuple[str, ...]
    items: tuple[Item, ...]
    rejected: tuple[Rejected, ...]
    excluded: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    labelled: bool = True
    background: "Listing | None" = None
    complete: bool = True
    task: Task = "single-label"

    @property
    def several(self) -> bool:
        """Whether an image may show several classes, or none."""
        return self.task == "multi-label"

    def shown(self, class_name: str) -> tuple[str, ...]:
        """Return the classes that an item's `class_name` names."""
        return classes_in(class_name, self.task)

    def label_ids(self, items: Sequence[Item]) -> NDArray[np.int32]:
        """Return the labels of items as `Images` has them."""
        place = {name: number for number, name in enumerate(self.class_names)}
        if not self.several:
            return np.array([place[item.class_name] for item in items], np.int32)
        found = np.zeros((len(items), len(place)), np.int32)
        for row, item in enumerate(items):
            found[row, [place[name] for name in self.shown(item.class_name)]] = 1
        return found

    @property
    def present(self) -> tuple[str, ...]:
        """The classes that must have images."""
        there = {name for item in self.items for name in self.shown(item.class_name)}
        return self.class_names if self.complete else tuple(name for name in self.class_names if name in there)

    def limited(self, count: int) -> "Listing":
        """At most `count` images of each class (or set of classes) and split, evenly over the list; 0: all."""
        if not count:
            return self
        groups: dict[tuple[str, str | None], list[int]] = {}
        for row, item in enumerate(self.items):
            groups.setdefault((item.class_name, item.split), []).append(row)
        kept = [group[len(group) * place // min(count, len(group))] for group in groups.values() for place in range(min(count, len(group)))]
        return replace(self, items=tuple(self.items[row] for row in sorted(kept)))

    @cached_property
    def stamp(self) -> str:
        """Identity of the listing without reading a file: the same as long as no file is added, removed, moved or rewritten."""
        return fingerprint([(item.name, item.class_name, item.split, item.stamp) for item in self.items])


class Pixels(Protocol):
    """uint8 [N, H, W, C]: an array, or what reads the rows that it is asked for."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> Any: ...
    def __len__(self) -> int: ...
    def __getitem__(self, rows: Any, /) -> Any: ...


@dataclass(frozen=True, eq=False)
class Images:
    """Decoded images and what is known of them; row i of each array is the same image.

    Args:
        pixels: uint8 [N, H, W, C], in memory or read from a file as they are asked for.
        label_ids: int32 [N], indices into `class_names`; of images that may show several classes int32 [N, K], 1 where they do.
        splits: str [N], each of SPLITS.
        names: N names, as in the listing.
        hashes: N sha256 of the files' bytes, hexadecimal.
        class_names: K class names, in the order of the label ids.
        rejected: what was left out.
        fingerprint: identity of the data set: names, labels, splits and contents, in no order.
        source, stamp: where it came from, and the listing's stamp.
    """

    pixels: Pixels
    label_ids: NDArray[np.int32]
    splits: NDArray[np.str_]
    names: tuple[str, ...]
    hashes: tuple[str, ...]
    class_names: tuple[str, ...]
    rejected: tuple[Rejected, ...]
    fingerprint: str
    source: str = ""
    stamp: str = ""

    def __post_init__(self) -> None:
        lengths = {len(self.pixels), len(self.label_ids), len(self.splits), len(self.names), len(self.hashes)}
        if len(lengths) != 1 or len(self.pixels.shape) != 4 or self.pixels.shape[-1] not in (1, 3) or self.pixels.dtype != np.uint8:
            raise ValueError(f"not images: {self.pixels.dtype} {self.pixels.shape}, lengths {sorted(lengths)}")

    @property
    def several(self) -> bool:
        """Whether an image may show several classes, or none."""
        return self.label_ids.ndim == 2

    @property
    def shown(self) -> NDArray[np.bool_]:
        """Which classes each image shows, bool [N, K]."""
        return shown_by(self.label_ids, len(self.class_names))

    def rows(self, split: str) -> NDArray[np.int64]:
        """Row numbers of a split, ascending; empty when there are none."""
        if split not in SPLITS:
            raise ValueError(f"'{split}' is not one of {SPLITS}")
        return np.flatnonzero(self.splits == split).astype(np.int64)
