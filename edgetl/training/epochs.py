"""The epoch loop that fine-tuning and quantization-aware training share: best epoch kept, early stop, resumed after a kill."""

import json
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgetl.files import DAMAGED_NPZ, atomic
from edgetl.progress import progress
from edgetl.run_folder import software
from edgetl.run_record import Epoch, Training
from edgetl.training.team import ALONE, Steps, Team
from edgetl.training.tensorboard import Log

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Schedule:
    """How long to train.

    Args:
        epochs: at most this many.
        steps_per_epoch: batches in one.
        patience: stop after this many epochs without a better one.
        checkpoint: file to go on from after a kill; removed when the training is done.
        identity: of all inputs; a checkpoint of other inputs is not used.
        logs: folder that gets TensorBoard's logs, in a folder a training; None: none.
    """

    epochs: int
    steps_per_epoch: int
    patience: int
    checkpoint: Path
    identity: str
    logs: Path | None = None

    def part(self, name: str) -> "Schedule":
        """The same for a part of the training, with a checkpoint of its own beside this one's."""
        return replace(self, checkpoint=self.checkpoint.with_stem(f"{self.checkpoint.stem}-{name}"))

    def finish(self) -> None:
        """Remove the checkpoints, its own and its parts'."""
        for checkpoint in self.checkpoint.parent.glob(f"{self.checkpoint.stem}*"):
            checkpoint.unlink()


@dataclass
class History:
    """What happened: one entry an epoch."""

    entries: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = -1

    @property
    def best(self) -> dict[str, float]:
        return self.entries[self.best_epoch] if self.best_epoch >= 0 else {}

    def training(self) -> Training:
        """Return what is recorded of it."""
        return Training(tuple(Epoch(**entry) for entry in self.entries), self.best_epoch + 1)

    def beats(self, start: tuple[float, float]) -> bool:
        """Whether the best epoch is better than (accuracy, loss)."""
        return self.best_epoch >= 0 and (self.best["val_accuracy"], -self.best["val_loss"]) > (start[0], -start[1])

    def is_better(self, score: Sequence[float]) -> bool:
        return self.best_epoch < 0 or tuple(score) > (self.best["val_accuracy"], -self.best["val_loss"])


def train_epochs(
    description: str,
    schedule: Schedule,
    variables: Sequence[Any],
    state: Sequence[Any],
    batches: Callable[[int], Iterable[tuple[Any, ...]]],
    steps: Steps,
    validate: Callable[[], tuple[float, float]],
    start_counts: bool = False,
    team: Team = ALONE,
) -> History:
    """Train, and leave the best epoch's values in `variables`.

    Args:
        variables: the model's, of which the best epoch is kept.
        state: the optimizer's, needed to go on after a kill.
        batches: epoch number to its batches.
        steps: trains the model on an epoch's batches, see `Team.steps`.
        validate: (accuracy, loss) on the validation images now; best means highest accuracy, then lowest loss.
        start_counts: keep the values from before training, and no epoch's, when no epoch is better.
        team: who trains in step; rank 0 validates, decides and writes for all.
    """
    start = ([variable.numpy() for variable in variables], validate()) if start_counts else None
    history, best = resume(schedule, variables, state, team)
    started = len(history.entries)
    log = Log(schedule.logs and schedule.logs / description.replace(" ", "_") if team.rank == 0 else None, going_on=started > 0)
    with progress(description, schedule.epochs * schedule.steps_per_epoch) as tick:
        tick(started * schedule.steps_per_epoch)
        for epoch in range(started, schedule.epochs):
            if epoch - history.best_epoch > schedule.patience:
                logger.info(f"{description}: no better epoch for {schedule.patience}, stopping")
                break
            begun, number, sums = time.monotonic(), 0, np.zeros(2)
            for done, *parts in steps(batches(epoch)):
                number, sums = number + done, sums + parts
                tick(done, f"epoch {epoch + 1}/{schedule.epochs} loss {sums[0] / number:.3f} accuracy {sums[1] / number:.3f}")
            accuracy, loss = team.tell(validate())  # by all: where statistics are averaged over the workers, reading them is too
            now = [variable.numpy() for variable in [*variables, *state]]
            if history.is_better((accuracy, -loss)):
                history.best_epoch, best = epoch, now[: len(variables)]
            seconds = time.monotonic() - begun
            trained = {"loss": sums[0] / number, "accuracy": sums[1] / number}
            history.entries.append(trained | {"val_accuracy": accuracy, "val_loss": loss, "seconds": round(seconds, 1)})
            log(epoch + 1, history.entries[-1])
            logger.info(f"{description}: epoch {epoch + 1}/{schedule.epochs}, validation accuracy {accuracy:.4f}, {seconds:.0f} s")
            if team.rank == 0:
                save(schedule, history, now, best)
    if start is not None and not history.beats(start[1]):
        logger.info(f"{description}: no epoch was better than the start (accuracy {start[1][0]:.4f}), which is kept")
        history.best_epoch, best = -1, start[0]
    for variable, value in zip(variables, best, strict=True):
        variable.assign(value)
    return history


def can_resume(schedule: Schedule) -> bool:
    """Whether there is a checkpoint of the same inputs to go on from, by the same edgetl and TensorFlow."""
    try:
        with schedule.checkpoint.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            facts = json.loads(str(saved["facts"]))
            same = bool(facts["identity"] == schedule.identity)
            made_by = facts.get("software")
    except FileNotFoundError:
        return False
    except DAMAGED_NPZ as error:
        logger.warning(f"the checkpoint {schedule.checkpoint.name} cannot be read ({error}); starting this stage again")
        return False
    if same and made_by != _software():
        logger.warning(f"the checkpoint {schedule.checkpoint.name} is of other versions ({made_by}); starting this stage again")
    return same and made_by == _software()


def _software() -> dict[str, str]:
    """What must be the same for the second half of a training to fit to the first."""
    return {name: number for name, number in software().items() if name in ("edgetl", "tensorflow", "tf-keras")}


def save(schedule: Schedule, history: History, now: Sequence[np.ndarray], best: Sequence[np.ndarray]) -> None:
    """Write the checkpoint that `resume` reads: the values of variables and state, and the best epoch's of the variables."""
    facts = json.dumps(
        {"identity": schedule.identity, "software": _software(), "entries": history.entries, "best_epoch": history.best_epoch}
    )
    arrays: dict[str, Any] = {f"now{i}": value for i, value in enumerate(now)} | {f"best{i}": value for i, value in enumerate(best)}
    with atomic(schedule.checkpoint) as temporary, temporary.open("wb") as file:
        np.savez(file, facts=np.array(facts), **arrays)


def resume(schedule: Schedule, variables: Sequence[Any], state: Sequence[Any], team: Team = ALONE) -> tuple[History, list[np.ndarray]]:
    """What happened before the kill, and the best epoch's values; the variables and the state are what they were then.

    All workers begin where rank 0 is, whatever they found themselves.
    """
    everything = [*variables, *state]
    # Read by all workers, found or not, and so below: a statistic is averaged over them whenever it is looked at.
    history, now = History(), [variable.numpy() for variable in everything]
    best = now[: len(variables)]
    found = _found(schedule, variables, state, now)
    if found is not None:
        history, now, best = found
        logger.info(f"{schedule.checkpoint.stem.removeprefix('checkpoint-')}: going on after epoch {len(history.entries)}")
    if team.workers > 1:
        now, best, history = team.arrays(now), team.arrays(best), History(*team.tell([history.entries, history.best_epoch]))
    if found is not None or team.workers > 1:
        for variable, value in zip(everything, now, strict=True):
            variable.assign(value)
    return history, best


def _found(
    schedule: Schedule, variables: Sequence[Any], state: Sequence[Any], values: Sequence[np.ndarray]
) -> tuple[History, list[np.ndarray], list[np.ndarray]] | None:
    """The checkpoint's history, values and best epoch's values, if there is one; `values` are what is held now."""
    if not can_resume(schedule):
        return None
    try:
        with schedule.checkpoint.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            facts = json.loads(str(saved["facts"]))
            now = [saved[f"now{i}"] for i in range(len(values))]
            best = [saved[f"best{i}"] for i in range(len(variables))]
        for variable, value, other in zip([*variables, *state], now, values, strict=True):
            if value.shape != np.shape(other):
                raise ValueError(f"{variable.name} has another shape")
    except DAMAGED_NPZ as error:
        logger.warning(f"the checkpoint {schedule.checkpoint.name} cannot be read ({error}); starting this stage again")
        return None
    return History(facts["entries"], facts["best_epoch"]), now, best
