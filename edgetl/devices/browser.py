"""A browser: Chromium without a window, which runs models as a web app does, in WebAssembly or on WebGPU."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from edgetl.devices import runner
from edgetl.devices.base import Device, Job, Kind
from edgetl.devices.browser_runtimes import RUNTIMES, version, web_files
from edgetl.devices.browser_steer import START_S
from edgetl.devices.messages import DeviceFacts, PageJob, Reply, SteerJob, SteerReply, check, check_reply, parse
from edgetl.devices.plan import Plan
from edgetl.devices.process import Surroundings, call
from edgetl.documents import Part
from edgetl.errors import DependencyError, DeviceError
from edgetl.software import install

_MACOS = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", _MACOS)
# A delegate's way in a browser, and for WebNN the processor that is preferred; XNNPACK is in LiteRT's WebAssembly anyway.
_BACKENDS = {
    "default": ("wasm", ""),
    "cpu": ("wasm", ""),
    "gpu": ("webgpu", ""),
    "webnn": ("webnn", "gpu"),
    "npu": ("webnn", "npu"),
}
_STEER = [sys.executable, "-P", "-m", "edgetl.devices.browser_steer"]
_ROOT = Path(__file__).parents[2]  # where that module is found, also when edgetl is not installed


class BrowserSettings(Part):
    """Settings of a browser in the devices file.

    Args:
        chromium: the program; None: the first that is found.
        runtimes: a node_modules folder with the JavaScript runtimes; None: they are fetched by npm.
    """

    chromium: str | None = None
    runtimes: str | None = None


class BrowserDevice(Device):
    """Starts a browser of its own for each model, so that none is measured in what another one left, and ends it there."""

    timed = True

    def __init__(self, name: str, settings: BrowserSettings) -> None:
        self.name, self._runtimes = name, settings.runtimes
        self._files: dict[str, Path] = {}
        self._chromium = find_chromium()
        if settings.chromium is not None:
            self._chromium = shutil.which(settings.chromium)
            if not self._chromium:
                raise DeviceError(f"{name}: there is no program {settings.chromium}", "correct 'chromium' in the devices file")
        if not find_spec("playwright"):
            raise DependencyError(f"{name} needs the Python package playwright", install("web"))

    def probe(self) -> DeviceFacts:
        facts = self._steered({}, START_S).facts
        if facts is None:
            raise DeviceError(f"{self.name} sent no facts", "report it in an issue")
        here = check(self.name, DeviceFacts, runner.probe())
        runtimes = {name: version(name, self._runtimes) for name in RUNTIMES}
        own = {"model": facts.model, "cores": facts.cores, "browser": facts.browser, "runtimes": runtimes, "python": None}
        return here.model_copy(update=own)

    def push(self, source: Path, name: str) -> None:
        self._files[f"/{name}"] = source

    def run(self, command: Sequence[str], timeout_s: float) -> str:
        raise DeviceError(f"{self.name} runs no programs: {command[0]}", "a browser runs pages only")

    def pull(self, name: str) -> bytes:
        return self._files[f"/{name}"].read_bytes()

    def measure(self, job: Job) -> Reply:
        plan = job.plan
        if plan.delegate not in _BACKENDS:
            advice = f"leave --delegate out, or choose one of: {', '.join(_BACKENDS)}"
            raise DeviceError(f"{self.name} has no delegate '{plan.delegate}'", advice)
        backend, device_type = _BACKENDS[plan.delegate]
        started = time.perf_counter()
        runtime = web_files(job.runtime, self._runtimes, self.name)
        self.push(job.model, "model")
        if job.images:
            self.push(job.images, "images.bin")
        page = PageJob(
            runtime=job.runtime,
            threads=plan.threads,
            runs=plan.runs,
            warmup=plan.warmup,
            duration_s=plan.duration_s,
            backend=backend,
            device_type=device_type,
            image_count=job.image_count if job.images else 0,
        )
        reply = self._steered(runtime | self._files, job.timeout_s, page, plan).reply
        if reply is None:
            raise DeviceError(f"{self.name} measured nothing", "report it in an issue")
        check_reply(self.name, reply, page.image_count)
        name = f"{RUNTIMES[job.runtime][0].name} {version(job.runtime, self._runtimes)}"
        known = {"runtime": name, "seconds": time.perf_counter() - started}
        return reply.model_copy(update={"measurement": reply.measurement.model_copy(update=known)})

    def close(self) -> None:
        self._files.clear()

    def _steered(self, files: Mapping[str, Path], timeout_s: float, page: PageJob | None = None, plan: Plan | None = None) -> SteerReply:
        """Steer a browser through a job, or ask it what it is. Nothing is left of it afterwards, however it ended."""
        paths = {name: str(file.absolute()) for name, file in files.items()}
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        with TemporaryDirectory(prefix="edgetl-", ignore_cleanup_errors=True) as folder:
            job = SteerJob(
                chromium=self._chromium,
                folder=folder,
                files=paths,
                page=page,
                cpus=plan.cpus if plan else (),
                profile=plan.profile if plan else 0,
            )
            file = Path(folder) / "job.json"
            file.write_text(job.model_dump_json(), encoding="utf-8")
            try:
                said = call(self.name, _STEER, timeout_s + START_S, Surroundings(stdin=file, env={"PYTHONPATH": path}))
            finally:
                _end_all_in(folder)
        reply = parse(self.name, SteerReply, said)
        if reply.failure:
            raise DeviceError(f"{self.name}: {reply.failure.problem}", reply.failure.remedy)
        return reply


def find_chromium() -> str | None:
    """Return the path of this host's Chromium, or of a browser built on it; None: there is none."""
    return next((path for path in map(shutil.which, _NAMES) if path), None)


def _end_all_in(folder: str) -> None:
    """End the browser that has its profile there: it is in no process group of ours, and one that hangs notices nothing."""
    for _ in range(100):  # until they are gone, since they write to the folder
        found = [process for process, command in _processes() if folder in command]
        if not found:
            return
        for process in found:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:  # gone by itself
                continue
        time.sleep(0.05)


def _processes() -> Iterator[tuple[int, str]]:
    """Yield the processes with their commands: from /proc, or where there is none, as on macOS, from ps."""
    if Path("/proc/self").exists():
        yield from ((int(path.parent.name), os.fsdecode(_bytes(path))) for path in Path("/proc").glob("[0-9]*/cmdline"))
        return
    ask = ["ps", "-axwwo", "pid=,command="]
    listed = subprocess.run(ask, capture_output=True, text=True, errors="replace", timeout=10, check=False).stdout
    for line in listed.splitlines():
        number, _, command = line.strip().partition(" ")
        yield int(number), command


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # a process that has ended meanwhile
        return b""


KIND = Kind(lambda name, target, settings: BrowserDevice(name, settings), BrowserSettings, lambda: [""])
