"""Steer Chromium through one measurement, in a process of its own: whatever hangs in there, its caller can end it.

python -m edgetl.devices.browser_steer < JOB      reads a SteerJob, and writes a SteerReply to stdout
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from edgetl.devices import runner
from edgetl.devices.browser_server import served
from edgetl.devices.messages import DeviceFacts, Reply, SteerJob, SteerReply, check, parse
from edgetl.errors import DeviceError

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

START_S = 60.0  # for a browser and an empty page on a busy board
_HERE = Path(__file__)
_PAGE = {"/": _HERE.with_name("browser_page.html"), "/page.js": _HERE.with_name("browser_page.js")}
_FLAGS = (
    "--disable-quic",
    "--no-proxy-server",  # what is measured comes from loopback
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # and nothing else is reached
)
# WebGPU without a window needs Vulkan, and to be asked for: developer.chrome.com/blog/supercharge-web-ai-testing
_VULKAN = ("--enable-unsafe-webgpu", "--use-angle=vulkan", "--disable-vulkan-surface")
_BACKENDS = {
    "wasm": ("--disable-gpu",),
    "webgpu": (*_VULKAN, "--enable-features=Vulkan"),
    "webnn": (*_VULKAN, "--enable-features=Vulkan,WebMachineLearningNeuralNetwork"),
}


def steer(job: SteerJob) -> SteerReply:
    """Start a browser and let it do the job, or say what it is. Raises DeviceError."""
    if job.cpus:
        try:
            os.sched_setaffinity(0, job.cpus)
        except AttributeError:
            raise DeviceError("this system does not let a process choose its cores", "leave --cpu-mask out") from None
        except OSError as error:
            cores = ", ".join(map(str, sorted(os.sched_getaffinity(0))))
            raise DeviceError(f"cannot run on the cores {', '.join(map(str, job.cpus))}", f"there are {cores}") from error
    with _page(job) as (page, session):
        if not job.page:
            product = _Version.model_validate(session.send("Browser.getVersion")).product.replace("/", " ")
            return SteerReply(facts=check("the page", DeviceFacts, {**page.evaluate("edgetl.facts()"), "model": product}))
        before = runner.state()
        timed = page.evaluate("job => edgetl.time(job)", job.page.model_dump())
        after, renderer = runner.state(), _renderer(session)
        measurement = {
            **timed,
            "runtime": job.page.runtime,
            "peak_memory_bytes": runner.peak_bytes(str(renderer)),
            "cpus": runner.cores(renderer),
            "before": before,
            "after": after,
        }
        predictions = page.evaluate("edgetl.predict()")
        if job.profile:
            measurement["profile"] = page.evaluate("runs => edgetl.profile(runs)", job.profile)
        found = {"measurement": measurement, "predictions": predictions, "placed": page.evaluate("edgetl.placed()")}
        if job.page.backend != "wasm":
            found |= page.evaluate("edgetl.beside()")
        return SteerReply(reply=check("the page", Reply, found))


@contextmanager
def _page(job: SteerJob) -> Iterator[tuple["Page", "CDPSession"]]:
    """Open our page in a browser with a new profile, and a session to ask about its processes. Raises DeviceError."""
    from playwright.sync_api import Error, sync_playwright

    folder = Path(job.folder)
    with sync_playwright() as driver, served(_PAGE | {name: Path(file) for name, file in job.files.items()}) as address:
        program = job.chromium or driver.chromium.executable_path
        if not Path(program).is_file():
            advice = "install chromium, or run: playwright install chromium, or name one in the devices file (chromium = ...)"
            raise DeviceError("there is no Chromium here", advice)
        try:
            context = driver.chromium.launch_persistent_context(
                folder / "profile",
                artifacts_dir=folder / "artifacts",
                env={**os.environ, "TMPDIR": str(folder)},
                executable_path=program,
                args=[*_FLAGS, *_BACKENDS[job.page.backend if job.page else "wasm"]],
                timeout=1e3 * START_S,
            )
        except Error as error:
            advice = "does it start by hand? Another one can be named in the devices file (chromium = ...)"
            raise DeviceError(f"{program} does not start: {_said(error)}", advice) from error
        try:
            page = context.new_page()
            page.goto(address)
            assert context.browser  # of its own
            yield page, context.browser.new_browser_cdp_session()
            context.close()
        except Error as error:
            raise DeviceError(_said(error), "try the model on this computer: --device local") from error


class _Version(BaseModel):
    """The part of Browser.getVersion's reply that is read."""

    product: str


class _Process(BaseModel):
    id: int
    type: str
    cpu_s: float = Field(validation_alias="cpuTime")


class _Processes(BaseModel):
    """The reply of SystemInfo.getProcessInfo."""

    processes: list[_Process] = Field(validation_alias="processInfo")


def _renderer(session: "CDPSession") -> int:
    """Return the process of our page: of those for pages the one that has worked most, others are kept in reserve."""
    found = _Processes.model_validate(session.send("SystemInfo.getProcessInfo"))
    return max((process for process in found.processes if process.type == "renderer"), key=lambda process: process.cpu_s).id


def _said(error: Exception) -> str:
    """Return the message of the page or Chromium: playwright puts its own call before it, and the whole command and its output after it."""
    lines = str(error).splitlines()
    reason = next((line for line in lines if "FATAL" in line or "error while loading" in line), lines[0])
    return reason.removeprefix("Page.evaluate: ").removeprefix("Error: ")


def main() -> None:
    try:
        reply = steer(parse("edgetl", SteerJob, sys.stdin.buffer.read()))
    except DeviceError as error:
        reply = SteerReply(failure=error.failure)
    sys.stdout.write(reply.model_dump_json())


if __name__ == "__main__":
    main()
