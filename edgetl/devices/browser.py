"""A browser: Chromium without a window, which runs the same page and runtimes as a web app would, in WebAssembly or WebGPU."""

import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from edgetl.devices import runner
from edgetl.devices.base import Device, Job, Kind
from edgetl.devices.browser_runtimes import RUNTIMES, version, web_files
from edgetl.devices.browser_server import served
from edgetl.devices.process import ended
from edgetl.errors import DependencyError, DeviceError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page, Playwright

_HERE = Path(__file__)
_PAGE = {"/": _HERE.with_name("browser_page.html"), "/page.js": _HERE.with_name("browser_page.js")}
_START_S = 60.0  # for a browser and an empty page on a busy board
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_FLAGS = (
    "--disable-quic",
    "--no-proxy-server",  # what is measured comes from loopback
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # and nothing else is reached
)
# WebGPU without a window needs Vulkan, and to be asked for: developer.chrome.com/blog/supercharge-web-ai-testing
_GPU_FLAGS = ("--enable-unsafe-webgpu", "--enable-features=Vulkan", "--use-angle=vulkan", "--disable-vulkan-surface")


class BrowserDevice(Device):
    """Starts a browser of its own for each model, so that none is measured in what another one left, and ends it there."""

    timed = True

    def __init__(self, name: str, settings: Mapping[str, str]) -> None:
        self.name, self._runtimes = name, settings.get("runtimes")
        self._chromium = settings.get("chromium") or next((path for path in map(shutil.which, _NAMES) if path), None)
        self._files: dict[str, Path] = {}
        if "chromium" in settings and not shutil.which(settings["chromium"]):
            raise DeviceError(f"{name}: there is no program {settings['chromium']}", "mend 'chromium' in the devices file")
        try:
            import playwright.sync_api  # noqa: F401  only whether it is there
        except ImportError as error:
            raise DependencyError(f"{name} needs the Python package playwright", "pip install 'edgetl[web]'") from error

    def probe(self) -> dict[str, Any]:
        with self._page({}, _START_S) as (page, session):
            facts: dict[str, Any] = page.evaluate("edgetl.facts()")
            product = session.send("Browser.getVersion")["product"]
        here = {name: value for name, value in runner.probe().items() if name != "python"}
        runtimes = {name: version(name, self._runtimes) for name in RUNTIMES}
        return here | facts | {"model": product.replace("/", " "), "runtimes": runtimes}

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
        if job.pictures:
            self.push(job.pictures, "pictures.bin")
        asked = {name: getattr(job, name) for name in ("runtime", "threads", "runs", "warmup", "duration_s")}
        asked |= {"gpu": job.delegate == "gpu", "picture_count": job.picture_count if job.pictures else 0}
        with self._page(runtime | self._files, job.timeout_s, asked["gpu"], job.cpus) as (page, session):
            before = runner.state()
            timed = page.evaluate("job => edgetl.time(job)", asked)
            after, renderer = runner.state(), _processes(session, "renderer")[0]
            return {
                "runtime": f"{RUNTIMES[job.runtime][0].name} {version(job.runtime, self._runtimes)}",
                **timed,
                "peak_memory_bytes": _peak_bytes(renderer),
                "cpus": sorted(os.sched_getaffinity(renderer)),
                "before": before,
                "after": after,
                "answers": page.evaluate("edgetl.answer()"),
                "profile": page.evaluate("runs => edgetl.profile(runs)", job.profile) if job.profile else None,
                "seconds": time.perf_counter() - started,
            }

    def close(self) -> None:
        self._files.clear()

    @contextmanager
    def _page(
        self, files: Mapping[str, Path], timeout_s: float, gpu: bool = False, cpus: Sequence[int] = ()
    ) -> Iterator[tuple["Page", "CDPSession"]]:
        """Our page in a browser with a new profile, which both end with the block; what goes wrong in there is a DeviceError."""
        from playwright.sync_api import Error, sync_playwright

        with ExitStack() as stack:
            # Chromium's profile, and where it would leave more: it is killed when it hangs, and then clears nothing away.
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="edgetl-", ignore_cleanup_errors=True)))
            with _pinned(self.name, cpus):
                driver = stack.enter_context(sync_playwright())
                browser = self._started(driver, folder, _GPU_FLAGS if gpu else ("--disable-gpu",))
            session = browser.new_browser_cdp_session()
            late = stack.enter_context(ended(os.getpgid(_processes(session, "browser")[0]), timeout_s))
            address = stack.enter_context(served(_PAGE | dict(files)))
            try:
                page = browser.contexts[0].new_page()
                page.goto(address)
                yield page, session
                browser.contexts[0].close()
            except Error as error:
                if late.is_set():
                    advice = "is the machine overloaded, or the model too slow for it?"
                    raise DeviceError(f"{self.name}: the page did not finish within {timeout_s:.0f} s", advice) from error
                raise DeviceError(f"{self.name}: {_said(error)}", "try the model on this host: --device local") from error

    def _started(self, driver: "Playwright", folder: Path, flags: Sequence[str]) -> "Browser":
        from playwright.sync_api import Error

        path = self._chromium or driver.chromium.executable_path
        if not shutil.which(path):
            advice = "install chromium, or run: playwright install chromium, or name one in the devices file (chromium = ...)"
            raise DeviceError(f"{self.name}: there is no Chromium here", advice)
        try:
            context = driver.chromium.launch_persistent_context(
                folder / "profile",
                artifacts_dir=folder / "artifacts",
                env={**os.environ, "TMPDIR": str(folder)},
                executable_path=path,
                args=[*_FLAGS, *flags],
                timeout=1e3 * _START_S,
            )
        except Error as error:
            advice = "does it start by hand? Another one can be named in the devices file (chromium = ...)"
            raise DeviceError(f"{self.name}: {path} does not start: {_said(error)}", advice) from error
        assert context.browser  # the context is the only one of a browser of its own
        return context.browser


@contextmanager
def _pinned(who: str, cpus: Sequence[int]) -> Iterator[None]:
    """What this thread starts runs on these cores."""
    if not cpus:
        yield
        return
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, cpus)
    except OSError as error:
        cores = ", ".join(map(str, sorted(before)))
        raise DeviceError(f"{who}: cannot run on the cores {', '.join(map(str, cpus))}", f"there are {cores}") from error
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _processes(session: "CDPSession", kind: str) -> list[int]:
    """The browser's processes of a kind, the one that has worked most first: among renderers ours, others are kept in reserve."""
    found = session.send("SystemInfo.getProcessInfo")["processInfo"]
    return [process["id"] for process in sorted(found, key=lambda process: -process["cpuTime"]) if process["type"] == kind]


def _peak_bytes(process: int) -> int:
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines())
    return int(fields["VmHWM"].split()[0]) * 1024


def _said(error: Exception) -> str:
    """What the page or Chromium said: playwright puts its own call before that, and the whole command and its output after it."""
    lines = str(error).splitlines()
    reason = next((line for line in lines if "FATAL" in line or "error while loading" in line), lines[0])
    return reason.removeprefix("Page.evaluate: ").removeprefix("Error: ")


KIND = Kind(lambda name, target, settings: BrowserDevice(name, settings), frozenset({"chromium", "runtimes"}), lambda: [""])
