"""The Linux folder times what the runtimes offer by the golden images, in processes of their own, and refuses what computes otherwise."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgetl.contract import Frame
from edgetl.pipeline.ship.app import AppOptions, ship
from tests.devices.test_compiled import CHROMIUM
from tests.ship.repack import of_another_input, repacked

TABLE = json.loads(Path(__file__).with_name("accelerators.json").read_text(encoding="utf-8"))
# LiteRT on a GPU that knows the golden predictions by heart (fast), gives them in another order (wrong), ends the process (ends), or has
# gone; and an NPU whose driver ends the process.
DRIVER = """
import enum, os, signal, sys, types
module = types.ModuleType("ai_edge_litert.compiled_model")
HardwareAccelerator = enum.Enum("HardwareAccelerator", "GPU NPU")
class Buffer:
    def write(self, values): self.values = values
    def read(self, size, dtype): return self.values.reshape(-1)
class CompiledModel:
    @classmethod
    def from_file(cls, path, options):
        if options is HardwareAccelerator.NPU: os.kill(os.getpid(), signal.SIGSEGV)
        if os.environ["GPU"] == "ends": os.kill(os.getpid(), signal.SIGSEGV)
        if os.environ["GPU"] == "gone": raise RuntimeError("the GPU is gone")
        from ai_edge_litert.interpreter import Interpreter
        self = cls()
        self.known, self.model = {}, Interpreter(model_path=path)
        self.model.allocate_tensors()
        return self
    def create_input_buffers(self, _): return [Buffer()]
    def create_output_buffers(self, _): return [Buffer()]
    def run_by_index(self, _, takes, gives):
        key = takes[0].values.tobytes()
        if key not in self.known:
            self.model.set_tensor(self.model.get_input_details()[0]["index"], takes[0].values)
            self.model.invoke()
            self.known[key] = self.model.get_tensor(self.model.get_output_details()[0]["index"]).copy()
        gives[0].values = self.known[key][:, ::-1] if os.environ["GPU"] == "wrong" else self.known[key]
module.HardwareAccelerator, module.CompiledModel = HardwareAccelerator, CompiledModel
module.Options = lambda hardware_accelerators: hardware_accelerators
sys.modules[module.__name__] = module
"""


@pytest.fixture(scope="module")
def apps(hostile: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The Linux folder of a float model by its runtime."""
    folder = tmp_path_factory.mktemp("floats")
    bundle = repacked(hostile, folder / "floats.edgetl", of_another_input(Frame(32, 32)))
    for runtime in ("litert", "onnxruntime"):
        ship(bundle, "linux", AppOptions(out=folder / runtime, runtime=runtime))
    return {runtime: folder / runtime for runtime in ("litert", "onnxruntime")}


@pytest.fixture(autouse=True)
def _nothing_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def classify(app: Path, *arguments: object) -> tuple[list[str], list[str]]:
    """The lines of the program's output, and what it says beside it."""
    command = [sys.executable, str(app / "classify.py"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True, encoding="utf-8")
    said, beside = ([line for line in text.split("\n") if line] for text in (done.stdout, done.stderr))
    return said, [line for line in beside if not line.startswith("INFO: ")]  # LiteRT's greeting


@pytest.mark.parametrize("case", TABLE, ids=lambda case: str(case["why"]))
def test_the_rule(case: dict[str, Any]) -> None:
    rule = runpy.run_path(str(Path(__file__).parents[3] / "deploy/linux/edgetl_choice.py"))
    chosen = rule["choose"]([rule["Measured"](**one) for one in case["measured"]])
    assert chosen == (case["name"], case["rows"])


def test_what_is_no_fast_and_right_accelerator_is_not_used(apps: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = Path(shutil.copytree(apps["litert"], tmp_path / "app"))
    program = app / "edgetl_accelerators.py"
    invoke = "self._interpreter.invoke()"
    program.write_text(program.read_text(encoding="utf-8").replace(invoke, f"time.sleep(0.05), {invoke}"), encoding="utf-8")  # a slow CPU
    golden = json.loads((app / "model/golden/golden.json").read_text(encoding="utf-8"))
    [names, *_] = golden["present_class_names"][json.loads((app / "model/app.json").read_text(encoding="utf-8"))["model"]]
    path = tmp_path / "image.png"
    Image.fromarray(np.fromfile(app / "model/golden/pixels.bin", np.uint8).reshape(golden["shape"])[0]).save(path)
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(DRIVER, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))

    monkeypatch.setenv("GPU", "wrong")
    *rows, npu, said = classify(app, "--accelerators")[0]
    assert re.fullmatch(r"CPU: \d+\.\d ms, identical", rows[0])
    assert re.fullmatch(r"GPU: refused, \d+ of 12 differ", rows[-1])
    assert npu == "NPU: not available (its driver ended the program with exit code -11)"
    assert said.startswith("The model runs on: CPU")

    monkeypatch.setenv("GPU", "fast")
    assert not classify(app, path, "--json")[1], "it is not timed again"
    *_, gpu, npu, said = classify(app, "--accelerators")[0]
    assert re.fullmatch(r"GPU: \d+\.\d ms, identical", gpu)
    assert said == "The model runs on: GPU"
    [line], _ = classify(app, path, "--json")
    assert json.loads(line)["present"] == names

    monkeypatch.setenv("GPU", "ends")
    with pytest.raises(subprocess.CalledProcessError):
        classify(app, path)
    assert "GPU: not available (its driver ended the program with exit code -11)" in classify(app, path)[1], "one start is lost, not every"

    monkeypatch.setenv("GPU", "fast")
    assert classify(app, "--accelerators")[0][-1] == "The model runs on: GPU"
    monkeypatch.setenv("GPU", "gone")
    lines, _ = classify(app, path, "--self-test", "--json")
    assert [json.loads(line).get("present") for line in lines] == [None, names], "the CPU goes on"
    assert "GPU: not available (the GPU is gone)" in classify(app, path)[1], "timed again, since the choice failed"


@pytest.mark.parametrize("runtime", ["litert", "onnxruntime"])
def test_what_is_here_is_timed_once_and_kept(apps: dict[str, Path], tmp_path: Path, runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = apps[runtime]
    [proof], rows = classify(app, "--self-test")
    assert re.fullmatch(r"CPU: \d+\.\d ms, identical", rows[0])
    counts = sorted(count for count in {2, 4, len(os.sched_getaffinity(0))} if 1 < count <= len(os.sched_getaffinity(0)))
    assert [row.split(":")[0] for row in rows[1 : 1 + len(counts)]] == [f"CPU, {count} threads" for count in counts]
    assert rows[-1].startswith("The model runs on: CPU")
    assert json.loads(proof)["max_steps"] < 0.01
    assert not classify(app, "--self-test")[1]
    assert len(list((tmp_path / "cache/edgetl-classifier").iterdir())) == 1
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    for _ in range(2):
        beside = classify(app, "--self-test")[1]  # also ONNX Runtime's own complaint
        assert any(row.startswith("CPU: ") for row in beside), "where nothing can be kept it is timed each time"
    assert not any(row.startswith("CPU") for row in classify(app, "--self-test", "--threads", 1)[1])


def test_a_gpu_of_litert_runs_the_model(apps: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """On Chromium's software adapter."""
    driver = CHROMIUM / "vk_swiftshader_icd.json"
    if not driver.is_file() or not (CHROMIUM / "libvulkan.so.1").is_file():
        pytest.skip("Chromium's SwiftShader is not here (Debian: apt-get install chromium)")
    monkeypatch.setenv("VK_DRIVER_FILES", str(driver))
    monkeypatch.setenv("LD_LIBRARY_PATH", os.pathsep.join(filter(None, (str(CHROMIUM), os.environ.get("LD_LIBRARY_PATH")))))
    [gpu] = [row for row in classify(apps["litert"], "--accelerators")[0] if row.startswith("GPU: ")]
    assert re.fullmatch(r"GPU: \d+\.\d ms, (identical|within 1 of 256 steps)", gpu)
