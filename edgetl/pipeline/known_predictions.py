"""Predictions that an export keeps for the validation after it: the very same file need not predict the same images again."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from edgetl.keras import device_name

import numpy as np
from numpy.typing import NDArray

from edgetl.data.base import Pixels
from edgetl.data.stored import make_room, read_array, write_array
from edgetl.files import fingerprint, sha256
from edgetl.pipeline.project import Project
from edgetl.runtimes.cpu import cpu_facts
from edgetl.software import software

_VERSION = 1  # raise it when a session gives other predictions of the same pixels by the same file
_FAMILY = "export-"
_AT_A_TIME = 256  # images, of which only some may be in memory


@dataclass(frozen=True)
class KnownPredictions:
    """Predictions of one choice of images.

    Args:
        folder: where they are; it may be deleted at any time.
        identity: of all that they depend on beside the model's file: the pixels in their order, the contract, the versions of the
            runtimes, the processor.
    """

    folder: Path
    identity: str

    @classmethod
    def of(cls, project: Project, rows: NDArray[np.int64]) -> "KnownPredictions":
        """Return what is kept of a run's images in these rows."""
        pixels, contract = _digest(project.data.trained_images().pixels, rows), project.contract.to_json()
        return cls(project.run.cache, fingerprint(_VERSION, pixels, contract, software(), asdict(cpu_facts()), device_name()))

    def find(self, model: Path) -> NDArray[np.float32] | None:
        """Return the probabilities float32 [N, K] of a model's file; None: it has to predict."""
        return read_array(self._path(model))

    def keep(self, found: Mapping[Path, NDArray[np.float32]]) -> None:
        """Keep the probabilities of these models' files in place of all that were kept before, unless they are too many."""
        if make_room(self.folder, f"{_FAMILY}*.npy", found.values()):
            for model, probabilities in found.items():
                write_array(self._path(model), probabilities)

    def _path(self, model: Path) -> Path:
        return self.folder / f"{_FAMILY}{fingerprint(self.identity, sha256(model))}.npy"


def _digest(pixels: Pixels, rows: NDArray[np.int64]) -> str:
    digest = hashlib.sha256()
    for start in range(0, len(rows), _AT_A_TIME):
        digest.update(np.asarray(pixels[rows[start : start + _AT_A_TIME]]).tobytes())
    return digest.hexdigest()
