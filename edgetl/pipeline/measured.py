"""Keep the predictions that a validation measured: a report shows them again, and needs neither the models nor all images for that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetl.data.stored import make_room
from edgetl.export.exported import name_of
from edgetl.files import DAMAGED_NPZ, atomic, check_arrays, sha256
from edgetl.run_folder import RunFolder
from edgetl.run_record import ValidateFacts

_OF = "probabilities of "  # before a model's name
_FAMILY = "measured-"


@dataclass(frozen=True, eq=False)
class KeptPredictions:
    """Predictions of several models for the images that measure; row i of each array is the same image.

    Args:
        names, hashes: N names, and the sha256 of the files' bytes.
        label_ids: integers [N], or [N, K] of 0 and 1 where images may show several classes.
        probabilities: float32 [N, K] by the model's name in the validation.
    """

    names: tuple[str, ...]
    hashes: tuple[str, ...]
    label_ids: NDArray[np.integer]
    probabilities: Mapping[str, NDArray[np.float32]]


def keep(run: RunFolder, measured: KeptPredictions) -> None:
    """Keep what the run's validation, which is written already, was made from; unless it is too much."""
    if not make_room(run.cache, f"{_FAMILY}*.npz", measured.probabilities.values()):
        return
    arrays: dict[str, Any] = {_OF + name: found for name, found in measured.probabilities.items()}
    with atomic(_path(run)) as temporary, temporary.open("wb") as file:
        np.savez(file, names=measured.names, hashes=measured.hashes, label_ids=measured.label_ids, **arrays)


def find(run: RunFolder) -> KeptPredictions | None:
    """Return what the run's present validation was made from; None: it is not there, and the models have to predict again."""
    try:
        path = _path(run)
        check_arrays(path)
        with np.load(path, allow_pickle=False) as arrays:
            return KeptPredictions(
                names=tuple(arrays["names"].tolist()),
                hashes=tuple(arrays["hashes"].tolist()),
                label_ids=arrays["label_ids"],
                probabilities={name.removeprefix(_OF): arrays[name] for name in arrays.files if name.startswith(_OF)},
            )
    except DAMAGED_NPZ:  # the cache may be deleted at any time
        return None


def known(run: RunFolder, model: Path, names: Sequence[str]) -> NDArray[np.float32] | None:
    """Return what a file of the run predicted for these images, float32 [N, K], when it was validated; None: that is not known."""
    facts = run.read().find("validate", ValidateFacts)
    if facts is None or facts.files.get(model.relative_to(run.path).as_posix()) != sha256(model):
        return None
    found = find(run)
    return found.probabilities.get(name_of(model)) if found and found.names == tuple(names) else None


def _path(run: RunFolder) -> Path:
    return run.cache / f"{_FAMILY}{sha256(run.validation)[:16]}.npz"
