"""The training loop. Heads, whole networks, compression and quantization-aware training differ in their step and batches alone."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from edgetl.keras import tf

import numpy as np

from edgetl.data.examples import Share
from edgetl.float_record import judged
from edgetl.progress import Pace, progress
from edgetl.run_record import Epoch, seconds_per_epoch
from edgetl.training import checkpoint
from edgetl.training.checkpoint import Checkpoint
from edgetl.training.history import History, score
from edgetl.training.schedule import Schedule
from edgetl.training.step import Step
from edgetl.training.team import ALONE, Team
from edgetl.training.tensorboard import TensorBoard
from edgetl.wording import counted_for, duration

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, eq=False)
class Trainer:
    """Trains variables epoch by epoch, keeps the last or the best epoch, and goes on after a kill.

    Args:
        variables: the model's, which end with the values of the epoch that is kept.
        step: what is done with a batch, see `Step`.
        batches: function of the epoch's number, starting at 0, and this process's share of a batch to a tf.data.Dataset of
            (inputs [n, ...], int32 label ids [n] or [n, K], int32 seed [2], float32 n over the whole batch's size).
        judges: number of images that choose.
        validate: returns (accuracy, loss) on them, see `Objective.judge`; the best epoch has the highest accuracy, then the lowest loss.
        keep_start: the values from before the training compete: no epoch is kept that is right on fewer images, and where there is no
            other, they are; with patience, which compares losses too, no epoch of the same accuracy and a higher loss either.
        team: who trains in step; rank 0 validates, decides and writes for all.
        epoch_log_level: of the message that each epoch leaves; lower where epochs take a fraction of a second.
    """

    variables: Sequence[tf.Variable]
    step: Step
    batches: Callable[[int, Share], Any]
    judges: int
    validate: Callable[[], tuple[float, float]]
    schedule: Schedule
    keep_start: bool = False
    team: Team = ALONE
    epoch_log_level: int = logging.INFO

    def train(self) -> History:
        """Train, leave the values of the epoch that is kept in the variables, and return what happened."""
        schedule, team, name = self.schedule, self.team, self.schedule.name
        metric = self.step.objective.metric
        images, said = counted_for(self.judges, schedule.judged_by, metric), partial(judged, metric, digits=2)
        start = _values(self.variables) if self.keep_start else None
        least, loss_before = team.broadcast(self.validate()) if self.keep_start else (0.0, 0.0)
        history, best = self._resume()
        folder = schedule.logs / name.replace(" ", "_") if schedule.logs and team.rank == 0 else None
        board = TensorBoard(folder, resumed=bool(history.epochs))
        run_steps = self.step.on(team)
        with progress(name, schedule.epochs * schedule.steps_per_epoch) as tick:
            tick(len(history.epochs) * schedule.steps_per_epoch)
            pace = Pace()
            for epoch in range(len(history.epochs), schedule.epochs):
                if schedule.patience and epoch + 1 - history.best_epoch > schedule.patience:
                    logger.info(f"{name}: no better epoch for {schedule.patience}, stopping")
                    break
                started, number, sums = time.monotonic(), 0, np.zeros(2)
                for steps, *parts in run_steps(self._dealt(epoch)):
                    number, sums = number + steps, sums + parts
                    left = "" if history.epochs else self._left_in_first_epoch(pace, number)
                    tick(steps, f"epoch {epoch + 1}/{schedule.epochs} loss {sums[0] / number:.3f} accuracy {sums[1] / number:.3f}{left}")
                # By all workers: where statistics are averaged over them, reading them is too.
                accuracy, loss = team.broadcast(self.validate())
                values = _values([*self.variables, *self.step.state])
                seconds = time.monotonic() - started
                figures = Epoch(
                    loss=float(sums[0] / number),
                    accuracy=float(sums[1] / number),
                    val_accuracy=accuracy,
                    val_loss=loss,
                    seconds=round(seconds, 1),
                )
                history = history.then(figures, kept=None if schedule.patience else accuracy >= least)
                if history.best is figures:
                    best = values[: len(self.variables)]
                board.write(epoch + 1, figures)
                if team.rank == 0:
                    checkpoint.save(schedule, Checkpoint(history, values, best))
                left = self._left(len(history.epochs), seconds_per_epoch(history.epochs))
                message = f"{name}: epoch {epoch + 1}/{schedule.epochs}, {said(accuracy)} on {images}, {seconds:.0f} s{left}"
                logger.log(self.epoch_log_level, message)
        if start is not None and (history.best is None or (schedule.patience and score(history.best) < (least, -loss_before))):
            logger.info(f"{name}: no epoch did better than the start, {said(least)} on {images}, which is kept")
            history, best = History(history.epochs), start
        elif history.best and not schedule.patience and history.best_epoch < len(history.epochs):
            than = f"the last that is not below the start ({100 * least:.2f} %)"
            logger.info(f"{name}: epoch {history.best_epoch} ({100 * history.best.val_accuracy:.2f} %) is kept, {than} on {images}")
        _assign(self.variables, best)
        return history

    def _left(self, epochs: float, seconds_per_epoch: float) -> str:
        """Return how long training still takes, that which follows included, after so many epochs that took so long each."""
        if self.schedule.epochs_after is None:
            return ""
        left = self.schedule.epochs - epochs + self.schedule.epochs_after
        return f", about {duration(left * seconds_per_epoch)} of training left" if left else ""

    def _left_in_first_epoch(self, pace: Pace, steps: int) -> str:
        """Return the same by the steps of the first epoch; empty where their pace is not known yet."""
        seconds, of_epoch = pace.seconds(steps, time.monotonic()), self.schedule.steps_per_epoch
        return "" if seconds is None else self._left(steps / of_epoch, seconds * of_epoch)

    def _dealt(self, epoch: int) -> Any:
        """Return the epoch's dataset, dealt out to this process's replicas."""
        return self.team.strategy.distribute_datasets_from_function(
            lambda context: self.batches(epoch, self.team.share(context.input_pipeline_id))
        )

    def _resume(self) -> tuple[History, list[np.ndarray]]:
        """Set variables and state to where a killed training stood; returns its history and the best epoch's values.

        All workers begin where rank 0 is, whatever they found themselves.
        """
        # Read by all workers, found or not: a statistic is averaged over them whenever it is looked at.
        variables, state = _values(self.variables), _values(self.step.state)
        found = checkpoint.load(self.schedule, variables, state)
        if found is not None:
            logger.info(f"{self.schedule.name}: going on after epoch {len(found.history.epochs)}")
        now = found or Checkpoint(History(), [*variables, *state], variables)
        if self.team.workers > 1:
            now = self._as_rank_0(now)
        if found is not None or self.team.workers > 1:
            _assign([*self.variables, *self.step.state], now.values)
        return now.history, now.best

    def _as_rank_0(self, own: Checkpoint) -> Checkpoint:
        values, best = self.team.broadcast_arrays(own.values), self.team.broadcast_arrays(own.best)
        epochs, best_epoch = self.team.broadcast([[vars(epoch) for epoch in own.history.epochs], own.history.best_epoch])
        return Checkpoint(History(tuple(Epoch(**epoch) for epoch in epochs), best_epoch), values, best)


def _values(variables: Sequence[tf.Variable]) -> list[np.ndarray]:
    return [variable.numpy() for variable in variables]


def _assign(variables: Sequence[tf.Variable], values: Sequence[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
