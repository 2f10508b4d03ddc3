"""The float models of a run: loaded when a stage first needs them."""

from pathlib import Path
from typing import Any

from edgetl.keras import keras

import numpy as np
from numpy.typing import NDArray

from edgetl.backbones import keras_file
from edgetl.contract import Contract
from edgetl.errors import RunError
from edgetl.evaluation.parity import REFERENCE
from edgetl.pipeline.run_data import RunData
from edgetl.pipeline.settings import compresses
from edgetl.recipe import Recipe
from edgetl.run_folder import RunFolder
from edgetl.runtimes.base import predict
from edgetl.runtimes.keras import KerasSession


class RunModels:
    """The model that is quantized, which is the compressed one where the recipe compresses, and its predictions."""

    def __init__(self, run: RunFolder, recipe: Recipe, contract: Contract, data: RunData) -> None:
        self._run, self._contract, self._data = run, contract, data
        self.float_stage, self.float_path = ("compress", run.compressed_model) if compresses(recipe) else ("float", run.float_model)
        self.forget()

    def forget(self) -> None:
        """Drop what was loaded: the model was trained again."""
        self._float_model: keras.Model | None = None
        self._float_predictions: NDArray[np.float32] | None = None

    @property
    def float_model(self) -> keras.Model:
        """The model that is quantized. Raises RunError when it is not trained, or was changed since."""
        if self._float_model is None:
            self._run.intact(self.float_stage)
            self._float_model = _loaded(self.float_path)
        return self._float_model

    @property
    def float_predictions(self) -> NDArray[np.float32]:
        """Its probabilities of the validation images, float32 [N, K]."""
        if self._float_predictions is None:
            images, session = self._data.trained_images(), KerasSession(self.float_model, self._contract)
            self._float_predictions = predict(session, images.pixels, images.rows("val"), REFERENCE)
        return self._float_predictions

    def uncompressed(self) -> keras.Model:
        """Return the float model as it was before compression, loaded again at each call."""
        self._run.intact("float")
        return _loaded(self._run.float_model)


def _loaded(path: Path) -> Any:
    try:
        return keras_file.load(path)
    except keras_file.FAULTS as error:
        raise RunError(f"cannot read the model {path}: {error}", "train again, with --out naming another folder") from error
