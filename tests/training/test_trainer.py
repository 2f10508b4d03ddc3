"""The training loop on two numbers instead of a network: what is kept, when it stops, and that a kill changes nothing."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from edgetl.keras import keras, tf

import numpy as np
import pytest

from edgetl.data.examples import Share
from edgetl.training import checkpoint
from edgetl.training.history import History
from edgetl.training.schedule import Schedule
from edgetl.training.step import Optimizer, Step
from edgetl.training.trainer import Trainer

MakeSchedule = Callable[..., Schedule]
STEPS = 4
START = [9.0, -9.0]
SPEC = (tf.TensorSpec((1,)), tf.TensorSpec((1,), tf.int32), tf.TensorSpec((2,), tf.int32), tf.TensorSpec(()))


class Batches:
    """An epoch of batches of one random number each; a kill happens in its middle."""

    element_spec = SPEC

    def __init__(self, epoch: int, seen: list[float], *, killed: bool) -> None:
        self.epoch, self.seen, self.killed = epoch, seen, killed

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for number, value in enumerate(np.random.default_rng([3, self.epoch]).normal(size=STEPS).astype(np.float32)):
            if self.killed and number == STEPS // 2:
                raise KeyboardInterrupt
            self.seen.append(float(value))
            yield tf.constant([value]), tf.constant([0]), tf.zeros(2, tf.int32), tf.constant(1.0)


class Training:
    """Gradient descent with momentum on the distance of two weights to the batch's number; validation scores may come from a list."""

    def __init__(self, scores: Sequence[tuple[float, float]] = (), killed_in: int | None = None) -> None:
        self.weight, self.scores, self.killed_in = tf.Variable(START), list(scores), killed_in
        self.sgd = keras.optimizers.SGD(0.1, momentum=0.9)
        self.sgd.build([self.weight])
        self.seen: list[float] = []
        self.after: list[np.ndarray] = []  # the weight at the end of each epoch

    def loss(self, inputs: Any, labels: Any, seed: Any) -> tuple[Any, Any]:
        return tf.reduce_sum(tf.square(self.weight - inputs)), tf.stack([[1.0, 0.0]])

    def batches(self, epoch: int, share: Share) -> Any:
        return Batches(epoch, self.seen, killed=epoch == self.killed_in)

    def validate(self) -> tuple[float, float]:
        self.after.append(self.weight.numpy())
        if self.scores:
            return self.scores[len(self.after) - 1]
        return 1 / (1 + float(np.abs(self.weight.numpy()).sum())), 1.0

    def run(self, schedule: Schedule, **options: Any) -> History:
        optimizers = [Optimizer(keras=self.sgd, variables=[self.weight])]
        step = Step(loss=self.loss, optimizers=optimizers)
        return Trainer(
            variables=[self.weight],
            step=step,
            batches=self.batches,
            judges=50,
            validate=self.validate,
            schedule=schedule,
            **options,
        ).train()

    @property
    def state(self) -> list[np.ndarray]:
        return [variable.numpy() for variable in self.sgd.variables]


def accuracies(history: History) -> list[float]:
    return [epoch.val_accuracy for epoch in history.epochs]


def test_the_best_epoch_is_kept(schedule: MakeSchedule) -> None:
    training = Training([(0.5, 1.0), (0.8, 1.0), (0.7, 0.1), (0.6, 0.1)])
    history = training.run(schedule(4))
    assert history.best_epoch == 2
    assert history.best is not None
    assert history.best.val_accuracy == 0.8
    np.testing.assert_array_equal(training.weight.numpy(), training.after[1])
    assert len(history.epochs) == 4


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ([(0.8, 0.5), (0.8, 0.4), (0.8, 0.6)], 2),  # equal accuracy: the lower loss
        ([(0.8, 0.5), (0.8, 0.5)], 1),  # equal in both: the first, which trained less
        ([(0.8, 0.1), (0.9, 0.9)], 2),  # accuracy comes before loss
        ([(0.0, 9.0), (0.0, 8.0)], 2),  # an accuracy of 0 is a score like any other
    ],
)
def test_ties_are_resolved_by_loss(scores: list[tuple[float, float]], best: int, schedule: MakeSchedule) -> None:
    training = Training(scores)
    assert training.run(schedule(len(scores))).best_epoch == best
    np.testing.assert_array_equal(training.weight.numpy(), training.after[best - 1])


@pytest.mark.parametrize(("patience", "epochs"), [(1, 3), (2, 4), (3, 7)])
def test_stops_after_patience_epochs_without_a_better_one(patience: int, epochs: int, schedule: MakeSchedule) -> None:
    scores = [0.5, 0.6, 0.4, 0.5, 0.7, 0.6, 0.6]
    training = Training([(accuracy, 1.0) for accuracy in scores])
    history = training.run(schedule(len(scores), patience))
    assert len(history.epochs) == epochs
    assert max(accuracies(history)) == max(scores[:epochs])


@pytest.mark.parametrize(("start", "kept"), [(None, 3), ((0.5, 0.1), 3), ((0.6, 1.0), 2), ((0.9, 0.1), 1), ((0.95, 9.0), 0)])
def test_without_patience_the_last_epoch_is_kept_that_is_not_below_the_start(
    start: tuple[float, float] | None, kept: int, schedule: MakeSchedule
) -> None:
    """The end of the schedule chooses, not a lucky epoch in the middle; one image of few says little against all that was learned."""
    training = Training([*([start] if start else []), (0.9, 0.2), (0.7, 0.5), (0.5, 1.0)])
    history = training.run(schedule(3, patience=0), keep_start=start is not None)
    assert history.best_epoch == kept
    np.testing.assert_array_equal(training.weight.numpy(), training.after[kept - 1 + bool(start)] if kept else START)


@pytest.mark.parametrize(("start", "kept"), [((0.9, 1.0), False), ((0.7, 0.5), False), ((0.7, 1.5), True), ((0.6, 0.1), True)])
def test_the_start_is_kept_unless_an_epoch_is_better(start: tuple[float, float], kept: bool, schedule: MakeSchedule) -> None:
    training = Training([start, (0.5, 1.0), (0.7, 1.0)])
    history = training.run(schedule(2), keep_start=True)
    assert len(history.epochs) == 2, "what was tried is told"
    assert history.best_epoch == (2 if kept else 0)
    np.testing.assert_array_equal(training.weight.numpy(), training.after[2] if kept else START)


def test_what_is_recorded_are_means_over_the_epoch(schedule: MakeSchedule) -> None:
    training = Training()
    training.sgd.learning_rate = 0.0
    history = training.run(schedule(2))
    expected = np.mean([np.sum((np.array(START) - value) ** 2) for value in training.seen[STEPS:]])
    assert history.epochs[1].loss == pytest.approx(expected, rel=1e-5)
    assert history.epochs[1].accuracy == 1.0, "all predictions are class 0, as all labels"


def test_no_epochs_change_nothing(schedule: MakeSchedule) -> None:
    training = Training()
    assert training.run(schedule(0)) == History()
    assert training.weight.numpy().tolist() == START


@pytest.mark.parametrize("killed_in", [0, 1, 3])
def test_a_killed_training_goes_on_as_if_nothing_had_happened(killed_in: int, schedule: MakeSchedule) -> None:
    scores = [(0.5, 1.0), (0.9, 1.0), (0.7, 1.0), (0.6, 1.0), (0.9, 0.9)]
    straight = Training(scores)
    expected = straight.run(schedule(5, identity="another file's"))
    schedule(0).checkpoint.unlink(missing_ok=True)

    killed = Training(scores, killed_in)
    with pytest.raises(KeyboardInterrupt):
        killed.run(schedule(5))
    assert schedule(5).checkpoint.exists() == (killed_in > 0), "there is something to go on from after the first epoch"
    resumed = Training(scores[killed_in:])
    history = resumed.run(schedule(5))
    assert resumed.seen == straight.seen[killed_in * STEPS :], "the same batches in the same order"
    np.testing.assert_array_equal(resumed.weight.numpy(), straight.weight.numpy())
    for ours, theirs in zip(resumed.state, straight.state, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert history.best_epoch == expected.best_epoch
    assert accuracies(history) == accuracies(expected)


def test_the_best_epoch_before_the_kill_is_not_forgotten(schedule: MakeSchedule) -> None:
    killed = Training([(0.9, 1.0), (0.1, 1.0)], killed_in=2)
    with pytest.raises(KeyboardInterrupt):
        killed.run(schedule(3))
    resumed = Training([(0.2, 1.0)])
    assert resumed.run(schedule(3)).best_epoch == 1
    np.testing.assert_array_equal(resumed.weight.numpy(), killed.after[0])


def test_a_finished_training_is_not_repeated(schedule: MakeSchedule) -> None:
    """Killed after the last epoch, before the stage was recorded."""
    first = Training()
    first.run(schedule(3))
    again = Training()
    again.run(schedule(3))
    assert again.seen == []
    np.testing.assert_array_equal(again.weight.numpy(), first.weight.numpy())


def test_patience_counts_across_a_kill(schedule: MakeSchedule) -> None:
    with pytest.raises(KeyboardInterrupt):
        Training([(0.9, 1.0), (0.1, 1.0)], killed_in=2).run(schedule(9, patience=2))
    assert len(Training([(0.1, 1.0)] * 9).run(schedule(9, patience=2)).epochs) == 3


def test_an_unusable_checkpoint_starts_the_training_again(schedule: MakeSchedule, caplog: pytest.LogCaptureFixture) -> None:
    Training().run(schedule(2))
    schedule(2).checkpoint.write_bytes(b"not a checkpoint")
    training = Training()
    training.run(schedule(2))
    assert len(training.seen) == 2 * STEPS
    assert "starting this stage again" in caplog.text


def test_parts_have_checkpoints_of_their_own_and_finish_together(schedule: MakeSchedule) -> None:
    whole = schedule(1)
    first, second = whole.part("first"), whole.part("second")
    for one in (first, second, whole):
        Training().run(one)
    assert len({one.checkpoint for one in (first, second, whole)}) == 3
    assert all(one.checkpoint.exists() for one in (first, second, whole))
    whole.finish()
    assert not list(whole.checkpoint.parent.iterdir())


def test_nothing_else_is_left_in_the_folder(schedule: MakeSchedule) -> None:
    Training().run(schedule(2))
    path = schedule(2).checkpoint
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_diverged_training_can_be_resumed(schedule: MakeSchedule) -> None:
    """Its losses are no numbers, which its run will refuse; a checkpoint must not hide that by starting again."""
    with pytest.raises(KeyboardInterrupt):
        Training([(0.1, float("nan")), (0.1, float("nan"))], killed_in=1).run(schedule(2))
    arrays = [np.array(START, np.float32)], Training().state
    found = checkpoint.load(schedule(2), *arrays)
    assert found is not None
    assert np.isnan(found.history.epochs[0].val_loss)
