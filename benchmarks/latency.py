"""Whether `edgetl benchmark` tells the truth: its figures beside those of public tools and of bare loops, in turn, one thread.

usage: python benchmarks/latency.py MODEL.tflite MODEL.onnx [ROUNDS]
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from common import cpu_line

RUNS, WARMUP = 300, 30


def main(lite: Path, onnx: Path, rounds: int) -> None:
    print(cpu_line())
    ways = {
        ("LiteRT", "litert-benchmark"): lambda: litert_benchmark(lite),
        ("LiteRT", "bare loop"): lambda: bare_loop(lite),
        ("LiteRT", "edgetl"): lambda: ours(lite, "litert"),
        ("ONNX Runtime", "bare loop"): lambda: bare_loop(onnx),
        ("ONNX Runtime", "edgetl"): lambda: ours(onnx, "onnxruntime"),
    }
    found: dict[tuple[str, str], list[float]] = {key: [] for key in ways}
    for _ in range(rounds):
        for key, way in ways.items():
            found[key].append(way())
    print(f"median of {rounds} rounds of {RUNS} runs, ms")
    for (runtime, name), values in found.items():
        ratios = np.array(found[runtime, "edgetl"]) / np.array(values)
        print(f"{runtime:14} {name:18} {np.median(values):8.4f}   edgetl / it, round by round: {np.median(ratios):.3f}")


def ours(model: Path, runtime: str) -> float:
    from edgetl.devices.base import Job, Plan
    from edgetl.devices.local import LocalDevice

    device = LocalDevice("local")
    try:
        job = Job(model, runtime, Plan(runs=RUNS, warmup=WARMUP))
        return float(np.median(device.measure(job).measurement.samples_ms))
    finally:
        device.close()


def litert_benchmark(model: Path) -> float:
    """The tool that comes with ai-edge-litert; its median, which it rounds to 0.01 ms."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        options = ["--num_runs", str(RUNS), "--warmup_runs", str(WARMUP), "--num_threads", "1", "--result_json", str(result)]
        tool = Path(sys.executable).with_name("litert-benchmark")
        subprocess.run([tool, "--model", model, *options], check=True, capture_output=True)
        return float(json.loads(result.read_text())["latency"]["median_ms"])


def bare_loop(model: Path) -> float:
    """In a process of its own: nothing but calls, timed twenty at a time, so that the clock costs nothing."""
    done = subprocess.run([sys.executable, __file__, "--loop", model], check=True, capture_output=True, text=True)
    return float(done.stdout)


def loop(model: Path) -> None:
    call = _lite(model) if model.suffix == ".tflite" else _onnx(model)
    for _ in range(WARMUP):
        call()
    blocks = []
    for _ in range(RUNS // 20):
        started = time.perf_counter()
        for _ in range(20):
            call()
        blocks.append(1e3 * (time.perf_counter() - started) / 20)
    print(np.median(blocks))


def _lite(model: Path):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(model), num_threads=1)
    interpreter.allocate_tensors()
    [takes] = interpreter.get_input_details()
    interpreter.set_tensor(takes["index"], np.random.default_rng(0).integers(0, 256, takes["shape"]).astype(takes["dtype"]))
    return interpreter.invoke


def _onnx(model: Path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    [takes] = session.get_inputs()
    dtype = "uint8" if takes.type == "tensor(uint8)" else "float32"
    image = np.random.default_rng(0).integers(0, 256, takes.shape).astype(dtype)
    return lambda: session.run(None, {takes.name: image})


if __name__ == "__main__":
    if sys.argv[1] == "--loop":
        loop(Path(sys.argv[2]))
    else:
        main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 7)
