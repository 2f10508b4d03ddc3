"""The protocol of devices: a place with a folder of our own, where programs run and a model is measured."""

import json
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from edgetl.devices.messages import DeviceFacts, Reply, check_reply, parse
from edgetl.devices.plan import Plan
from edgetl.devices.runner import NOISE, PACKAGES
from edgetl.documents import Part
from edgetl.errors import DeviceError, ExportError

RUNNER = Path(__file__).with_name("runner.py")
_ENGINES = tuple(sorted(RUNNER.parent.glob("engine_*.py")))
_LITERT_PROFILE = Path(__file__).with_name("litert_profile.py")
_START_S = 120.0  # for an interpreter, a runtime and a model to be loaded from a slow card
_SLOWEST_RUN_S = 2.0  # an inference beyond this is too slow for any phone; what hangs must end
ELSEWHERE = {"nnapi": "an Android phone over adb", "webnn": "a browser"}  # delegates that no Python has
_OLD_PYTHON = "is it a Python 3.8 or newer?"


@dataclass(frozen=True)
class Job:
    """One model to be measured.

    Args:
        model: file on this host.
        runtime: "litert" or "onnxruntime".
        images: raw uint8 pixels [N, H, W, 3] in a file on this host, each predicted after the timing; None: no predictions.
        image_count: N.
        batch: images an inference.
        required: whether the images must be predicted; else a device that cannot leaves them.
    """

    model: Path
    runtime: str
    plan: Plan = field(default_factory=Plan)
    images: Path | None = None
    image_count: int = 0
    batch: int = 1
    required: bool = True

    @property
    def timeout_s(self) -> float:
        """The time after which the job hangs for certain."""
        plan = self.plan
        compared = 2 * max(self.image_count, NOISE) if plan.accelerated else 0
        inferences = self.batch * (plan.runs + plan.warmup + plan.profile) + self.image_count + compared
        return _START_S + plan.duration_s + _SLOWEST_RUN_S * inferences


class Device(Protocol):
    """A machine, with a folder of its own for one benchmark that goes when it is closed, also after a failure.

    Everything raises DeviceError when the device is gone, hangs or lacks something.
    """

    name: str
    timed: bool  # whether its latency means anything (an emulator's does not)
    runtimes: Sequence[str] = tuple(PACKAGES)  # whose files it can measure

    def probe(self) -> DeviceFacts:
        """Find out what the device is, and in which state."""
        ...

    def unfit(self, model: Path) -> str:
        """Return why nothing like this device ever runs a file, in few words; empty: it may."""
        return ""

    def push(self, source: Path, name: str) -> None:
        """Copy a file of this host into the device's folder, under a plain name."""
        ...

    def run(self, command: Sequence[str], timeout_s: float) -> str:
        """Run a command in the device's folder; return what it writes to stdout. DeviceError has its stderr when it fails."""
        ...

    def pull(self, name: str) -> bytes:
        """Return the content of a file of the device's folder."""
        ...

    def measure(self, job: Job) -> Reply:
        """Time the model, then predict the images."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Kind:
    """A kind of device.

    Args:
        open: (name, target, settings) -> device, where a target is what follows the kind's name in ADB:TARGET or SSH://TARGET.
        settings: the type of the settings that the user's devices file may give; all of them texts that may be left out.
        present: the targets that can be used now without being named.
    """

    open: Callable[[str, str, Any], Device]
    settings: type[Part]
    present: Callable[[], Iterable[str]]


class AbsentDevice(Device):
    """A device that is not there: what a file would take of it is found on this host, and nothing runs."""

    timed = False

    def __init__(self, name: str) -> None:
        self.name = name

    def unfit(self, model: Path) -> str:
        from edgetl.micro.operators import in_float

        with suppress(ExportError):  # damaged: the measurement says so
            return "in float; it computes in integers" if in_float(model.read_bytes()) else ""
        return ""

    def push(self, source: Path, name: str) -> None:
        raise DeviceError(f"{self.name} has no files: nothing runs there", "name a board")

    def run(self, command: Sequence[str], timeout_s: float) -> str:
        raise DeviceError(f"{self.name} starts no programs: nothing runs there", "name a board")

    def pull(self, name: str) -> bytes:
        raise DeviceError(f"{self.name} has no files: nothing runs there", "name a board")

    def close(self) -> None:
        """Nothing is open."""


class PythonDevice(Device):
    """A device with a Python: probe and measure by the runner that is sent there."""

    timed = True
    python: Sequence[str]  # the command that starts it

    def probe(self) -> DeviceFacts:
        self.push(RUNNER, RUNNER.name)
        return parse(self.name, DeviceFacts, self.run([*self.python, RUNNER.name, "probe"], _START_S), _OLD_PYTHON)

    def measure(self, job: Job) -> Reply:
        plan = job.plan
        if plan.delegate in ELSEWHERE:
            raise DeviceError(
                f"{self.name} has no delegate '{plan.delegate}'", f"leave --delegate out, or measure {ELSEWHERE[plan.delegate]}"
            )
        model = f"model{job.model.suffix}"
        for script in (RUNNER, *_ENGINES):
            self.push(script, script.name)
        self.push(job.model, model)
        if plan.profile:
            self.push(_LITERT_PROFILE, _LITERT_PROFILE.name)
        if job.images:
            self.push(job.images, "images.bin")
        order = {"model": model, "runtime": job.runtime, "images": "images.bin" if job.images else None, **asdict(plan)}
        self._push_text(json.dumps(order), "job.json")
        try:
            self.run([*self.python, RUNNER.name, "run", "job.json"], job.timeout_s)
        except DeviceError as error:
            if "cannot import" in error.problem:
                advice = f"there: pip install {PACKAGES[job.runtime][0]}, or name a Python that has it in the devices file (python = ...)"
                raise DeviceError(error.problem, advice) from error
            raise
        reply = parse(self.name, Reply, self.pull("result.json"), _OLD_PYTHON)
        return check_reply(self.name, reply, job.image_count if job.images else 0)

    def _push_text(self, text: str, name: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_text(text, encoding="utf-8")
            self.push(path, name)
