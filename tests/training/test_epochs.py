"""The epoch loop on two numbers instead of a network: what is kept, when it stops, and that a kill changes nothing."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from edgetl.keras import tf

import numpy as np
import pytest

from edgetl.training import epochs
from edgetl.training.epochs import History, Schedule, can_resume, train_epochs

MakeSchedule = Callable[..., Schedule]
STEPS = 4


class Training:
    """Gradient descent with momentum on (w - batch)^2, and a validation score from a list."""

    def __init__(self, scores: Sequence[tuple[float, float]] = (), killed_in: int | None = None) -> None:
        self.weight, self.momentum = tf.Variable([9.0, -9.0]), tf.Variable([0.0, 0.0])
        self.scores, self.killed_in = list(scores), killed_in
        self.seen: list[float] = []
        self.after: list[np.ndarray] = []  # the weight at the end of each epoch

    def batches(self, epoch: int) -> Iterator[tuple[float]]:
        for number, value in enumerate(np.random.default_rng([3, epoch]).normal(size=STEPS)):
            if epoch == self.killed_in and number == STEPS // 2:
                raise KeyboardInterrupt
            yield (float(value),)

    def step(self, value: float) -> tuple[float, float]:
        self.seen.append(value)
        self.momentum.assign(0.9 * self.momentum + 0.1 * (self.weight - value))
        self.weight.assign_sub(0.3 * self.momentum)
        return abs(value), 0.5

    def steps(self, batches: Iterable[tuple[float]]) -> Iterator[tuple[int, float, float]]:
        return ((1, *self.step(*batch)) for batch in batches)

    def validate(self) -> tuple[float, float]:
        self.after.append(self.weight.numpy())
        if self.scores:
            return self.scores[len(self.after) - 1]
        return -float(np.abs(self.weight.numpy()).sum()), 1.0

    def run(self, schedule: Schedule) -> History:
        return train_epochs("test", schedule, [self.weight], [self.momentum], self.batches, self.steps, self.validate)


def test_the_best_epoch_is_kept(schedule: MakeSchedule) -> None:
    training = Training([(0.5, 1.0), (0.8, 1.0), (0.7, 0.1), (0.6, 0.1)])
    history = training.run(schedule(4))
    assert history.best_epoch == 1
    assert history.best["val_accuracy"] == 0.8
    np.testing.assert_array_equal(training.weight.numpy(), training.after[1])
    assert len(history.entries) == 4
    assert set(history.entries[0]) == {"loss", "accuracy", "val_loss", "val_accuracy", "seconds"}


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ([(0.8, 0.5), (0.8, 0.4), (0.8, 0.6)], 1),  # equal accuracy: the lower loss
        ([(0.8, 0.5), (0.8, 0.5)], 0),  # equal in both: the first, which trained less
        ([(0.8, 0.1), (0.9, 0.9)], 1),  # accuracy comes before loss
        ([(0.0, 9.0), (0.0, 8.0)], 1),  # an accuracy of 0 is a score like any other
    ],
)
def test_ties_are_resolved_by_loss(scores: list[tuple[float, float]], best: int, schedule: MakeSchedule) -> None:
    training = Training(scores)
    assert training.run(schedule(len(scores))).best_epoch == best
    np.testing.assert_array_equal(training.weight.numpy(), training.after[best])


@pytest.mark.parametrize(("patience", "epochs"), [(1, 3), (2, 4), (3, 7)])
def test_stops_after_patience_epochs_without_a_better_one(patience: int, epochs: int, schedule: MakeSchedule) -> None:
    accuracies = [0.5, 0.6, 0.4, 0.5, 0.7, 0.6, 0.6]
    training = Training([(accuracy, 1.0) for accuracy in accuracies])
    history = training.run(schedule(len(accuracies), patience))
    assert len(history.entries) == epochs
    assert history.best["val_accuracy"] == max(accuracies[:epochs])


def test_what_is_recorded_are_means_over_the_epoch(schedule: MakeSchedule) -> None:
    training = Training()
    history = training.run(schedule(2))
    assert history.entries[1]["loss"] == pytest.approx(np.mean(np.abs(training.seen[STEPS:])))
    assert history.entries[1]["accuracy"] == 0.5


def test_no_epochs_change_nothing(schedule: MakeSchedule) -> None:
    training = Training()
    history = training.run(schedule(0))
    assert (history.entries, history.best_epoch, history.best) == ([], -1, {})
    assert training.weight.numpy().tolist() == [9.0, -9.0]


@pytest.mark.parametrize("killed_in", [0, 1, 3])
def test_a_killed_training_goes_on_as_if_nothing_had_happened(killed_in: int, schedule: MakeSchedule) -> None:
    scores = [(0.5, 1.0), (0.9, 1.0), (0.7, 1.0), (0.6, 1.0), (0.9, 0.9)]
    straight = Training(scores)
    expected = straight.run(schedule(5, identity="another file's"))
    schedule(0).checkpoint.unlink(missing_ok=True)

    killed = Training(scores, killed_in)
    with pytest.raises(KeyboardInterrupt):
        killed.run(schedule(5))
    assert can_resume(schedule(5)) == (killed_in > 0), "there is something to go on from after the first epoch"
    resumed = Training(scores[killed_in:])
    history = resumed.run(schedule(5))
    assert resumed.seen == straight.seen[killed_in * STEPS :], "the same batches in the same order"
    np.testing.assert_array_equal(resumed.weight.numpy(), straight.weight.numpy())
    np.testing.assert_array_equal(resumed.momentum.numpy(), straight.momentum.numpy())
    assert history.best_epoch == expected.best_epoch
    assert [e["val_accuracy"] for e in history.entries] == [e["val_accuracy"] for e in expected.entries]


def test_the_best_epoch_before_the_kill_is_not_forgotten(schedule: MakeSchedule) -> None:
    killed = Training([(0.9, 1.0), (0.1, 1.0)], killed_in=2)
    with pytest.raises(KeyboardInterrupt):
        killed.run(schedule(3))
    resumed = Training([(0.2, 1.0)])
    assert resumed.run(schedule(3)).best_epoch == 0
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
    assert len(Training([(0.1, 1.0)] * 9).run(schedule(9, patience=2)).entries) == 3


def damage(path: Path, how: str) -> None:
    whole = path.read_bytes()
    contents = {
        "empty": b"",
        "text": b"not a checkpoint",
        "cut": whole[: len(whole) // 2],
        "only its end": whole[-100:],
        "one byte": whole.replace(np.float32(9.0).tobytes(), np.float32(8.0).tobytes()) if how == "one byte" else b"",
    }
    path.write_bytes(contents[how])


@pytest.mark.parametrize("how", ["empty", "text", "cut", "only its end"])
def test_a_damaged_checkpoint_is_not_used(how: str, schedule: MakeSchedule) -> None:
    Training().run(schedule(2))
    damage(schedule(2).checkpoint, how)
    assert not can_resume(schedule(2))
    training = Training()
    training.run(schedule(2))
    assert len(training.seen) == 2 * STEPS


def test_a_checkpoint_whose_arrays_are_damaged_is_reported_and_not_used(schedule: MakeSchedule, caplog: pytest.LogCaptureFixture) -> None:
    """Its facts are sound, so only reading the arrays shows it: the zip file's checksums do."""
    first = Training()
    first.run(schedule(2))
    path = schedule(2).checkpoint
    value = first.momentum.numpy().tobytes()
    assert value in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(value, bytes(len(value))))
    assert can_resume(schedule(2))
    again = Training()
    again.run(schedule(2))
    assert len(again.seen) == 2 * STEPS
    np.testing.assert_array_equal(again.weight.numpy(), first.weight.numpy())
    assert "cannot be read" in caplog.text


@pytest.mark.parametrize("made_by", ["older", "newer"])
def test_a_checkpoint_of_another_version_is_not_used(
    made_by: str, schedule: MakeSchedule, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a training with one version and half with another is neither's."""
    with monkeypatch.context() as patch:
        versions = epochs.software()
        patch.setattr(epochs, "software", lambda: versions | {"edgetl": "0.0.1" if made_by == "older" else "99.0"})
        Training().run(schedule(2))
    training = Training()
    training.run(schedule(2))
    assert len(training.seen) == 2 * STEPS
    assert "other versions" in caplog.text


def test_a_checkpoint_of_another_network_is_not_used(schedule: MakeSchedule, caplog: pytest.LogCaptureFixture) -> None:
    Training().run(schedule(2))
    training = Training()
    training.momentum = tf.Variable([0.0, 0.0, 0.0])
    epochs.resume(schedule(2), [training.weight], [training.momentum])
    assert "another shape" in caplog.text
    assert training.weight.numpy().tolist() == [9.0, -9.0], "all or nothing"


def test_a_checkpoint_of_other_inputs_is_not_used(schedule: MakeSchedule) -> None:
    Training().run(schedule(2, identity="other images"))
    assert not can_resume(schedule(2))
    training = Training()
    training.run(schedule(2))
    assert len(training.seen) == 2 * STEPS


def test_damaged_bytes_never_end_in_a_traceback(schedule: MakeSchedule) -> None:
    Training().run(schedule(1))
    path = schedule(1).checkpoint
    whole, random = path.read_bytes(), np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(whole)
        for place in random.integers(0, len(whole), 3):
            damaged[place] = random.integers(256)
        path.write_bytes(damaged)
        Training().run(schedule(1))


def test_nothing_else_is_left_in_the_folder(schedule: MakeSchedule) -> None:
    Training().run(schedule(2))
    path: Any = schedule(2).checkpoint
    assert [file.name for file in path.parent.iterdir()] == [path.name]
