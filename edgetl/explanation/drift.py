"""Drift: the int8 file against the float model, layer by layer, so that a divergence is found where it starts."""

import logging
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from edgetl.keras import graph_of_images, keras, tf

import numpy as np

from edgetl.contract import Contract
from edgetl.data.base import Pixels
from edgetl.explanation.inner import InnerTensors
from edgetl.importing.tflite_reader import read
from edgetl.progress import progress
from edgetl.quantization.quantized import Quantized, ranged_layers
from edgetl.quantization.results import Drift
from edgetl.quantization.sensitivity import decibels

logger = logging.getLogger(__name__)

_BATCH = 16  # images: every layer's float output of a batch is held at once, about 100 MB for MobileNetV2 at 128 px
_FULL_GRID_DB = 48.2  # 20 log10 256, of values spread evenly over 256 steps: what counts for an input that is exact, as images are


def drift(float_model: Any, content: bytes, contract: Contract, pixels: Pixels, rows: np.ndarray) -> list[Drift]:
    """Compute the drift of every operator, in the network's order; a warning names those that the file holds no tensor of.

    Args:
        content: the int8 TFLite file.
        pixels, rows: uint8 images [N, H, W, 3] and which of them to look at.
    """
    names = ranged_layers(float_model)
    tensors = tensors_of(content, names)
    if len(tensors) < len(names):
        missing = ", ".join(name for name in names if name not in tensors)
        logger.warning(f"the int8 file has no tensor of {missing}, whose drift is not known")
    file, model = InnerTensors(content, list(tensors.values())), _as_high(float_model, contract)
    ends = keras.Model(model.input, [model.get_layer(name).output for name in tensors])

    @graph_of_images(contract.shape)
    def outputs(batch: Any) -> Any:
        return ends(contract.normalize(tf.cast(batch, tf.float32)), training=False)

    sums = np.zeros((len(tensors), 2))  # signal, noise
    with progress("drift", len(rows)) as tick:
        for start in range(0, len(rows), _BATCH):
            batch = pixels[rows[start : start + _BATCH]]
            wanted = [output.numpy() for output in outputs(batch)]
            for row, image in enumerate(batch):
                for operator, found in enumerate(file(image)):
                    expected = wanted[operator][row].reshape(found.shape)
                    sums[operator] += np.square(expected).sum(dtype=np.float64), np.square(found - expected).sum()
                tick(1)
    ratios = {name: decibels(*map(float, pair)) for name, pair in zip(tensors, sums, strict=True)}
    steps = [scale for scale, _ in file.grids]
    return [
        Drift(operator=name, signal_to_noise_db=ratios[name], step=step, lost_db=_lost(float_model.get_layer(name), ratios))
        for name, step in zip(tensors, steps, strict=True)
    ]


def tensors_of(content: bytes, names: Sequence[str]) -> dict[str, int]:
    """Return layer name -> tensor that holds its output, in the order of `names`, the network's; a layer without one is left out.

    The converter calls an operator's output after all that it fused, such as "net/conv_relu/Relu6;net/conv/Conv2D;net/pad/Pad": it ends
    the last of those layers. What takes several operators is at hand behind the last of them.
    """
    graph = read(content).subgraphs[0]
    found: dict[str, int] = {}
    for index in [int(index) for operator in graph.operators for index in operator.outputs]:
        scopes = {
            scope.removeprefix("quantize_") for part in graph.tensors[index].name.decode().split(";") for scope in part.split("/")[:-1]
        }
        ended = [name for name in names if name in scopes]
        # What is made float again, for an operator that stays so, is called after the layer too: the integers before count.
        if ended and (_is_quantized(graph.tensors[index]) or not _is_quantized(graph.tensors[found.get(ended[-1], index)])):
            found[ended[-1]] = index
    return {name: found[name] for name in names if name in found}


def _is_quantized(tensor: Any) -> bool:
    return tensor.quantization is not None and tensor.quantization.scale is not None


def _as_high(float_model: Any, contract: Contract) -> Any:
    """Return the float model with the hard-sigmoids, and what is computed from them, as many times too high as in the file.

    By the very code that the file is made with: fitting a factor to the outputs would also hide a grid that has a wrong one.
    """
    weights = {layer.name: layer.get_weights() for layer in float_model.layers if layer.weights}
    return Quantized(weights, {}).to_keras(float_model, contract)


def _lost(layer: Any, ratios: Mapping[str, float | None]) -> float:
    def ratio_db(name: str) -> float:
        ratio = ratios[name]
        return _FULL_GRID_DB if ratio is None else ratio

    return min(map(ratio_db, _read(layer, ratios)), default=_FULL_GRID_DB) - ratio_db(layer.name)


def _read(layer: Any, known: Container[str]) -> Iterator[str]:
    """Yield the nearest known layers before this one, of every branch that it reads."""
    sources = layer.inbound_nodes[0].inbound_layers
    for source in sources if isinstance(sources, list) else [sources]:
        if source.name in known:
            yield source.name
        else:
            yield from _read(source, known)
