"""Weights that were pretrained here, in one file: NumPy's .npz with a JSON header that says what they are of. No pickle, no code."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgetl.keras import keras

import numpy as np

from edgetl.errors import WeightsError
from edgetl.files import DAMAGED_NPZ, atomic

SUFFIX = ".npz"
_SCHEMA = 1


def save(path: Path, model: keras.Model, header: Mapping[str, Any]) -> None:
    """Write a backbone's weights, float32 in the order of its layers.

    Args:
        header: "backbone" and "alpha" of the registry, and whatever else is to be known of them.
    """
    facts = json.dumps({"schema": _SCHEMA} | dict(header), ensure_ascii=False)
    arrays = {f"weight{number}": array for number, array in enumerate(model.get_weights())}
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.savez(file, header=np.array(facts), **arrays)


def load(path: Path, model: keras.Model, alpha: float) -> None:
    """Put the file's weights into a built backbone. Raises WeightsError when it is damaged or of another backbone or alpha."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            header = json.loads(str(saved["header"]))
            arrays = [saved[f"weight{number}"] for number in range(len(saved.files) - 1)]
        of = f"{header['backbone']} at alpha {header['alpha']:g}"
        if header["schema"] != _SCHEMA:
            raise ValueError(f"its schema is {header['schema']}, not {_SCHEMA}")
    except (*DAMAGED_NPZ, TypeError) as error:
        raise WeightsError(f"{path} is not a backbone file: {error}", "make one with 'edgetl pretrain DATA --out FILE'") from error
    if [array.shape for array in arrays] != [weight.shape for weight in model.get_weights()]:
        raise WeightsError(
            f"{path} holds {of}, which does not match this backbone at alpha {alpha:g}",
            "name the same --backbone and --alpha, or pretrain this one with 'edgetl pretrain'",
        )
    model.set_weights(arrays)
