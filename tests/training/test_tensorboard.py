"""TensorBoard's own files, read back by the format's own reader."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from edgetl.keras import tf

import pytest

from edgetl.training.tensorboard import Log
from tests.disk import mounted


def scalars(folder: Path) -> dict[tuple[str, int], float]:
    """(name, step) to value, of all files in a folder; what TensorBoard shows as curves."""
    found = {}
    for file in folder.glob("events.out.tfevents.*"):
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            for value in event.summary.value:
                assert (value.metadata.plugin_data.plugin_name, value.metadata.data_class) == ("scalars", 1)
                found[value.tag, event.step] = float(tf.make_ndarray(value.tensor))
    return found


def test_every_epoch_is_a_point(tmp_path: Path) -> None:
    log = Log(tmp_path / "fine ä")
    log(1, {"loss": 0.5, "val_accuracy": 0.25, "seconds": 9.0})
    log(2, {"loss": 0.25, "val_accuracy": 0.5, "seconds": 9.0})
    wanted = {("loss", 1): 0.5, ("val_accuracy", 1): 0.25, ("loss", 2): 0.25, ("val_accuracy", 2): 0.5}
    assert scalars(tmp_path / "fine ä") == wanted
    Log(tmp_path / "fine ä", going_on=True)(3, {"loss": 0.125})
    assert scalars(tmp_path / "fine ä") == wanted | {("loss", 3): 0.125}
    Log(tmp_path / "fine ä")(1, {"loss": 1.0})
    assert scalars(tmp_path / "fine ä") == {("loss", 1): 1.0}, "another training begins anew"


def test_without_a_folder_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Log(None)(1, {"loss": 0.5})
    assert not list(tmp_path.iterdir())


def test_a_run_has_the_logs_of_all_its_trainings(made: Any) -> None:
    assert {path.name for path in (made.run / "tensorboard").iterdir()} == {"head", "fine-tuning", "quantization-aware_training"}
    record = made.outcome  # the command succeeded
    assert record.code == 0
    assert {step for _, step in scalars(made.run / "tensorboard" / "fine-tuning")} == {1, 2}


def test_a_full_disk_ends_the_curves_and_not_the_training(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with mounted(tmp_path / "disk", "64k") as disk:
        log = Log(disk / "logs")
        with suppress(OSError), (disk / "filler").open("wb") as file:
            while True:
                file.write(b"x" * 4096)
                file.flush()
        for epoch in range(200):
            log(epoch, {"loss": 1.0})
        Log(disk / "more logs")(1, {"loss": 1.0})
    said = caplog.text
    assert "going on without TensorBoard's logs" in said
    assert said.count("No space left") <= 2, "once a training"
