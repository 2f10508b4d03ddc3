"""What every device is to the rest of edgetl: a place with a folder of our own, where programs run and a model is measured."""

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from edgetl.errors import DeviceError

RUNNER = Path(__file__).with_name("runner.py")
_LITERT_PROFILE = Path(__file__).with_name("litert_profile.py")
PACKAGES = {"litert": "ai-edge-litert", "onnxruntime": "onnxruntime"}
_START_S = 120.0  # for an interpreter, a runtime and a model to be loaded from a slow card
_SLOWEST_RUN_S = 2.0  # an inference beyond this is none for a phone; what hangs must end


@dataclass(frozen=True)
class Job:
    """One model measured one way.

    Args:
        model: file on this host.
        runtime: "litert" or "onnxruntime".
        threads: of the runtime.
        runs, warmup: counted inferences at least, and those before them.
        duration_s: counted inferences go on for so long at least.
        cpus: cores to run on; none: where the system puts it.
        delegate: "default", or see DELEGATES.
        profile: inferences to time operator by operator afterwards; 0: none.
        images: raw uint8 pixels [N, H, W, 3] in a file on this host, each answered after the timing; None: no predictions.
        image_count: N.
    """

    model: Path
    runtime: str
    threads: int = 1
    runs: int = 50
    warmup: int = 10
    duration_s: float = 0.0
    cpus: tuple[int, ...] = ()
    delegate: str = "default"
    profile: int = 0
    images: Path | None = None
    image_count: int = 0

    @property
    def timeout_s(self) -> float:
        """After which it hangs."""
        return _START_S + self.duration_s + _SLOWEST_RUN_S * (self.runs + self.warmup + self.profile + self.image_count)


DELEGATES = ("default", "cpu", "xnnpack", "gpu", "nnapi")


class Device(Protocol):
    """A machine, with a folder of its own for one benchmark that goes when it is closed, also after a failure.

    Everything raises DeviceError when the device is gone, hangs or lacks something.
    """

    name: str
    timed: bool  # whether its latency means anything (an emulator's does not)

    def probe(self) -> dict[str, Any]:
        """model, chip, abi, cores, memory_bytes, os, runtimes (name to version or None), and what changes (see runner.state)."""
        ...

    def push(self, source: Path, name: str) -> None:
        """Copy a file of this host into the device's folder, under a plain name."""
        ...

    def run(self, command: Sequence[str], timeout_s: float) -> str:
        """What a command, started in the device's folder, writes to stdout. DeviceError with its stderr when it fails."""
        ...

    def pull(self, name: str) -> bytes:
        """A file of the device's folder."""
        ...

    def measure(self, job: Job) -> dict[str, Any]:
        """What runner.run returns."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Kind:
    """A kind of device.

    Args:
        open: (name, target, settings) to a device, where a target is what follows the kind's name in ADB:TARGET or
            SSH://TARGET, and settings are those of the user's devices file.
        settings: the names that those may have.
        present: the targets that can be used now without being named.
    """

    open: Callable[[str, str, Mapping[str, str]], Device]
    settings: frozenset[str]
    present: Callable[[], Iterable[str]]


class PythonDevice(Device):
    """A device with a Python: probe and measure by the runner that is sent there."""

    timed = True
    python: Sequence[str]  # the command that starts it

    def probe(self) -> dict[str, Any]:
        self.push(RUNNER, RUNNER.name)
        return self._document(self.run([*self.python, RUNNER.name, "probe"], _START_S))

    def measure(self, job: Job) -> dict[str, Any]:
        if job.delegate in ("gpu", "nnapi"):
            raise DeviceError(f"{self.name} has no delegate '{job.delegate}'", "leave --delegate out, or measure an Android phone over adb")
        model = f"model{job.model.suffix}"
        self.push(RUNNER, RUNNER.name)
        self.push(job.model, model)
        if job.profile and job.runtime == "litert":
            self.push(_LITERT_PROFILE, _LITERT_PROFILE.name)
        if job.images:
            self.push(job.images, "images.bin")
        sent = asdict(replace(job, cpus=())) | {
            "model": model,
            "images": "images.bin" if job.images else None,
            "cpus": list(job.cpus),
        }
        self.push_text(json.dumps(sent), "job.json")
        try:
            self.run([*self.python, RUNNER.name, "run", "job.json"], job.timeout_s)
        except DeviceError as error:
            if "cannot import" in error.problem:
                advice = f"there: pip install {PACKAGES[job.runtime]}, or name a Python that has it in the devices file (python = ...)"
                raise DeviceError(error.problem, advice) from error
            raise
        return self._document(self.pull("result.json").decode())

    def push_text(self, text: str, name: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_text(text, encoding="utf-8")
            self.push(path, name)

    def _document(self, text: str) -> dict[str, Any]:
        try:
            document: dict[str, Any] = json.loads(text)
        except ValueError as error:
            raise DeviceError(
                f"{self.name} answered something else than the runner's JSON: {text[:200]!r}", "is it a Python 3.8 or newer?"
            ) from error
        return document
