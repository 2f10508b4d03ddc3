"""The web app times WebAssembly and WebGPU by the golden images in a Chromium with a software GPU, and refuses what computes otherwise."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edgetl.contract import Frame
from edgetl.devices.browser_runtimes import RUNTIMES
from edgetl.pipeline.ship.app import AppOptions, ship
from tests.ship.repack import of_another_input, repacked
from tests.ship.targets.test_web_proof import rewritten
from tests.ship.targets.web_host import CHROMIUM, SOFTWARE_GPU, Visit, chromium, give, hosted, image, proved

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TABLE = json.loads(Path(__file__).with_name("accelerators.json").read_text(encoding="utf-8"))
NO_WEBNN = "NPU: not available (this browser has no WebNN)"
# The CPU, made slow.
SLOW = (
    "const run = async (pixels) => {",
    "const run = async (pixels) => { if (id === 'wasm') await new Promise((done) => setTimeout(done, 100));",
)
# A GPU whose results are read in the wrong order.
WRONG = """{
  const read = GPUBuffer.prototype.getMappedRange;
  GPUBuffer.prototype.getMappedRange = function (...range) {
    const memory = read.call(this, ...range);
    if (this.usage & GPUBufferUsage.MAP_READ) new Uint32Array(memory).reverse();
    return memory;
  };
}"""
# Counts what the GPU is given to do, and fails when it is asked to.
WATCHED = """{
  globalThis.gpu = { submitted: 0, failing: false };
  const submit = GPUQueue.prototype.submit;
  GPUQueue.prototype.submit = function (work) {
    if (globalThis.gpu.failing) throw new Error("the GPU is gone");
    globalThis.gpu.submitted++;
    return submit.call(this, work);
  };
}"""


@pytest.fixture(scope="module")
def gpu_browser() -> Iterator["Browser"]:
    if not CHROMIUM:
        pytest.skip("there is no Chromium (apt-get install chromium)")
    with chromium(SOFTWARE_GPU) as started:
        yield started


@pytest.fixture(scope="module")
def floats(hostile: Path, web_runtimes: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A web app of a float model by its runtime: ONNX Runtime Web has no integer operator for WebGPU."""
    folder = tmp_path_factory.mktemp("floats")
    bundle = repacked(hostile, folder / "floats.edgetl", of_another_input(Frame(32, 32)))
    for runtime in RUNTIMES:
        ship(bundle, "web", AppOptions(out=folder / runtime, runtime=runtime))
    return {runtime: folder / runtime for runtime in RUNTIMES}


def timed(page: "Page") -> list[str]:
    """The rows of the accelerators, once they are there, and the sentence below them."""
    page.wait_for_selector("#accelerators li")
    page.wait_for_selector("#accelerate[aria-busy=false]")
    return [*page.locator("#accelerators li").all_inner_texts(), page.inner_text("#chosen")]


@contextmanager
def slow(browser: "Browser", app: Path, folder: Path, script: str) -> Iterator[tuple[Visit, str, list[str]]]:
    """A visit of a copy of the app whose CPU is slow, with a script of the browser's, its address, and what is sent from there."""
    copy = Path(shutil.copytree(app, folder / "app"))
    rewritten("runtime/runtime.js", *SLOW)(copy)
    with hosted(copy) as host:
        visit = Visit(browser)
        visit.context.add_init_script(script)
        visit.page.goto(host.url)
        yield visit, host.url, host.sent
        assert visit.wrong == []
        visit.context.close()


@pytest.mark.parametrize("case", TABLE, ids=lambda case: str(case["why"]))
def test_the_rule(gpu_browser: "Browser", case: dict[str, object], tmp_path: Path) -> None:
    rule = Path(__file__).parents[3] / "deploy/web/edgetl-classifier/choice.js"
    page = gpu_browser.new_page()
    page.add_script_tag(content=rule.read_text(encoding="utf-8").replace("export ", ""))
    assert page.evaluate("(measured) => choose(measured)", case["measured"]) == {"name": case["name"], "rows": case["rows"]}
    page.close()


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_webgpu_is_used_where_it_is_faster_and_later_without_timing(
    gpu_browser: "Browser", floats: dict[str, Path], tmp_path: Path, runtime: str
) -> None:
    path = image(tmp_path)
    with slow(gpu_browser, floats[runtime], tmp_path, WATCHED) as (visit, url, sent):
        page = visit.page
        cpu, gpu, npu, chosen = timed(page)
        assert re.fullmatch(r"CPU: \d{3}\.\d ms, identical", cpu)
        assert re.fullmatch(r"GPU: \d+\.\d ms, (identical|within 1 of 256 steps)", gpu)
        assert (npu, chosen) == (NO_WEBNN, "The model runs on the GPU.")
        submitted = page.evaluate("gpu.submitted")
        outcome = give(page, path)
        assert "on the GPU" in page.inner_text("#latency")
        assert page.evaluate("gpu.submitted") > submitted, "it is used"
        assert proved(page).startswith("Passed: ")

        sent.clear()
        page.goto(url)
        assert timed(page) == [cpu, gpu, npu, chosen], "kept, as a second timing would give other times"
        assert give(page, path) == outcome
        assert sent == [], "it is offline"

        page.evaluate("gpu.failing = true")
        assert give(page, path)[0] == (outcome[0][0], pytest.approx(outcome[0][1], abs=1 / 256)), "the CPU goes on"
        assert "on the CPU" in page.inner_text("#latency")
        page.evaluate("gpu.failing = false")
        page.goto(url)
        assert timed(page)[-1] == "The model runs on the GPU.", "timed again, since the choice failed"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_wrong_accelerator_is_refused_however_fast(gpu_browser: "Browser", floats: dict[str, Path], tmp_path: Path, runtime: str) -> None:
    path = image(tmp_path)
    with slow(gpu_browser, floats[runtime], tmp_path, WRONG) as (visit, _, _):
        page = visit.page
        cpu, gpu, _, chosen = timed(page)
        assert cpu.endswith("ms, identical")
        assert re.fullmatch(r"GPU: refused, \d+ of 12 differ", gpu)
        assert chosen == "The model runs on the CPU."
        assert give(page, path)
        assert proved(page).startswith("Passed: ")


def test_without_a_gpu_the_page_says_so(gpu_browser: "Browser", web_apps: dict[str, Path]) -> None:
    """And fetches nothing for one; an int8 ONNX file would stay on the CPU."""
    with hosted(web_apps["litert"]) as host:
        visit = Visit(gpu_browser)
        visit.context.add_init_script("navigator.gpu.requestAdapter = async () => null")
        visit.page.goto(host.url)
        assert timed(visit.page)[1:] == ["GPU: not available (WebGPU finds no GPU)", NO_WEBNN, "The model runs on the CPU."]
        visit.page.click("#accelerate")
        assert timed(visit.page)[-1] == "The model runs on the CPU."
        assert not [name for name, _ in host.sent if "jspi" in name]
        visit.context.close()
    with hosted(web_apps["onnxruntime"]) as host:
        visit = Visit(gpu_browser)
        visit.page.goto(host.url)
        assert timed(visit.page)[1] == "GPU: not available (ONNX Runtime Web computes int8 on the CPU alone)"
        assert not [name for name, _ in host.sent if "webgpu" in name or "asyncify" in name]
        visit.context.close()


def test_int8_predictions_of_the_gpu_are_within_the_tolerance(gpu_browser: "Browser", web_apps: dict[str, Path]) -> None:
    with hosted(web_apps["litert"]) as host:
        visit = Visit(gpu_browser)
        visit.page.goto(host.url)
        assert re.fullmatch(r"GPU: \d+\.\d ms, (identical|within \d+ of 256 steps)", timed(visit.page)[1])
        assert visit.wrong == []
        visit.context.close()
