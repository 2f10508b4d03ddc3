"""Saliency: where a model looks, by Grad-CAM, and a check that it matters: hide parts of the image."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgetl.contract import Contract
from edgetl.explanation.inner import InnerTensors
from edgetl.explanation.results import SaliencyFigures
from edgetl.explanation.tail import Tail
from edgetl.importing.base import Wish
from edgetl.importing.tflite_file import IMPORTER
from edgetl.importing.tflite_operators import tensor_index

_WINDOW = 0.35  # of the image's edge, hidden at a time: an eighth of its area, enough to cover what matters, not enough to cover all
_PLACES = 7  # along each edge: 49 windows that overlap, spread evenly, so that no chance is in the figures


@dataclass(frozen=True, eq=False)
class Saliency:
    """Where a model looks for a class, and whether it needs what it sees there.

    Args:
        map: float32 [H, W] in 0..1 over the image: how much each place speaks for the class; zeros where nothing does.
    """

    map: NDArray[np.float32]
    figures: SaliencyFigures


class Seen:
    """A model file whose last map can be seen, with what speaks in it for a class.

    Args:
        path: a TFLite file of one image at a time, as edgetl exports it.
    """

    def __init__(self, path: Path) -> None:
        graph, _ = IMPORTER.read(path, Wish())
        self._tail = Tail.of(graph)
        self._known = (self._tail.features, *(one for one in self._tail.others if one != self._tail.features))
        self._inner = InnerTensors(path.read_bytes(), [tensor_index(name) for name in self._known])

    @property
    def layer(self) -> str:
        """The name of the last layer whose output has more than one place, before they are pooled."""
        return self._tail.layer.partition(";")[0].removesuffix("_activation")

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return probabilities [N, K] of images uint8 [N, H, W, C]."""
        found = zip(*(self._inner(image) for image in images), strict=True)  # a list for each tensor
        values = self._tail.values(dict(zip(self._known, map(np.concatenate, found), strict=True)))
        return values[self._tail.output]

    def cam(self, image: NDArray[np.uint8], label: int) -> NDArray[np.float32]:
        """Compute Grad-CAM (arXiv:1610.02391), float32 [h, w] in 0..1: channels weighted by their effect on the logit, positive part."""
        values = self._tail.values(dict(zip(self._known, self._inner(image), strict=True)))
        weights = self._tail.gradient(values, label).mean(axis=(1, 2), keepdims=True)
        seen = np.maximum((weights * values[self._tail.features]).sum(axis=-1)[0], 0)
        found: NDArray[np.float32] = (seen / (seen.max() or 1.0)).astype(np.float32)
        return found


def saliency(model: Seen, contract: Contract, image: NDArray[np.uint8], label: int | None = None) -> Saliency:
    """Compute the saliency of an image, uint8 [H, W, C].

    Args:
        label: index of the class that is asked for; None: the most probable one.
    """
    probabilities = model.probabilities(image[None])[0]
    top1, several = int(probabilities.argmax()), contract.output.several
    label = top1 if label is None else label
    top1 = label if several else top1
    shown = contract.output.present(probabilities[None])[0]
    height, width, channels = image.shape
    seen = np.asarray(Image.fromarray(model.cam(image, label)).resize((width, height), Image.Resampling.BILINEAR))
    edge, starts = _windows(height, width)
    hidden = np.repeat(image[None], len(starts), axis=0)
    colour = np.rint(image.reshape(-1, channels).mean(axis=0)).astype(np.uint8)  # of the image: no edge that is new to the model
    for copy, (top, left) in zip(hidden, starts, strict=True):
        copy[top : top + edge, left : left + edge] = colour
    drops = probabilities[label] - model.probabilities(hidden)[:, label]
    most = int(np.argmax([seen[top : top + edge, left : left + edge].sum() for top, left in starts]))
    others = np.delete(drops, most)
    top, left = starts[most]
    figures = SaliencyFigures(
        top1=top1,
        top1_probability=float(probabilities[top1]),
        probability=float(probabilities[label]),
        window=(top, left, edge),
        drop=float(drops[most]),
        drop_elsewhere=float(others.mean()),
        beaten=float((others < drops[most]).mean()),
        present=bool(shown[label]) if several else None,
        unknown=not several and not shown.any(),
    )
    return Saliency(seen, figures)


def explained_classes(model: Seen, contract: Contract, image: NDArray[np.uint8]) -> list[int]:
    """Return the indices of the classes of an image uint8 [H, W, C] that are worth an explanation: those that the model finds.

    That is the one that it predicts; and where it finds none of several, or rejects the image, the most probable one.
    """
    probabilities = model.probabilities(image[None])
    found = np.flatnonzero(contract.output.present(probabilities)[0]).tolist() if contract.output.several else []
    return found or [int(probabilities[0].argmax())]


def _windows(height: int, width: int) -> tuple[int, list[tuple[int, int]]]:
    edge = round(_WINDOW * min(height, width))
    tops, lefts = (np.linspace(0, size - edge, _PLACES).round().astype(int).tolist() for size in (height, width))
    return edge, [(top, left) for top in tops for left in lefts]
