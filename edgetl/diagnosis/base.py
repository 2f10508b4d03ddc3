"""What was seen of the images, and what a check finds in it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edgetl.data.base import Rejected


@dataclass(frozen=True)
class Look:
    """What one image is like.

    Args:
        sha256: of the file's bytes.
        size: width and height in pixels, upright.
        mode: how the pixels are stored, in Pillow's words ("RGB", "L", "CMYK", ...).
        orientation: by EXIF; 1 is upright as stored.
        damage: what is lost, or "".
        contrast: standard deviation of the brightest-varying channel, in levels of 255.
        thumbnail: uint8 [T, T] grey levels of the whole image, whatever its aspect ratio.
    """

    sha256: str
    size: tuple[int, int]
    mode: str
    orientation: int
    damage: str
    contrast: float
    thumbnail: NDArray[np.uint8]


@dataclass(frozen=True)
class Pair:
    """Rows of two images, and how much alike they are: 1.0 the same file, below it the correlation of their thumbnails."""

    first: int
    second: int
    likeness: float


@dataclass(frozen=True, eq=False)
class Seen:
    """All usable images, row by row, and the files that are none.

    Args:
        class_names: K names.
        label_ids: int [N], indices into `classes`.
        splits: N of "train", "val" and "test", as training would have them.
        rejected: what cannot be used, and why.
        pairs: copies and near copies, each pair once.
        features: float32 [N, C] of a pretrained network, or None where it was not asked.
    """

    class_names: tuple[str, ...]
    names: tuple[str, ...]
    label_ids: NDArray[np.int64]
    splits: tuple[str, ...]
    looks: tuple[Look, ...]
    rejected: tuple[Rejected, ...]
    pairs: tuple[Pair, ...]
    features: NDArray[np.float32] | None

    def __post_init__(self) -> None:
        lengths = {len(self.names), len(self.label_ids), len(self.splits), len(self.looks)}
        if len(lengths) != 1 or (self.features is not None and len(self.features) != len(self.names)):
            raise ValueError(f"rows of different number: {sorted(lengths)}")

    def class_name(self, row: int) -> str:
        return self.class_names[int(self.label_ids[row])]


@dataclass(frozen=True)
class Finding:
    """One thing that may be wrong.

    Args:
        what: the name of what `kind` says.
        detail: what is wrong with it, in a few words.
        others: images that it has to do with.
        score: how sure it is, in 0..1; findings come surest first.
        exclude: images that are better left out.
        consider: images that are better left out if a person agrees.
    """

    what: str
    detail: str
    others: tuple[str, ...] = ()
    score: float = 1.0
    exclude: tuple[str, ...] = ()
    consider: tuple[str, ...] = ()
    kind: Literal["image", "class"] = "image"

    def to_dict(self) -> dict[str, Any]:
        return {self.kind: self.what, "detail": self.detail, "others": list(self.others), "score": round(self.score, 3)}


Check = Callable[[Seen], Iterator[Finding]]
