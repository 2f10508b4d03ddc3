"""What a device replies is refused unless it is of the expected form: a hostile or broken one costs a message, no more."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from edgetl.benchmarking import run as benchmarking
from edgetl.benchmarking.plan import ModelFile, SentImages
from edgetl.contract import Contract
from edgetl.devices import messages
from edgetl.devices.base import Job, PythonDevice
from edgetl.devices.messages import DeviceFacts, Reply, SteerReply, parse
from edgetl.devices.plan import Plan
from edgetl.devices.runner import probe
from edgetl.errors import DeviceError

FACTS = {"model": "board", "cores": 4, "state": {"temperatures_c": {"cpu": 41.5}}}
REPLY = {"measurement": {"runtime": "x 1", "samples_ms": [1.0, 2]}, "predictions": [[0.25, 0.75]]}
JOB = Job(Path("model.tflite"), "litert", images=Path("images.bin"), image_count=1)


class Board(PythonDevice):
    """A board whose Python replies what the test wants."""

    def __init__(self, reply: str | bytes) -> None:
        self.name, self.python, self._reply = "board", ("python3",), reply

    def push(self, source: Path, name: str) -> None: ...

    def run(self, command: Sequence[str], timeout_s: float) -> str:
        return self._reply.decode(errors="replace") if isinstance(self._reply, bytes) else self._reply

    def pull(self, name: str) -> bytes:
        return self._reply if isinstance(self._reply, bytes) else self._reply.encode()

    def close(self) -> None: ...


def changed(*keys: str, to: Any) -> str:
    """The reply with another value at a place."""
    reply = json.loads(json.dumps(REPLY))
    place = reply
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = to
    return json.dumps(reply)


def test_what_is_as_it_should_be_is_taken() -> None:
    assert Board(json.dumps(FACTS)).probe() == DeviceFacts.model_validate(FACTS)
    reply = Board(json.dumps(REPLY)).measure(JOB)
    assert (reply.measurement.samples_ms, reply.predictions) == ((1.0, 2.0), ((0.25, 0.75),))
    here = parse("here", DeviceFacts, json.dumps(probe()))
    assert here.cores
    assert here.state.frequencies_mhz is not None


HOSTILE: dict[str, str | bytes] = {
    "nothing": "",
    "no JSON": "Traceback (most recent call last):",
    "cut short": json.dumps(REPLY)[:-3],
    "not UTF-8": b'{"measurement": "\xff\xfe"}',
    "another kind": "[]",
    "null": "null",
    "very deep": "[" * 100_000,
    "a number that is none": changed("measurement", "samples_ms", to=[float("nan")]),
    "infinite": json.dumps(REPLY).replace("1.0", "1e999"),
    "negative time": changed("measurement", "samples_ms", to=[-1.0]),
    "a text for a number": changed("measurement", "samples_ms", to=["1.0"]),
    "true for a number": changed("measurement", "first_ms", to=True),
    "no samples": changed("measurement", "samples_ms", to=[]),
    "more memory than there is": changed("measurement", "peak_memory_bytes", to=2**70),
    "an unknown key": changed("measurement", "__class__", to="x"),
    "an operator without a time": changed("measurement", "profile", to=[{"operator": "a", "type": "b"}]),
    "no predictions": changed("predictions", to=[]),
    "too many predictions": changed("predictions", to=[[1.0], [1.0]]),
    "predictions of nothing": changed("predictions", to=[[]]),
}


@pytest.mark.parametrize("reply", HOSTILE.values(), ids=HOSTILE)
def test_what_is_not_is_an_error_of_the_device(reply: str | bytes) -> None:
    with pytest.raises(DeviceError, match="board") as caught:
        Board(reply).measure(JOB)
    assert caught.value.remedy
    assert len(caught.value.problem) < 700, "a message, not the whole reply"


@pytest.mark.parametrize(
    "reply", ["", "{", '{"cores": -1}', '{"cores": "4"}', '{"runtimes": {"litert": 2}}', '{"state": {"governors": 1}}']
)
def test_facts_are_checked_alike(reply: str) -> None:
    with pytest.raises(DeviceError, match="board sent an unexpected reply"):
        Board(reply).probe()
    with pytest.raises(DeviceError, match="unexpected"):
        parse("browser", SteerReply, reply or "no JSON")


def test_a_reply_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "_LONGEST_REPLY", 10)
    with pytest.raises(DeviceError, match="more than 10"):
        parse("board", Reply, json.dumps(REPLY))


def test_predictions_of_other_classes_fail_that_model_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The device predicts two classes where this host's model has three."""
    import numpy as np

    boards: dict[str, Callable[[], Board]] = {"board": lambda: Board(json.dumps(REPLY))}
    monkeypatch.setattr(benchmarking, "open_device", lambda name: boards[name]())
    monkeypatch.setattr(Board, "probe", lambda self: DeviceFacts.model_validate(FACTS))
    (tmp_path / "model.tflite").write_bytes(b"x")
    model = ModelFile("m", tmp_path / "model.tflite", "litert", expected=np.ones((1, 3), np.float32) / 3)
    measured = benchmarking.benchmark(
        [model],
        ["board"],
        [Plan()],
        SentImages(tmp_path / "images.bin", np.zeros(1, int), Contract.square(32, 1 / 255, 0, ("a", "b")).output),
    )
    assert measured.results[0].failure
    assert "(1, 2)" in measured.results[0].failure.problem
    assert measured.devices["board"].facts
