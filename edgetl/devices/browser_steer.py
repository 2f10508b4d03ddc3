"""Steers Chromium through one measurement, in a process of its own: whatever hangs in there, its caller can end it.

python -m edgetl.devices.browser_steer < ASKED      writes what `steer` returns, or an error, as JSON to stdout
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl.devices import runner
from edgetl.devices.browser_server import served
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
_GPU_FLAGS = ("--enable-unsafe-webgpu", "--enable-features=Vulkan", "--use-angle=vulkan", "--disable-vulkan-surface")


def steer(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What a browser is (no job), or what runner.run returns, less the runtime's name.

    Args:
        asked: chromium (program, or None for playwright's own), folder (for all that it leaves), files (to serve: path there to path
            here), job (for the page, see browser_page.js), gpu, cpus, profile.
    """
    if asked["cpus"]:
        try:
            os.sched_setaffinity(0, asked["cpus"])
        except OSError as error:
            cores = ", ".join(map(str, sorted(os.sched_getaffinity(0))))
            raise DeviceError(f"cannot run on the cores {', '.join(map(str, asked['cpus']))}", f"there are {cores}") from error
    with _page(asked) as (page, session):
        if not asked["job"]:
            product = session.send("Browser.getVersion")["product"]
            return {**page.evaluate("edgetl.facts()"), "model": product.replace("/", " ")}
        before = runner.state()
        timed = page.evaluate("job => edgetl.time(job)", asked["job"])
        after, renderer = runner.state(), _renderer(session)
        return {
            **timed,
            "peak_memory_bytes": _peak_bytes(renderer),
            "cpus": sorted(os.sched_getaffinity(renderer)),
            "before": before,
            "after": after,
            "predictions": page.evaluate("edgetl.predict()"),
            "profile": page.evaluate("runs => edgetl.profile(runs)", asked["profile"]) if asked["profile"] else None,
        }


@contextmanager
def _page(asked: Mapping[str, Any]) -> Iterator[tuple["Page", "CDPSession"]]:
    """Our page in a browser with a new profile, and the way to ask about its processes; what goes wrong in there is a DeviceError."""
    from playwright.sync_api import Error, sync_playwright

    folder = Path(asked["folder"])
    with sync_playwright() as driver, served(_PAGE | {name: Path(file) for name, file in asked["files"].items()}) as address:
        program = asked["chromium"] or driver.chromium.executable_path
        if not Path(program).is_file():
            advice = "install chromium, or run: playwright install chromium, or name one in the devices file (chromium = ...)"
            raise DeviceError("there is no Chromium here", advice)
        try:
            context = driver.chromium.launch_persistent_context(
                folder / "profile",
                artifacts_dir=folder / "artifacts",
                env={**os.environ, "TMPDIR": str(folder)},
                executable_path=program,
                args=[*_FLAGS, *(_GPU_FLAGS if asked["gpu"] else ("--disable-gpu",))],
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
            raise DeviceError(_said(error), "try the model on this host: --device local") from error


def _renderer(session: "CDPSession") -> int:
    """The process of our page: of those for pages the one that has worked most, others are kept in reserve."""
    found = [process for process in session.send("SystemInfo.getProcessInfo")["processInfo"] if process["type"] == "renderer"]
    return int(max(found, key=lambda process: process["cpuTime"])["id"])


def _peak_bytes(process: int) -> int:
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines())
    return int(fields["VmHWM"].split()[0]) * 1024


def _said(error: Exception) -> str:
    """What the page or Chromium said: playwright puts its own call before that, and the whole command and its output after it."""
    lines = str(error).splitlines()
    reason = next((line for line in lines if "FATAL" in line or "error while loading" in line), lines[0])
    return reason.removeprefix("Page.evaluate: ").removeprefix("Error: ")


def main() -> None:
    try:
        document = steer(json.load(sys.stdin))
    except DeviceError as error:
        document = {"error": {"problem": error.problem, "remedy": error.remedy}}
    json.dump(document, sys.stdout)


if __name__ == "__main__":
    main()
