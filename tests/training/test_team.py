"""Several replicas learn what one learns; workers know who they are; a second process on loopback trains in step."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from edgetl.errors import UsageError
from edgetl.training.team import ALONE, _place, team
from tests.processes import free_ports

ROOT = Path(__file__).resolve().parents[2]
CLUSTER = {"worker": ["a:1", "b:1"]}


def told(cluster: object, kind: str, index: object) -> str:
    return json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (told(CLUSTER, "worker", 1), (1, 2)),
        (told({"chief": ["c:1"], **CLUSTER}, "chief", 0), (0, 3)),  # Vertex AI
        (told({"chief": ["c:1"], **CLUSTER}, "worker", 0), (1, 3)),
        (told({"master": [], **CLUSTER}, "worker", "0"), None),
        (told({"worker": ["a:1"]}, "worker", 0), (0, 1)),
    ],
)
def test_the_place_in_the_team(text: str, place: tuple[int, int] | None) -> None:
    if place is None:
        with pytest.raises(UsageError, match="master"):
            _place(text)
    else:
        assert _place(text) == place


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", told(CLUSTER, "worker", 2), told({"ps": ["a:1"]}, "ps", 0), told(None, "worker", 0)])
def test_a_wrong_tf_config_is_a_message(text: str) -> None:
    with pytest.raises(UsageError, match="TF_CONFIG"):
        _place(text)


def test_one_device_is_no_team(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert team("auto") is team("one") is ALONE
    for strategy, says in (("mirrored", "one device"), ("multi-worker", "TF_CONFIG")):
        with pytest.raises(UsageError, match=says):
            team(strategy)


def test_two_replicas_learn_what_one_does(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.training.replicas", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def two_ports() -> list[str]:
    return [f"127.0.0.1:{port}" for port in free_ports(2)]


def worker(index: int, addresses: list[str], data: Path, out: Path, epochs: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "edgetl", "train", str(data), "--strategy", "multi-worker", "--out", str(out), "--no-qat"]
    tiny = ["--weights", "none", "--backbone", "small_cnn", "--image-size", "32", "--epochs", str(epochs)]
    tiny += ["--set", f"train.patience={epochs}"]
    variables = os.environ | {"TF_CONFIG": told({"worker": addresses}, "worker", index)}
    return subprocess.Popen([*command, *tiny], env=variables, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def record_of(run: Path) -> Any:
    return json.loads((run / "run.json").read_text(encoding="utf-8"))


def test_two_processes_train_together(digit_folder: Path, tmp_path: Path) -> None:
    addresses = two_ports()
    workers = [worker(index, addresses, digit_folder, tmp_path / f"run {index}", 2) for index in (0, 1)]
    said = [one.communicate(timeout=900)[1] for one in workers]
    assert [one.returncode for one in workers] == [0, 0], said
    facts = record_of(tmp_path / "run 0")["stages"]["float"]["facts"]
    assert (facts["replicas"], len(facts["fine_tuning"]["epochs"])) == (2, 2)
    assert "ptq_int8" in record_of(tmp_path / "run 0")["stages"], "rank 0 goes on by itself"
    assert not (tmp_path / "run 1").exists(), "the others write nothing"
    figures = [re.search(r"fine-tuning: epoch 2/2, .* points", text) for text in said]
    assert all(figures)
    assert len({found[0] for found in figures if found}) == 1, "both know rank 0's figures"


@pytest.mark.slow
def test_a_lost_worker_comes_back(digit_folder: Path, tmp_path: Path) -> None:
    """Killed between two epochs or in one, and started again by whoever watches it; the other one needs nobody."""
    addresses, epochs = two_ports(), 40  # so many that rank 0 does not end before it has seen the loss
    first, second = (worker(index, addresses, digit_folder, tmp_path / f"run {index}", epochs) for index in (0, 1))
    deadline = time.monotonic() + 300
    while not (tmp_path / "run 0" / "checkpoint-float.npz").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    second.send_signal(signal.SIGKILL)
    second.communicate()
    third = worker(1, addresses, digit_folder, tmp_path / "run 1", epochs)
    said = [one.communicate(timeout=900)[1] for one in (first, third)]
    assert (first.returncode, third.returncode) == (0, 0), said
    assert "a worker was lost" in said[0]
    assert "going on after epoch" in said[0]
    assert len(record_of(tmp_path / "run 0")["stages"]["float"]["facts"]["fine_tuning"]["epochs"]) == epochs
