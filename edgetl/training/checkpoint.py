"""Save after every epoch what a killed training needs to go on as if nothing had happened, in one .npz file."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import ConfigDict

from edgetl.documents import Part
from edgetl.files import DAMAGED_NPZ, atomic
from edgetl.run_record import Epoch
from edgetl.software import software
from edgetl.training.history import History
from edgetl.training.schedule import Schedule

logger = logging.getLogger(__name__)

Arrays = Sequence[np.ndarray]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Where a training stands.

    Args:
        values: of the variables, then of the state (the optimizers' variables and the like).
        best: the variables' values after the best epoch.
    """

    history: History
    values: list[np.ndarray]
    best: list[np.ndarray]


class _Header(Part):
    model_config = ConfigDict(allow_inf_nan=True)  # a training that diverged may be killed too

    identity: str
    software: dict[str, str]
    epochs: tuple[Epoch, ...]
    best_epoch: int


def save(schedule: Schedule, checkpoint: Checkpoint) -> None:
    """Write the checkpoint's file, completely or not at all."""
    history = checkpoint.history
    header = _Header(identity=schedule.identity, software=_software(), epochs=history.epochs, best_epoch=history.best_epoch)
    arrays: dict[str, Any] = {f"now{i}": value for i, value in enumerate(checkpoint.values)}
    arrays |= {f"best{i}": value for i, value in enumerate(checkpoint.best)}
    with atomic(schedule.checkpoint) as temporary, temporary.open("wb") as file:
        np.savez(file, header=np.array(header.model_dump_json()), **arrays)


def load(schedule: Schedule, variables: Arrays, state: Arrays) -> Checkpoint | None:
    """Return the checkpoint of a training of the same inputs by the same edgetl and TensorFlow, or None.

    Args:
        variables, state: current values, whose number and shapes the checkpoint must have.
    """
    name = schedule.checkpoint.name
    try:
        with schedule.checkpoint.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            header = _Header.model_validate_json(str(saved["header"]))
            if header.identity != schedule.identity:
                return None
            if header.software != _software():
                logger.warning(f"the checkpoint {name} is of other versions ({header.software}); starting this stage again")
                return None
            values = [saved[f"now{i}"] for i in range(len(variables) + len(state))]
            best = [saved[f"best{i}"] for i in range(len(variables))]
        for found, wanted in zip([*values, *best], [*variables, *state, *variables], strict=True):
            if found.shape != np.shape(wanted):
                raise ValueError(f"an array has the shape {found.shape} instead of {np.shape(wanted)}")
        if not 0 <= header.best_epoch <= len(header.epochs):
            raise ValueError(f"there is no epoch {header.best_epoch}")
    except FileNotFoundError:
        return None
    except DAMAGED_NPZ as error:
        logger.warning(f"the checkpoint {name} cannot be read ({error}); starting this stage again")
        return None
    return Checkpoint(History(header.epochs, header.best_epoch), values, best)


def _software() -> dict[str, str]:
    """Return the versions that must be the same for the second half of a training to match the first."""
    return {name: version for name, version in software().items() if name in ("edgetl", "tensorflow", "tf-keras")}
