"""Facts about the images, and what a check finds in them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgetl.data.base import Rejected, names_shown, shown_by
from edgetl.wording import joined, quoted


@dataclass(frozen=True)
class ImageFacts:
    """Facts about one image.

    Args:
        sha256: of the file's bytes.
        size: width and height in pixels, upright.
        mode: Pillow's name of the colour mode in which the file is stored ("RGB", "L", "CMYK", ...).
        orientation: by EXIF; 1 is upright as stored.
        damage: what is lost; empty: nothing.
        contrast: standard deviation of the brightest-varying channel, in levels of 255.
        colour_bits: entropy of the colours in steps of 8 levels, in bits a pixel: 0 for one colour, about 9 for a photograph.
        thumbnail: uint8 [T, T] grey levels of the whole image, whatever its aspect ratio.
    """

    sha256: str
    size: tuple[int, int]
    mode: str
    orientation: int
    damage: str
    contrast: float
    colour_bits: float
    thumbnail: NDArray[np.uint8]


@dataclass(frozen=True)
class ImagePair:
    """Rows of two images, and their likeness: 1.0 for the same file, below it the correlation of their thumbnails."""

    first: int
    second: int
    likeness: float


@dataclass(frozen=True, eq=False)
class DatasetFacts:
    """Facts about all usable images, row by row, and the files that cannot be used.

    Args:
        class_names: K names.
        label_ids: int [N], indices into `class_names`; int [N, K] of 0 and 1 where an image may show several classes.
        splits: N of "train", "val" and "test", as training would have them.
        rejected: files that cannot be used, and why.
        pairs: copies and near copies, each pair once.
        features: float32 [N, C] of a pretrained network; None: it was not run.
    """

    class_names: tuple[str, ...]
    names: tuple[str, ...]
    label_ids: NDArray[np.int64]
    splits: tuple[str, ...]
    images: tuple[ImageFacts, ...]
    rejected: tuple[Rejected, ...]
    pairs: tuple[ImagePair, ...]
    features: NDArray[np.float32] | None

    def __post_init__(self) -> None:
        lengths = {len(self.names), len(self.label_ids), len(self.splits), len(self.images)}
        if len(lengths) != 1 or (self.features is not None and len(self.features) != len(self.names)):
            raise ValueError(f"the rows differ in number: {sorted(lengths)}")

    @property
    def several(self) -> bool:
        """Whether an image may show several classes, or none."""
        return self.label_ids.ndim == 2

    @property
    def shown(self) -> NDArray[np.bool_]:
        """Which classes each image shows, bool [N, K]."""
        return shown_by(self.label_ids, len(self.class_names))

    def class_name(self, row: int) -> str:
        """Return the class of an image; of several all of them."""
        return joined(quoted(names_shown(self.label_ids[row], self.class_names))) or "none"

    def same_classes(self, first: int, second: int) -> bool:
        """Return whether two images have the same label, or the same labels."""
        return bool(np.array_equal(self.label_ids[first], self.label_ids[second]))


@dataclass(frozen=True)
class Finding:
    """One thing that may be wrong.

    Args:
        name: of the image or class, as `kind` says.
        detail: what is wrong with it, in a few words.
        others: names of the images that it is like.
        score: confidence in 0..1; findings come surest first.
        exclude: images that should be left out.
        consider: images that should be left out if a person agrees.
    """

    name: str
    detail: str
    others: tuple[str, ...] = ()
    score: float = 1.0
    exclude: tuple[str, ...] = ()
    consider: tuple[str, ...] = ()
    kind: Literal["image", "class"] = "image"


Check = Callable[[DatasetFacts], Iterator[Finding]]
