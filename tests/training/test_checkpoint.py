"""A checkpoint is used for the same training alone, and never half of it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgetl.run_record import Epoch
from edgetl.training import checkpoint
from edgetl.training.checkpoint import Checkpoint
from edgetl.training.history import History
from edgetl.training.schedule import Schedule

MakeSchedule = Callable[..., Schedule]
WEIGHT, MOMENTUM = np.array([9.0, -9.0], np.float32), np.array([0.25, 0.75], np.float32)
HISTORY = History((Epoch(loss=1.0, accuracy=0.5, val_accuracy=0.5, val_loss=1.0, seconds=0.1),), 1)


def saved(schedule: Schedule) -> Path:
    checkpoint.save(schedule, Checkpoint(HISTORY, [WEIGHT, MOMENTUM], [WEIGHT + 1]))
    return schedule.checkpoint


def load(schedule: Schedule) -> Checkpoint | None:
    return checkpoint.load(schedule, [WEIGHT], [MOMENTUM])


def test_what_was_saved_comes_back(schedule: MakeSchedule) -> None:
    saved(schedule(2))
    found = load(schedule(2))
    assert found is not None
    assert found.history == HISTORY
    for array, expected in zip([*found.values, *found.best], [WEIGHT, MOMENTUM, WEIGHT + 1], strict=True):
        np.testing.assert_array_equal(array, expected)
        assert array.dtype == np.float32


def test_no_file_is_no_checkpoint_and_no_message(schedule: MakeSchedule, caplog: pytest.LogCaptureFixture) -> None:
    assert load(schedule(2)) is None
    assert not caplog.text


@pytest.mark.parametrize("how", ["empty", "text", "cut", "only its end"])
def test_a_damaged_checkpoint_is_not_used(how: str, schedule: MakeSchedule, caplog: pytest.LogCaptureFixture) -> None:
    path = saved(schedule(2))
    content = path.read_bytes()
    damaged = {"empty": b"", "text": b"not a checkpoint", "cut": content[: len(content) // 2], "only its end": content[-100:]}
    path.write_bytes(damaged[how])
    assert load(schedule(2)) is None
    assert "cannot be read" in caplog.text


def test_a_checkpoint_whose_arrays_are_damaged_is_not_used(schedule: MakeSchedule, caplog: pytest.LogCaptureFixture) -> None:
    """Its header is sound, so only reading the arrays shows it: the zip file's checksums do."""
    path, value = saved(schedule(2)), MOMENTUM.tobytes()
    assert value in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(value, bytes(len(value))))
    assert load(schedule(2)) is None
    assert "cannot be read" in caplog.text


@pytest.mark.parametrize("made_by", ["0.0.1", "99.0"])
def test_a_checkpoint_of_another_version_is_not_used(
    made_by: str, schedule: MakeSchedule, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a training with one version and half with another is neither's."""
    with monkeypatch.context() as patch:
        versions = checkpoint.software()
        patch.setattr(checkpoint, "software", lambda: versions | {"edgetl": made_by})
        saved(schedule(2))
    assert load(schedule(2)) is None
    assert "other versions" in caplog.text


def test_a_checkpoint_of_another_network_is_not_used(schedule: MakeSchedule, caplog: pytest.LogCaptureFixture) -> None:
    saved(schedule(2))
    assert checkpoint.load(schedule(2), [WEIGHT], [np.zeros(3, np.float32)]) is None
    assert "the shape (2,) instead of (3,)" in caplog.text


def test_a_checkpoint_of_other_inputs_is_not_used(schedule: MakeSchedule) -> None:
    saved(schedule(2, identity="other images"))
    assert load(schedule(2)) is None


def test_damaged_bytes_never_end_in_a_traceback(schedule: MakeSchedule) -> None:
    path = saved(schedule(1))
    content, random = path.read_bytes(), np.random.default_rng(0)
    read = []
    for _ in range(300):
        damaged = bytearray(content)
        for place in random.integers(0, len(content), 3):
            damaged[place] = random.integers(256)
        path.write_bytes(damaged)
        read.append(load(schedule(1)))
    assert None in read, "the damage reaches what is read"
    assert all(found.history == HISTORY for found in read if found), "read soundly, or not at all"
