"""Saliency: where a model looks, by Grad-CAM, and a check that it matters: hide parts of the image."""

from dataclasses import dataclass
from typing import Any

from edgetl.keras import class_probabilities, keras, layers, tf

import numpy as np
from numpy.typing import NDArray

from edgetl.contract import Contract
from edgetl.explanation.results import SaliencyFigures

_WINDOW = 0.35  # of the image's edge, hidden at a time: an eighth of its area, enough to cover what matters, not enough to cover all
_IDLE = (layers.InputLayer, layers.ZeroPadding2D)  # no map, and one that is shifted
_PLACES = 7  # along each edge: 49 windows that overlap, spread evenly, so that no chance is in the figures


@dataclass(frozen=True, eq=False)
class Saliency:
    """Where a model looks for a class, and whether it needs what it sees there.

    Args:
        map: float32 [H, W] in 0..1 over the image: how much each place speaks for the class; zeros where nothing does.
    """

    map: NDArray[np.float32]
    figures: SaliencyFigures


def last_map(model: Any) -> str:
    """Return the name of the last layer whose output has more than one place, before they are pooled."""
    spread = [
        layer.name
        for layer in model.layers
        if len(layer.output.shape) == 4 and layer.output.shape[1] * layer.output.shape[2] > 1 and not isinstance(layer, _IDLE)  # N, H, W, C
    ]
    if not spread:
        raise ValueError(f"{model.name} has no feature map with more than one place")
    return str(spread[-1])


def saliency(model: Any, layer: str, contract: Contract, image: NDArray[np.uint8], label: int | None = None) -> Saliency:
    """Compute the saliency of an image, uint8 [H, W, C].

    Args:
        model: normalized float32 [N, H, W, C] to logits [N, K].
        layer: whose output is looked at, see `last_map`; the same name for a fake-quantized model.
        label: index of the class that is asked for; None: the most probable one.
    """
    probabilities = _probabilities(model, contract, image[None])[0]
    top1, several = int(probabilities.argmax()), contract.output.several
    label = top1 if label is None else label
    top1 = label if several else top1
    shown = contract.output.present(probabilities[None])[0]
    height, width, channels = image.shape
    seen = tf.image.resize(_cam(model, layer, contract, image, label)[..., None], (height, width)).numpy()[..., 0]
    edge, starts = _windows(height, width)
    hidden = np.repeat(image[None], len(starts), axis=0)
    colour = np.rint(image.reshape(-1, channels).mean(axis=0)).astype(np.uint8)  # of the image: no edge that is new to the model
    for copy, (top, left) in zip(hidden, starts, strict=True):
        copy[top : top + edge, left : left + edge] = colour
    drops = probabilities[label] - _probabilities(model, contract, hidden)[:, label]
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


def explained_classes(model: Any, contract: Contract, image: NDArray[np.uint8]) -> list[int]:
    """Return the indices of the classes of an image uint8 [H, W, C] that are worth an explanation: those that the model finds.

    That is the one that it predicts; and where it finds none of several, or rejects the image, the most probable one.
    """
    probabilities = _probabilities(model, contract, image[None])
    found = np.flatnonzero(contract.output.present(probabilities)[0]).tolist() if contract.output.several else []
    return found or [int(probabilities[0].argmax())]


def _windows(height: int, width: int) -> tuple[int, list[tuple[int, int]]]:
    edge = round(_WINDOW * min(height, width))
    tops, lefts = (np.linspace(0, size - edge, _PLACES).round().astype(int).tolist() for size in (height, width))
    return edge, [(top, left) for top in tops for left in lefts]


def _probabilities(model: Any, contract: Contract, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    logits = model(contract.normalize(images.astype(np.float32)), training=False)
    found: NDArray[np.float32] = class_probabilities(logits, contract.output).numpy()
    return found


def _cam(model: Any, layer: str, contract: Contract, image: NDArray[np.uint8], label: int) -> Any:
    """Compute float32 [h, w]: channels weighted by their effect on the logit, positive part (Selvaraju et al. 2017, arXiv:1610.02391)."""
    names = {one.name for one in model.layers}
    end = f"quantize_{layer}" if f"quantize_{layer}" in names else layer  # the values that the next operator reads
    both = keras.Model(model.input, [model.get_layer(end).output, model.output])
    with tf.GradientTape() as tape:
        features, logits = both(contract.normalize(image[None].astype(np.float32)), training=False)
        logit = logits[0, label]
    weights = tf.reduce_mean(tape.gradient(logit, features), axis=(1, 2), keepdims=True)
    seen = tf.nn.relu(tf.reduce_sum(weights * features, axis=-1))[0]
    return tf.math.divide_no_nan(seen, tf.reduce_max(seen))
