"""The index of a run's images (data.json): every image with its class, split and hash, and what was left out and why."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgetl.data.base import SPLITS, Images, Link, Rejected, joined
from edgetl.documents import Count, Document
from edgetl.output import Task


@dataclass(frozen=True)
class IndexedImage:
    """An image that a run was made from, with an item's `class_name`; sha256 is of the file's bytes."""

    name: str
    class_name: str
    split: str
    sha256: str

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise ValueError(f"'{self.split}' is not one of {SPLITS}")


class DataIndex(Document):
    """The images of a run, with `counts` by split and class.

    Args:
        rejected: files that could not be used.
        excluded: images that the user left out.
        links: folders that were reached by links, with their real paths.
    """

    source: str
    stamp: str
    fingerprint: str
    class_names: tuple[str, ...]
    counts: dict[str, dict[str, Count]]
    images: tuple[IndexedImage, ...]
    rejected: tuple[Rejected, ...]
    excluded: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    task: Task = "single-label"

    @classmethod
    def of(cls, images: Images, excluded: Sequence[str] = (), links: Sequence[Link] = ()) -> "DataIndex":
        """Return the index of images that were read."""
        shown = [[images.class_names[k] for k in np.flatnonzero(row)] for row in images.shown]
        class_names = [joined(names) for names in shown]
        splits = [str(split) for split in images.splits]
        counts = Counter((split, name) for split, names in zip(splits, shown, strict=True) for name in names)
        return cls(
            source=images.source,
            stamp=images.stamp,
            fingerprint=images.fingerprint,
            class_names=images.class_names,
            counts={split: {name: counts[split, name] for name in images.class_names} for split in SPLITS},
            images=tuple(IndexedImage(*image) for image in zip(images.names, class_names, splits, images.hashes, strict=True)),
            rejected=images.rejected,
            excluded=tuple(excluded),
            links=tuple(links),
            task="multi-label" if images.several else "single-label",
        )
