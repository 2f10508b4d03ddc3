"""The inner tensors of a TFLite file, as the runtime of phones and boards computes them."""

from collections.abc import Sequence

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from edgetl.console import hushed
from edgetl.importing.tflite_reader import packed, read


class InnerTensors:
    """A TFLite file of one image at a time whose inner tensors can be read.

    They are made outputs: XNNPACK, which phones and boards use, then still computes them. LiteRT's own way to keep all tensors turns it
    off, and the builtin kernels, which replace it, round twice.

    Args:
        content: the file.
        tensors: their indices in it.
    """

    def __init__(self, content: bytes, tensors: Sequence[int]) -> None:
        model = read(content)
        graph = model.subgraphs[0]
        graph.outputs = [*graph.outputs, *(index for index in tensors if index not in graph.outputs)]
        with hushed():
            self._interpreter = Interpreter(model_content=packed(model), num_threads=1)
            self._interpreter.allocate_tensors()
        [image] = self._interpreter.get_input_details()
        self._image, self._type = image["index"], image["dtype"]
        grids = {one["index"]: one["quantization"] for one in self._interpreter.get_output_details()}
        self.grids: list[tuple[float, int]] = [grids[index] for index in tensors]
        self._tensors = tensors

    def __call__(self, image: np.ndarray) -> list[np.ndarray]:
        """uint8 [H, W, C] to the real values of the tensors, float64, in their order."""
        self._interpreter.set_tensor(self._image, image[None].astype(self._type))
        self._interpreter.invoke()
        values = (self._interpreter.get_tensor(index).astype(np.float64) for index in self._tensors)
        return [(value - zero_point) * (scale or 1.0) for value, (scale, zero_point) in zip(values, self.grids, strict=True)]
