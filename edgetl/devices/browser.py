"""A browser: Chromium without a window, which runs the same page and runtimes as a web app would, in WebAssembly or WebGPU."""

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from edgetl.devices import runner
from edgetl.devices.base import Device, Job, Kind
from edgetl.devices.browser_runtimes import RUNTIMES, version, web_files
from edgetl.devices.browser_steer import START_S
from edgetl.devices.process import call
from edgetl.errors import DependencyError, DeviceError

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_STEER = [sys.executable, "-P", "-m", "edgetl.devices.browser_steer"]
_ROOT = Path(__file__).parents[2]  # where that module is found, also when edgetl is not installed


class BrowserDevice(Device):
    """Starts a browser of its own for each model, so that none is measured in what another one left, and ends it there."""

    timed = True

    def __init__(self, name: str, settings: Mapping[str, str]) -> None:
        self.name, self._runtimes = name, settings.get("runtimes")
        self._files: dict[str, Path] = {}
        self._chromium = find_chromium()
        if "chromium" in settings:
            self._chromium = shutil.which(settings["chromium"])
            if not self._chromium:
                raise DeviceError(f"{name}: there is no program {settings['chromium']}", "mend 'chromium' in the devices file")
        if not find_spec("playwright"):
            raise DependencyError(f"{name} needs the Python package playwright", "pip install 'edgetl[web]'")

    def probe(self) -> dict[str, Any]:
        here = {name: value for name, value in runner.probe().items() if name != "python"}
        return here | self._steered({}, START_S) | {"runtimes": {name: version(name, self._runtimes) for name in RUNTIMES}}

    def push(self, source: Path, name: str) -> None:
        self._files[f"/{name}"] = source

    def run(self, command: Sequence[str], timeout_s: float) -> str:
        raise DeviceError(f"{self.name} runs no programs: {command[0]}", "a browser runs pages only")

    def pull(self, name: str) -> bytes:
        return self._files[f"/{name}"].read_bytes()

    def measure(self, job: Job) -> dict[str, Any]:
        if job.delegate == "nnapi":
            raise DeviceError(f"{self.name} has no delegate 'nnapi'", "leave --delegate out, or measure an Android phone over adb")
        started = time.perf_counter()
        runtime = web_files(job.runtime, self._runtimes, self.name)
        self.push(job.model, "model")
        if job.images:
            self.push(job.images, "images.bin")
        asked = {name: getattr(job, name) for name in ("runtime", "threads", "runs", "warmup", "duration_s")}
        asked |= {"gpu": job.delegate == "gpu", "image_count": job.image_count if job.images else 0}
        measured = self._steered(runtime | self._files, job.timeout_s, asked, job.cpus, job.profile)
        name = f"{RUNTIMES[job.runtime][0].name} {version(job.runtime, self._runtimes)}"
        return {"runtime": name, **measured, "seconds": time.perf_counter() - started}

    def close(self) -> None:
        self._files.clear()

    def _steered(
        self,
        files: Mapping[str, Path],
        timeout_s: float,
        job: Mapping[str, Any] | None = None,
        cpus: Sequence[int] = (),
        profile: int = 0,
    ) -> dict[str, Any]:
        """What `browser_steer.steer` returns. Nothing is left of the browser afterwards, however it ended."""
        asked = {
            "chromium": self._chromium,
            "files": {name: str(file.absolute()) for name, file in files.items()},
            **{"job": job, "gpu": bool(job and job["gpu"]), "cpus": list(cpus), "profile": profile},
        }
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        with TemporaryDirectory(prefix="edgetl-", ignore_cleanup_errors=True) as folder:
            file = Path(folder) / "asked.json"
            file.write_text(json.dumps(asked | {"folder": folder}), encoding="utf-8")
            try:
                said = call(self.name, _STEER, timeout_s + START_S, stdin=file, env={"PYTHONPATH": path})
            finally:
                _end_all_in(folder)
        document: dict[str, Any] = json.loads(said)
        if "error" in document:
            raise DeviceError(f"{self.name}: {document['error']['problem']}", document["error"]["remedy"])
        return document


def find_chromium() -> str | None:
    """The path of this host's Chromium, or of a browser that is one."""
    return next((path for path in map(shutil.which, _NAMES) if path), None)


def _end_all_in(folder: str) -> None:
    """End the browser that has its profile there: it is in no process group of ours, and one that hangs notices nothing."""
    for _ in range(100):  # until they are gone, since they write to the folder
        found = [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline") if folder.encode() in _bytes(path)]
        if not found:
            return
        for process in found:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:  # gone by itself
                continue
        time.sleep(0.05)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # a process that has ended meanwhile
        return b""


KIND = Kind(lambda name, target, settings: BrowserDevice(name, settings), frozenset({"chromium", "runtimes"}), lambda: [""])
