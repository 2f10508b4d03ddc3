"""TensorBoard's own files, read back by the format's own reader."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from edgetl.keras import tf

import pytest

from edgetl.run_record import Epoch
from edgetl.training.tensorboard import TensorBoard
from tests.disk import mounted

FIRST = Epoch(loss=0.5, accuracy=0.75, val_loss=1.5, val_accuracy=0.25, seconds=9.0)
SECOND = Epoch(loss=0.25, accuracy=0.875, val_loss=1.25, val_accuracy=0.5, seconds=9.0)


def scalars(folder: Path) -> dict[tuple[str, int], float]:
    """(name, step) to value, of all files in a folder; what TensorBoard shows as curves."""
    found = {}
    for file in folder.glob("events.out.tfevents.*"):
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            for value in event.summary.value:
                assert (value.metadata.plugin_data.plugin_name, value.metadata.data_class) == ("scalars", 1)
                found[value.tag, event.step] = float(tf.make_ndarray(value.tensor))
    return found


def points(number: int, epoch: Epoch) -> dict[tuple[str, int], float]:
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    return {(name, number): getattr(epoch, name) for name in names}


def test_every_epoch_is_a_point(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path / "fine ä")
    board.write(1, FIRST)
    board.write(2, SECOND)
    expected = points(1, FIRST) | points(2, SECOND)
    assert scalars(tmp_path / "fine ä") == expected
    TensorBoard(tmp_path / "fine ä", resumed=True).write(3, FIRST)
    assert scalars(tmp_path / "fine ä") == expected | points(3, FIRST)
    TensorBoard(tmp_path / "fine ä").write(1, SECOND)
    assert scalars(tmp_path / "fine ä") == points(1, SECOND), "another training begins anew"


def test_without_a_folder_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    TensorBoard(None).write(1, FIRST)
    assert not list(tmp_path.iterdir())


def test_a_run_has_the_logs_of_all_its_trainings(made: Any) -> None:
    assert {path.name for path in (made.run / "tensorboard").iterdir()} == {"head", "fine-tuning", "quantization-aware_training"}
    record = made.outcome  # the command succeeded
    assert record.code == 0
    assert {step for _, step in scalars(made.run / "tensorboard" / "fine-tuning")} == set(range(1, 9)), "one a fine-tuning epoch"


def test_a_full_disk_ends_the_curves_and_not_the_training(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with mounted(tmp_path / "disk", "64k") as disk:
        board = TensorBoard(disk / "logs")
        with suppress(OSError), (disk / "filler").open("wb") as file:
            while True:
                file.write(b"x" * 4096)
                file.flush()
        for epoch in range(200):
            board.write(epoch, FIRST)
        TensorBoard(disk / "more logs").write(1, FIRST)
    said = caplog.text
    assert "going on without TensorBoard's logs" in said
    assert said.count("No space left") <= 2, "once a training"
