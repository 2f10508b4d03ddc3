"""Compute what an imported network gives for labelled images, fed in one way or another."""

from edgetl.keras import tf

import numpy as np
from numpy.typing import NDArray

from edgetl.contract import Contract
from edgetl.data.base import Images, Listing
from edgetl.data.decode import decode
from edgetl.importing.base import ImportedModel
from edgetl.importing.convention import Convention, InputAffine
from edgetl.pipeline.imported.search import Feeding

_BATCH = 32  # keeps two cores busy


class Fed:
    """Computes what an imported network gives for pixels uint8 [n, H, W, C], fed by any convention; it is traced once."""

    def __init__(self, imported: ImportedModel) -> None:
        shape = tf.TensorSpec((None, *imported.model.input_shape[1:]))
        self._infer = tf.function(lambda x: imported.model(x, training=False), input_signature=[shape])
        self._inside = imported.preprocessing

    def __call__(self, convention: Convention, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """float32 [n, ...]."""
        affine = InputAffine.of(convention, self._inside)
        batches = (pixels[start : start + _BATCH] for start in range(0, len(pixels), _BATCH))
        return np.concatenate([self._infer(affine(batch)).numpy() for batch in batches])


class Tryout:
    """Computes logits of some images for any candidate.

    Args:
        images: as they are cropped.
        rows: those that measure.
        stretched: the contract of images that are stretched instead.
    """

    def __init__(self, imported: ImportedModel, images: Images, listing: Listing, rows: NDArray[np.int64], stretched: Contract) -> None:
        self._fed = Fed(imported)
        self.cropped: NDArray[np.uint8] = np.asarray(images.pixels[rows])
        named = {item.name: item for item in listing.items}
        self._items = [named[images.names[row]] for row in rows]
        self._contract, self._stretched = stretched, np.empty(0, np.uint8)

    @property
    def stretched(self) -> NDArray[np.uint8]:
        """The same images, stretched; they are read when that is first asked."""
        if not len(self._stretched):
            self._stretched = np.stack([decode(item.read(), self._contract) for item in self._items])
        return self._stretched

    def __call__(self, candidate: Feeding, part: slice) -> NDArray[np.float32]:
        """float32 [n, K] of that part of the images."""
        pixels = (self.cropped if candidate.resize == "crop" else self.stretched)[part]
        return self._fed(candidate.convention, pixels)


def alike(scores: Tryout) -> bool:
    """Return whether the images are of the input's proportions: cropped and stretched they are the same."""
    return np.array_equal(scores.cropped, scores.stretched)
