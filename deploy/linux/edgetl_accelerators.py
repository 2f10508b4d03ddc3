"""Runs the model on the fastest accelerator that gives the golden predictions: threads of the CPU, a GPU or an NPU.

It is part of classify.py, which says what was chosen, and why. Drivers may end the program that tries them, so whatever is no CPU is
tried in a process of its own:

    python edgetl_accelerators.py FOLDER NAME    tries one, and writes what was measured as JSON
"""

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from edgetl_choice import Choice, Measured, choose

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # from 1.29 on ONNX Runtime reports to its maker otherwise
CPU = "CPU"
ROUNDS = 3  # of timing, of which the fastest counts: what else the machine does only slows
ROUND_S = 0.1  # at least
TRIAL_S = 120.0  # for one accelerator: a GPU's first program may take long, but what takes longer is of no use
REMOTE = ("AzureExecutionProvider",)  # computes elsewhere
Run = Callable[[np.ndarray], np.ndarray]  # from uint8 pixels [1, H, W, C] to predictions [1, K], as the file has them


class Golden:
    """The golden images uint8 [N, H, W, C] in a folder, and the model's predictions [N, K] of them."""

    def __init__(self, folder: Path, model: str) -> None:
        self.document: dict[str, Any] = json.loads((folder / "golden.json").read_text(encoding="utf-8"))
        self.wanted = np.asarray(self.document["predictions"][model])
        self.pixels = np.fromfile(folder / "pixels.bin", np.uint8).reshape(self.document["shape"])

    def steps(self, found: np.ndarray) -> np.ndarray:
        """Return how far probabilities [N, K] are from the golden ones, in steps of 1/256."""
        return np.abs(found - self.wanted) * 256

    def within(self, steps: np.ndarray) -> bool:
        """Whether that is within the tolerance; written so that NaN is not."""
        tolerance = self.document["tolerance"]
        return bool(steps.max() <= tolerance["max_steps"] and steps.mean() <= tolerance["mean_steps"])


class LiteRT:
    """Predictions of a TFLite file, by XNNPACK on the CPU."""

    def __init__(self, path: Path, threads: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_path=str(path), num_threads=threads)
        self._interpreter.allocate_tensors()
        self._input, self._output = self._interpreter.get_input_details()[0], self._interpreter.get_output_details()[0]

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        self._interpreter.set_tensor(self._input["index"], pixels.astype(self._input["dtype"]))
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output["index"])


class AcceleratedLiteRT:
    """The same on the GPU or NPU alone: LiteRT refuses what would leave an operator to the CPU."""

    def __init__(self, path: Path, accelerator: str) -> None:
        from ai_edge_litert.compiled_model import CompiledModel, HardwareAccelerator, Options
        from ai_edge_litert.interpreter import Interpreter

        options = Options(hardware_accelerators=HardwareAccelerator[accelerator])
        self._model = CompiledModel.from_file(str(path), options=options)
        facts = Interpreter(model_path=str(path))
        self._input, self._output = facts.get_input_details()[0], facts.get_output_details()[0]
        self._takes, self._gives = self._model.create_input_buffers(0), self._model.create_output_buffers(0)

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        self._takes[0].write(np.ascontiguousarray(pixels, self._input["dtype"]))
        self._model.run_by_index(0, self._takes, self._gives)
        shape = self._output["shape"]
        return self._gives[0].read(int(np.prod(shape)), self._output["dtype"]).reshape(shape)


class OnnxRuntime:
    """Predictions of an ONNX file, by an execution provider alone."""

    def __init__(self, path: Path, threads: int, provider: str = "CPUExecutionProvider") -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = threads, 3
        options.add_session_config_entry("session.x64quantprecision", "1")  # x86 processors without VNNI saturate sums otherwise
        if provider != "CPUExecutionProvider":
            options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        self._session = onnxruntime.InferenceSession(str(path), options, providers=[provider])
        if self._session.get_providers()[0] != provider:
            raise RuntimeError("it does not start")
        self._input = self._session.get_inputs()[0]

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        dtype = np.uint8 if self._input.type == "tensor(uint8)" else np.float32
        return self._session.run(None, {self._input.name: pixels.astype(dtype)})[0]


def openers(runtime: str, threads: int = 1) -> dict[str, Callable[[Path], Run]]:
    """Return what opens a model file on each accelerator that the installed runtime may have, by their names; the first is the CPU."""
    cpu = LiteRT if runtime == "litert" else OnnxRuntime
    cores = len(os.sched_getaffinity(0))
    counts = [count for count in sorted({2, 4, cores}) if 1 < count <= cores]
    found: dict[str, Callable[[Path], Run]] = {CPU: lambda path: cpu(path, threads)}
    found |= {f"{CPU}, {count} threads": lambda path, count=count: cpu(path, count) for count in counts}
    if runtime == "litert":
        return found | {name: lambda path, name=name: AcceleratedLiteRT(path, name) for name in ("GPU", "NPU")}
    import onnxruntime

    others = [name for name in onnxruntime.get_available_providers() if name not in (*REMOTE, "CPUExecutionProvider")]
    return found | {name.removesuffix("ExecutionProvider"): lambda path, name=name: OnnxRuntime(path, 1, name) for name in others}


def probabilities(run: Run, pixels: np.ndarray) -> np.ndarray:
    """Return float32 [K] of uint8 pixels [H, W, C]."""
    values = run(pixels[np.newaxis])[0]
    return values / np.float32(256) if values.dtype == np.uint8 else values


def measure(name: str, open_model: Callable[[], Run], golden: Golden) -> Measured:
    """Replay the golden images, and time the model where it passes. Never raises for what a runtime or driver does."""
    try:
        run = open_model()
        found = np.stack([probabilities(run, image) for image in golden.pixels])
        if found.shape != golden.wanted.shape:
            return Measured(name, differ=len(found), images=len(found))
        steps = golden.steps(found)
        differ = sum(not golden.within(row) for row in steps)
        if not golden.within(steps):
            return Measured(name, max_steps=float(steps.max()), differ=differ, images=len(found))
        rounds = (_round_ms(run, golden.pixels) for _ in range(ROUNDS))
        return Measured(name, passed=True, ms=min(rounds), max_steps=float(steps.max()), differ=differ, images=len(found))
    except Exception as error:  # noqa: BLE001  # runtimes refuse a model with exceptions of any kind
        return Measured(name, _line(str(error)) or type(error).__name__)


def _round_ms(run: Run, pixels: np.ndarray) -> float:
    begun, runs = time.perf_counter(), 0
    while not runs or time.perf_counter() - begun < ROUND_S:
        probabilities(run, pixels[runs % len(pixels)])
        runs += 1
    return 1000 * (time.perf_counter() - begun) / runs


def _tried(folder: Path, name: str) -> Measured:
    """Measure an accelerator in a process of its own, which its driver may end."""
    command = [sys.executable, str(Path(__file__).resolve()), str(folder), name]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TRIAL_S, check=False, env=env)
    except subprocess.TimeoutExpired:
        return Measured(name, f"it takes longer than {TRIAL_S:.0f} s")
    except OSError as error:
        return Measured(name, str(error))
    if done.returncode:
        return Measured(name, f"its driver ended the program with exit code {done.returncode}")
    found = Measured(**json.loads(done.stdout.splitlines()[-1]))
    logged = re.search(r"^ERROR: (?:\[[^\]]*\])?\s*(\S.*)", done.stderr, re.MULTILINE)  # says more than LiteRT's exception
    return found._replace(missing=_line(logged[1])) if found.missing and logged else found


def _line(text: str) -> str:
    """Return the first line that says something: LiteRT begins with the places in its source."""
    return next(iter(re.sub(r"ERROR: \[[^\]]*\]|\u2514", "", text).strip().splitlines()), "").strip()[:160]


class Accelerator:
    """The model on an accelerator: the one of an earlier start, or the fastest that passes now, which is then kept.

    Args:
        folder: with the model and the golden predictions.
        again: times all of them, whatever is kept.
    """

    def __init__(self, folder: Path, runtime: str, model: str, again: bool = False) -> None:
        self._path, self._openers = folder / model, openers(runtime)
        self._kept = _memory(self._path, [*self._openers])
        choice = None if again else self._remembered()
        self.fresh = choice is None
        if choice is None:
            golden = Golden(folder / "golden", model)
            choice = choose([self._measured(name, folder, golden) for name in self._openers])
            self._remember(choice)
        self.name, self.rows = choice.name or CPU, choice.rows
        # A driver that ends the program now is not to end every later one: what an earlier start chose is kept again when it has predicted.
        self._unproven = None if self.fresh or self.name == CPU else choice
        if self._unproven:
            self._remember(None)
        try:
            self._run = self._openers[self.name](self._path)
        except Exception as error:  # noqa: BLE001
            self._fall_back(error)

    def _measured(self, name: str, folder: Path, golden: Golden) -> Measured:
        return measure(name, lambda: self._openers[name](self._path), golden) if name.startswith(CPU) else _tried(folder, name)

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        try:
            outputs = self._run(pixels)
        except Exception as error:  # noqa: BLE001
            self._fall_back(error)
            return self._run(pixels)
        if self._unproven:
            self._remember(self._unproven)
            self._unproven = None
        return outputs

    def _fall_back(self, error: Exception) -> None:
        """Go on with the CPU, and time again at the next start. Raises the error where it is the CPU that fails."""
        if self.name == CPU:
            raise error
        self.name, self._unproven = CPU, None
        self._remember(None)
        self._run = self._openers[CPU](self._path)

    def _remembered(self) -> Choice | None:
        try:
            choice = Choice(**json.loads(self._kept.read_text(encoding="utf-8"))) if self._kept else None
        except (OSError, ValueError, TypeError):
            return None
        return choice if choice and choice.name in self._openers else None

    def _remember(self, choice: Choice | None) -> None:
        if not self._kept:
            return
        try:
            self._kept.parent.mkdir(parents=True, exist_ok=True)
            partial = self._kept.with_suffix(f".{os.getpid()}")
            partial.write_text(json.dumps(choice._asdict() if choice else None), encoding="utf-8")
            partial.replace(self._kept)
        except OSError:
            pass  # where nothing can be kept, the next start times again


def _memory(model: Path, names: Sequence[str]) -> Path | None:
    """Return the file for the choice of this model on this machine, with what is installed on it; None: there is no place for one."""
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # no home
        return None
    from importlib.metadata import version

    runtime = "ai-edge-litert" if model.suffix == ".tflite" else "onnxruntime"
    try:
        installed = version(runtime)
    except ImportError:  # another build of it, such as onnxruntime-gpu
        installed = ""
    known = [hashlib.sha256(model.read_bytes()).hexdigest(), installed, platform.machine(), _processor(), *names]
    return base / "edgetl-classifier" / f"{hashlib.sha256(json.dumps(known).encode()).hexdigest()}.json"


def _processor() -> str:
    try:
        found = re.search(r"^(?:model name|Model|Hardware)\s*:\s*(.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        return ""
    return found[1] if found else ""


if __name__ == "__main__":
    folder, name = Path(sys.argv[1]), sys.argv[2]
    chosen = json.loads((folder / "app.json").read_text(encoding="utf-8"))
    opener = openers(chosen["runtime"])[name]
    print(json.dumps(measure(name, lambda: opener(folder / chosen["model"]), Golden(folder / "golden", chosen["model"]))._asdict()))
