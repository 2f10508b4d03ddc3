"""The adb kind of device on a real adbd; stand-ins only for what Linux lacks: getprop, dumpsys, and the makers' Android programs."""

import hashlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetl.benchmarking.operators import known
from edgetl.benchmarking.placement import placement
from edgetl.devices import DEVICES_FILE, open_device, runner
from edgetl.devices.adb import _END, _RUN, AdbDevice
from edgetl.devices.base import Job
from edgetl.devices.messages import Battery, DeviceFacts, OperatorTime
from edgetl.devices.plan import Plan
from edgetl.devices.survey import survey
from edgetl.errors import DependencyError, DeviceError, Failure
from edgetl.software import install
from tests.conftest import CliResult, Made, python_program
from tests.devices.adbd import Daemon, adb_server, daemon, start_daemon
from tests.devices.conftest import RUNTIMES, Models
from tests.devices.tiny_model import write

__all__ = ["adb_server", "daemon", "start_daemon"]  # fixtures

NASTY = "a 'b\" ; touch owned $(touch owned) `touch owned` & * ä\\n.tflite"
Name = Callable[..., str]


@pytest.fixture
def name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Name:
    """Writes the devices file with one device in it, whose folder is one of this test's; gives the device's name."""
    monkeypatch.setenv(DEVICES_FILE, str(tmp_path / "devices.toml"))
    (tmp_path / "there").mkdir()

    def write(serial: str, **settings: object) -> str:
        table = {"kind": "adb", "serial": serial, "folder": tmp_path / "there"} | settings
        lines = [f"{key} = {json.dumps(str(value), ensure_ascii=False)}" for key, value in table.items()]
        (tmp_path / "devices.toml").write_text("[phone]\n" + "\n".join(lines), encoding="utf-8")
        return "phone"

    return write


@contextmanager
def opened(spec: str) -> Iterator[AdbDevice]:
    device = open_device(spec)
    assert isinstance(device, AdbDevice)
    try:
        yield device
    finally:
        device.close()


@pytest.fixture
def device(daemon: Daemon, name: Name, tmp_path: Path) -> Iterator[AdbDevice]:
    with opened(name(daemon.serial, python=sys.executable)) as device:
        yield device
    assert not list((tmp_path / "there").iterdir())


def running(*arguments: str, folder: Path) -> bool:
    """Whether a process that was started in the folder, and so by this test, has these arguments in a row."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            started = process.joinpath("cwd").readlink()
            if "\0".join(arguments).encode() in process.joinpath("cmdline").read_bytes() and started.is_relative_to(folder):
                return True
    return False


def failure(spec: str) -> Failure:
    """Why the device cannot be used, as `edgetl devices` finds it."""
    found = survey()[spec]
    assert isinstance(found, Failure)
    return found


def wait_for(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_probe(device: AdbDevice) -> None:
    facts, here = device.probe(), runner.probe()
    assert (facts.python, facts.chip, facts.cores) == (here["python"], here["chip"], here["cores"])
    assert facts.memory_bytes
    assert facts.memory_bytes > 2**28
    assert facts.free_bytes
    assert all(facts.runtimes.values())
    assert (facts.abi, facts.state.battery) == (os.uname().machine, None)


def test_programs_get_their_arguments_as_they_are(device: AdbDevice) -> None:
    assert device.run(["printf", "%s", NASTY], 30) == NASTY
    assert device.run(["printf", r"edgetl-exit:0\n"], 30) == "edgetl-exit:0\n"
    for said, told in (
        ("echo out; echo why >&2", "phone: why"),
        ("echo out", r"phone: out \(exit code 7\)"),
        ("", r"phone: \(exit code 7\)"),
    ):
        with pytest.raises(DeviceError, match=told):
            device.run(["sh", "-c", f"{said}\nexit 7"], 30)
    with pytest.raises(DeviceError, match=r"nothing-of-that-name.*not found"):
        device.run(["nothing-of-that-name"], 30)


def test_files_come_and_go_as_they_are(device: AdbDevice, tmp_path: Path) -> None:
    data = bytes(range(256)) * 999
    (tmp_path / NASTY).write_bytes(data)
    device.push(tmp_path / NASTY, NASTY)
    assert device.pull(NASTY) == data
    assert device.run(["ls"], 30) == f"{NASTY}\n"
    with pytest.raises(DeviceError, match="No such file"):
        device.pull("nothing")


def test_ends_what_hangs(device: AdbDevice, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="sleep did not finish within 1 s"):
        device.run(["sleep", "611.25"], 1)
    wait_for(lambda: not running("sleep", "611.25", folder=tmp_path))


def test_a_device_that_vanishes_is_no_success(daemon: Daemon, name: Name, tmp_path: Path) -> None:
    device = open_device(name(daemon.serial))
    killer = threading.Thread(target=lambda: (wait_for(lambda: running("sleep", "12.125", folder=tmp_path)), daemon.kill()))
    killer.start()
    with pytest.raises(DeviceError, match=r"disconnected while sleep ran|cannot be used: it is") as raised:
        device.run(["sleep", "12.125"], 60)
    assert raised.value.remedy
    killer.join()
    with pytest.raises(DeviceError, match="phone cannot be used: it is") as raised:
        device.run(["true"], 60)
    assert "in the same network" in raised.value.remedy
    device.close()


def test_full_disk(daemon: Daemon, name: Name, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if not shutil.which("mount") or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk], check=False).returncode:
        pytest.skip("a file system cannot be mounted without root")
    try:
        (tmp_path / "large").write_bytes(bytes(2**21))
        with opened(name(daemon.serial, folder=disk)) as device, pytest.raises(DeviceError, match="No space left") as raised:
            device.push(tmp_path / "large", "large")
        assert "make room" in raised.value.remedy
        assert not list(disk.iterdir())
    finally:
        subprocess.run(["umount", disk], check=True)


def test_no_such_folder(daemon: Daemon, name: Name) -> None:
    with pytest.raises(DeviceError, match="no folder /nowhere; else") as raised:
        open_device(name(daemon.serial, folder="/nowhere; else"))
    assert "folder = " in raised.value.remedy


def test_which_device_is_meant(start_daemon: Callable[..., Daemon]) -> None:
    with pytest.raises(DeviceError, match="no Android device is connected") as raised:
        open_device("adb")
    assert "USB debugging" in raised.value.remedy
    assert "no Android device" in failure("adb").problem
    one, two = start_daemon(), start_daemon()
    with pytest.raises(DeviceError, match=r"failed to connect to .*refused"):
        open_device("adb:127.0.0.1:1")
    open_device(f"adb:{one.serial}").close()
    open_device("adb").close()  # the only one
    with pytest.raises(DeviceError, match="there is no Android device 'x; reboot'") as raised:
        open_device("adb:x; reboot")
    assert raised.value.remedy == f"choices: {one.serial}"
    open_device(f"adb://{two.serial}").close()
    with pytest.raises(DeviceError, match=f"2 Android devices: .*{two.serial}") as raised:
        open_device("adb")
    assert "adb:127.0.0.1:" in raised.value.remedy
    assert {f"adb:{one.serial}", f"adb:{two.serial}"} <= {spec for spec, facts in survey().items() if isinstance(facts, DeviceFacts)}
    one.kill()
    two.kill()


@pytest.mark.parametrize(
    ("state", "advice"),
    [("unauthorized", "allow USB debugging from this computer"), ("no permissions (user in plugdev group); see [x]", "udev rules")],
)
def test_a_phone_that_does_not_let_us(state: str, advice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such phones cannot be made here: a stand-in for adb prints what it prints of them."""
    script(tmp_path / "adb", f"printf 'List of devices attached\\nR58M\\t%s\\n\\n' '{state}'", "/bin/sh")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    for spec in ("adb", "adb:R58M"):
        with pytest.raises(DeviceError, match="cannot be used: it is") as raised:
            open_device(spec)
        assert advice in raised.value.remedy


def test_without_an_adb_of_its_own_the_package_brings_one(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("PATH", "")
        open_device(f"adb:{daemon.serial}").close()
        patch.setitem(sys.modules, "adbutils", None)
        with pytest.raises(DependencyError, match="no adb program") as raised:
            open_device("adb")
        assert install("android") in raised.value.remedy
        assert "no adb program" in failure("adb").problem


# --- measuring


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_measures_by_a_python_there(device: AdbDevice, models: Models, runtime: str) -> None:
    reply = device.measure(models.job(runtime, cpus=(0,), profile=2))
    found = reply.measurement
    assert len(found.samples_ms) == 5
    assert found.cpus == (0,)
    assert found.profile
    assert found.peak_memory_bytes
    assert found.peak_memory_bytes > 2**20
    np.testing.assert_array_equal(np.float32(reply.predictions), models.expected(runtime))
    assert found.before.governors == found.after.governors == tuple(runner.state()["governors"])


def test_accuracy_by_a_python_there(cli: Callable[..., CliResult], made: Made, daemon: Daemon, name: Name, tmp_path: Path) -> None:
    spec = name(daemon.serial, python=sys.executable)
    options = ("--accuracy", 6, "--runs", 5, "--warmup", 1, "--cpu-mask", "0x1", "--out", tmp_path / "out")
    outcome = cli("benchmark", made.run, "--device", spec, *options, "--json")
    assert outcome.code == 0, outcome.err
    assert not list((tmp_path / "there").iterdir())
    for result in outcome.document["results"]:
        assert len(result["measurement"]["samples_ms"]) >= 5
        assert result["measurement"]["cpus"] == [0]
        assert result["predictions"]["images"] == 6
        assert result["predictions"]["agreement"]["top1_agreement"] == 1


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """An ONNX model that takes no time."""
    from onnx import TensorProto, helper, save

    takes = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 4, 4, 3])
    gives = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 4, 4, 3])
    graph = helper.make_graph([helper.make_node("Softmax", ["image"], ["scores"])], "tiny", [takes], [gives])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "tiny.onnx")
    return tmp_path / "tiny.onnx"


def test_the_others_keep_their_results(cli: Callable[..., CliResult], tiny: Path, daemon: Daemon, name: Name, tmp_path: Path) -> None:
    """One phone's Python lacks everything, one does not exist; this host is measured all the same."""
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    spec = name(daemon.serial, python=bare / "bin" / "python")
    outcome = cli("benchmark", tiny, "--device", "local", "--device", spec, "--device", "adb:nobody", "--runs", 5, "--json")
    assert outcome.code == 10
    here, there = outcome.document["results"]
    assert len(here["measurement"]["samples_ms"]) >= 5
    assert "no program that runs .onnx" in there["failure"]["problem"]
    assert "perf_test = " in there["failure"]["remedy"]
    assert "'nobody'" in outcome.document["devices"]["adb:nobody"]["failure"]["problem"]
    assert "a Python with onnxruntime" in outcome.err  # what to do is told, too
    assert not list((tmp_path / "there").iterdir())


def test_interrupted(tiny: Path, daemon: Daemon, name: Name, tmp_path: Path) -> None:
    """Ctrl-C ends the program there and removes the folder."""
    spec = name(daemon.serial, python=sys.executable)
    command = [sys.executable, "-m", "edgetl", "benchmark", tiny, "--device", spec, "--duration", "300"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as benchmark:
        wait_for(lambda: benchmark.poll() is not None or running("runner.py", "run", "job.json", folder=tmp_path))
        assert benchmark.poll() is None
        benchmark.send_signal(signal.SIGINT)
        benchmark.communicate(timeout=240)
    assert benchmark.returncode != 0
    assert not list((tmp_path / "there").iterdir())
    wait_for(lambda: not running("job.json", folder=tmp_path))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """For programs that only look whether it is there."""
    path = tmp_path / "model.tflite"
    path.write_bytes(b"TFL3")
    return path


def script(path: Path, text: str, shell: str = sys.executable) -> Path:
    path.write_text(python_program(text) if shell == sys.executable else f"#!{shell}\n{text}\n", encoding="utf-8")
    path.chmod(0o644 if shell == sys.executable else 0o755)  # the device makes it executable
    return path


BENCHMARK_MODEL = """
import os, sys
options = dict(word.lstrip("-").split("=") for word in sys.argv[1:])
print(" ".join(sys.argv[1:]), sorted(os.sched_getaffinity(0)), file=open("options", "a"))
assert os.path.getsize(options["graph"])
out = sys.stderr
print(f"INFO: STARTING!\\nINFO: Graph: [{options['graph']}]\\nINFO: Initialized session in 3.263ms.", file=out)
if "use_gpu" in options:
    print("INFO: Explicitly applied GPU delegate, and the model graph will be partially executed by the delegate w/ 2 kernels.", file=out)
if "use_xnnpack" in options:
    print("INFO: Explicitly applied XNNPACK delegate, and the model graph will be completely executed by the delegate.", file=out)
if "use_nnapi" in options:
    print("INFO: Though NNAPI delegate is explicitly applied, the model graph will not be executed by the delegate.", file=out)
print("INFO: Running benchmark for at least 1 iterations and at least 0 seconds but terminate if exceeding 150 seconds.", file=out)
print("INFO: count=11 first=33466 curr=28853 min=28762 max=33466 avg=29471.4 std=1107 p5=28762 median=29000 p95=33466\\n", file=out)
print("INFO: " + WARM + "\\n", file=out)
print("INFO: Inference timings in us: Init: 3263, First inference: 33466, Warmup (avg): 29471.4, Inference (avg): 28894.7", file=out)
print("INFO: Memory footprint delta from the start of the tool (MB): init=2.4375 overall=20.543", file=out)
if "report_peak_memory_footprint" in options:
    print("INFO: Overall peak memory footprint (MB) via periodic monitoring: 25.5", file=out)
if "enable_op_profiling" in options:
    print("Profiling Info for Benchmark Initialization:\\n" + "=" * 30 + " Run Order " + "=" * 30)
    print("\\t             [node type]\\t  [first]\\t [avg ms]\\t     [%]\\t  [cdf%]\\t  [mem KB]\\t[times called]\\t[Name]")
    print("\\t         AllocateTensors\\t    0.100\\t    0.100\\t100.0%\\t100.0%\\t     0.000\\t        1\\tAllocateTensors/0\\n")
    print("Operator-wise Profiling Info for Regular Benchmark Runs:\\n" + "=" * 30 + " Run Order " + "=" * 30)
    print("\\t             [node type]\\t  [first]\\t [avg ms]\\t     [%]\\t  [cdf%]\\t  [mem KB]\\t[times called]\\t[Name]")
    print("\\t   TfLiteXNNPackDelegate\\t    4.300\\t    4.300\\t100.0%\\t100.0%\\t     0.000\\t        1\\t[all of it]:2\\n")
    print("Delegate internal: \\n" + "=" * 30 + " Run Order " + "=" * 30)
    print("\\t             [node type]\\t  [first]\\t [avg ms]\\t     [%]\\t  [cdf%]\\t  [mem KB]\\t[times called]\\t[Name]")
    print("\\t                 CONV_2D\\t    4.269\\t    4.260\\t  0.107%\\t  0.107%\\t     0.000\\t        1\\t[Conv2d_0/Relu6]:0")
    print("\\t                 SOFTMAX\\t    0.029\\t    0.030\\t  0.001%\\t  1.993%\\t     0.000\\t        1\\t[Softmax]:1\\n")
    print("=" * 30 + " Top by Computation Time " + "=" * 30 + "\\nTimings (microseconds): count=2 first=9 curr=8 min=8 max=9 avg=8 std=1")
"""


TIMING = BENCHMARK_MODEL.replace("WARM", "'count=2 first=9 curr=8 min=8 max=9 avg=8 std=1'")


@pytest.mark.parametrize(
    ("warm", "known"),
    [
        (
            "count=50 first=28912 curr=28893 min=28759 max=29217 avg=28894.7 std=87 p5=28770 median=28890 p95=29100",
            {"runs": 50, "p50": 28.89, "p90": None, "p95": 29.1, "mean": 28.8947, "std": 0.087, "min": 28.759, "max": 29.217},
        ),
        ("count=50 first=28912 curr=28893 min=28759 max=29217 avg=28894.7 std=87", {"p50": None, "p95": None, "mean": 28.8947}),
        ("count=3 curr=1.2e+06(all same)", {"runs": 3, "mean": 1200, "std": 0, "min": 1200}),
    ],
    ids=["percentiles", "older", "all the same"],
)
def test_benchmark_model(
    warm: str, known: dict[str, Any], cli: Callable[..., CliResult], model: Path, daemon: Daemon, name: Name, tmp_path: Path
) -> None:
    """The output format is that of tensorflow/lite/tools/benchmark."""
    program = script(tmp_path / "the 'tool'", BENCHMARK_MODEL.replace("WARM", repr(warm)))
    nasty = model.rename(tmp_path / NASTY)
    spec = name(daemon.serial, python="", benchmark_model=program)
    outcome = cli("benchmark", nasty, "--device", spec, "--out", tmp_path, "--json")
    assert outcome.code == 0, outcome.err
    [result] = (one["measurement"] for one in outcome.document["results"])
    assert {key: result["latency_ms"][key] for key in known} == known
    assert (result["load_ms"], result["first_ms"], result["cold_start_ms"]) == (3.263, 33.466, 36.729)
    assert (result["samples_ms"], result["peak_memory_bytes"]) == ([], int(25.5 * 2**20))
    assert result["runtime"] == f"benchmark_model {hashlib.sha256(program.read_bytes()).hexdigest()[:12]}"
    assert {"governors", "temperatures_c", "battery"} <= set(result["before"]) & set(result["after"])
    assert "no single runs" in outcome.err
    assert ("mean 28.895" in (tmp_path / "benchmark.md").read_text()) == (known["p50"] is None if "p50" in known else False)
    assert (tmp_path / "benchmark.png").exists() == (known.get("p50") is not None)


@pytest.mark.parametrize(
    ("delegate", "flag"),
    [("cpu", "--use_xnnpack=false"), ("xnnpack", "--use_xnnpack=true"), ("gpu", "--use_gpu=true")],
)
def test_options_of_benchmark_model(delegate: str, flag: str, model: Path, daemon: Daemon, name: Name, tmp_path: Path) -> None:
    program = script(tmp_path / "tool", TIMING)
    job = Job(model, "litert", Plan(threads=2, runs=7, warmup=3, duration_s=1.5, cpus=(1,), delegate=delegate, profile=2))
    with opened(name(daemon.serial, python="", benchmark_model=program)) as device:
        reply = device.measure(job)
        found = reply.measurement
        timed, watched = device.pull("options").decode().splitlines()
    for option in ("--graph=model.tflite", "--num_threads=2", flag, "[1]"):
        assert option in timed
        assert option in watched
    for option in ("--num_runs=7", "--warmup_runs=4", "--warmup_min_secs=0", "--min_secs=1.5"):
        assert option in timed
    assert "profiling" not in timed
    assert "footprint" not in timed
    assert found.profile == (
        OperatorTime(operator="Conv2d_0/Relu6:0", type="CONV_2D", ms=4.26),
        OperatorTime(operator="Softmax:1", type="SOFTMAX", ms=0.03),
    )
    assert found.cpus == (1,)
    assert reply.placed
    assert ("partially" in reply.placed.log) == (delegate == "gpu")
    assert reply.placed.alone == (delegate == "cpu")
    assert reply.placed.left == ()


def test_operators_beside_a_phones_gpu_are_named(daemon: Daemon, name: Name, tmp_path: Path) -> None:
    """benchmark_model counts those of the delegate and lists the others; it predicts nothing, so that there is nothing to compare."""
    inside = '    print("Delegate internal'
    row = r'print("\t MEAN\t 0.029\t 0.030\t 0.001%\t 1.993%\t 0.000\t 1\t[pool]:7\n")'
    listed = TIMING.replace("TfLiteXNNPackDelegate", "TfLiteGpuDelegateV2").replace(r":2\n", ":2").replace(inside, f"    {row}\n{inside}")
    program = script(tmp_path / "tool", listed)
    with opened(name(daemon.serial, python="", benchmark_model=program)) as device:
        reply = device.measure(Job(write("float32", tmp_path), "litert", Plan(runs=2, delegate="gpu")))
    assert reply.placed
    assert reply.placed.left == ("MEAN",)
    found = placement("gpu", known(reply.placed, write("float32", tmp_path)))
    assert [(one.processor, one.operators) for one in found.shares] == [("GPU", 8), ("CPU", 1)], "of nine operators"
    assert found.fell_back == ("MEAN",)
    assert not reply.accelerated


PERF_TEST = """
import json, os, sys
words = sys.argv[1:]
print(*words, file=open("options", "a"))
*_, model, result = words
assert os.path.getsize(model)
count = int(words[words.index("-r") + 1]) if "-r" in words else 9
print("Session creation time cost: 0.0102016 s\\nFirst inference time cost: 2 ms\\nTotal inference requests: 100")
with open(result, "a") as file:
    for run in range(count):
        file.write(f".,{0.001 * (run + 1):g},36696064,96,{run}\\n")
    file.write("\\nP50 Latency: 0.0018 s\\n")
if "-p" in words:
    event = {"cat": "Node", "name": "conv_kernel_time", "dur": 500, "args": {"op_name": "Conv", "provider": "NnapiExecutionProvider"}}
    json.dump([event] * (count + 1), open(words[words.index("-p") + 1] + "_2025-01-01.json", "w"))
"""


def test_perf_test(model: Path, daemon: Daemon, name: Name, tmp_path: Path) -> None:
    """The output format is that of onnxruntime/test/perftest."""
    program, onnx = script(tmp_path / "tool", PERF_TEST), model.rename(model.with_suffix(".onnx"))
    with opened(name(daemon.serial, python="", perf_test=program)) as device:
        reply = device.measure(Job(onnx, "onnxruntime", Plan(threads=3, runs=4, warmup=2, delegate="nnapi", profile=5)))
        found = reply.measurement
        assert reply.placed
        assert [round(ms, 6) for ms in found.samples_ms] == [3, 4, 5, 6]
        assert [(one.operator, one.type, round(one.ms, 6)) for one in found.profile or ()] == [("conv", "Conv", 0.5)]
        assert (found.load_ms, found.first_ms, found.peak_memory_bytes) == (10.2016, 2, 36696064)
        device.measure(Job(onnx, "onnxruntime", Plan(duration_s=1.5)))
        first, second, third = device.pull("options").decode().splitlines()
        assert first == "-I -e nnapi -x 3 -m times -r 6 model.onnx result.csv"
        assert "-r 5 -p trace" in second
        assert [one.by for one in reply.placed.operators] == ["NnapiExecutionProvider"]
        assert third == "-I -e cpu -x 1 -m duration -t 2 model.onnx result.csv"
        with pytest.raises(DeviceError, match="no delegate 'gpu'"):
            device.measure(Job(onnx, "onnxruntime", Plan(delegate="gpu")))


def test_what_tools_cannot(model: Path, daemon: Daemon, name: Name, tmp_path: Path) -> None:
    spec = name(daemon.serial, python="", benchmark_model=script(tmp_path / "tool", "print('Killed')"), perf_test=tmp_path / "nothing")
    with opened(spec) as device:
        with pytest.raises(DeviceError, match="cannot predict images") as raised:
            device.measure(Job(model, "litert", images=model, image_count=1))
        assert "Termux" in raised.value.remedy
        with pytest.raises(DeviceError, match="something other than its figures: 'Killed"):
            device.measure(Job(model, "litert"))
        device.push(script(tmp_path / "tool", TIMING), "benchmark_model")
        device.run(["chmod", "755", "benchmark_model"], 30)
        with pytest.raises(DeviceError, match="no delegate 'nnapi' for this model"):  # the tool goes on without, and exits 0
            device.measure(Job(model, "litert", Plan(delegate="nnapi")))
        with pytest.raises(DeviceError, match=r"no onnxruntime_perf_test at .*nothing"):
            device.measure(Job(model, "onnxruntime"))


def test_a_pinned_program_is_downloaded_once(
    model: Path, daemon: Daemon, name: Name, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    (tmp_path / "web").mkdir()
    program = script(tmp_path / "web" / "tool", TIMING)
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "web"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/tool"
        settings = {"python": "", "benchmark_model_url": url, "benchmark_model_sha256": hashlib.sha256(program.read_bytes()).hexdigest()}
        for wrong, message in (
            ({"benchmark_model_sha256": "0" * 64}, "is not the file"),
            ({"benchmark_model_sha256": ""}, "needs benchmark"),
        ):
            with opened(name(daemon.serial, **settings | wrong)) as device, pytest.raises(DeviceError, match=message):
                device.measure(Job(model, "litert"))
        with opened(name(daemon.serial, **settings)) as device:
            device.measure(Job(model, "litert"))
        server.shutdown()
    with opened(name(daemon.serial, **settings)) as device:
        assert device.measure(Job(model, "litert")).measurement.runtime.startswith("benchmark_model ")
    [kept] = (tmp_path / "cache" / "edgetl").iterdir()
    kept.write_bytes(b"broken")
    with opened(name(daemon.serial, **settings)) as device, pytest.raises(DeviceError, match="cannot download"):
        device.measure(Job(model, "litert"))


GETPROP = """case "$1" in
ro.product.manufacturer) echo Google;; ro.product.model) echo 'Pixel 8';;
ro.soc.manufacturer) echo Google;; ro.soc.model) echo 'Tensor G3';;
ro.product.cpu.abi) echo arm64-v8a;; ro.build.version.release) echo 15;; *) echo;; esac"""
DUMPSYS = """[ "$1" = battery ] && printf 'Current Battery Service state:\\n'
printf '  AC powered: false\\n  USB powered: true\\n  status: 2\\n  health: 2\\n'
printf '  present: true\\n  level: 85\\n  scale: 100\\n  voltage: 4123\\n  temperature: 285\\n  technology: Li-ion\\n'"""


def test_an_android_phone_without_a_python(start_daemon: Callable[..., Daemon], name: Name, tmp_path: Path) -> None:
    """What says that it is Android is a stand-in with Android's output; all else on its path is Android's own, toybox and mksh."""
    toybox, mksh = shutil.which("toybox"), shutil.which("mksh")
    if not toybox or not mksh:
        pytest.skip("toybox and mksh are not installed")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sh").symlink_to(mksh)
    for program in ("cat", "chmod", "df", "grep", "mktemp", "rm", "tail", "taskset", "uname"):
        (tmp_path / "bin" / program).symlink_to(toybox)
    script(tmp_path / "bin" / "getprop", GETPROP, "/bin/sh")
    script(tmp_path / "bin" / "dumpsys", DUMPSYS, "/bin/sh")
    phone = start_daemon(str(tmp_path / "bin"))
    program, onnx = script(tmp_path / "tool", PERF_TEST), tmp_path / "model.onnx"
    onnx.write_bytes(b"ONNX")
    with opened(name(phone.serial, perf_test=program)) as device:
        facts = device.probe()
        found = device.measure(Job(onnx, "onnxruntime", Plan(runs=4, cpus=(0,), profile=1))).measurement
    battery = Battery(level_percent=85, charging=True, temperature_c=28.5)
    known = (facts.model, facts.chip, facts.abi, facts.os, facts.python, facts.state.battery)
    assert known == ("Google Pixel 8", "Google Tensor G3", "arm64-v8a", "Android 15", None, battery)
    assert facts.runtimes == {"litert": None, "onnxruntime": None}
    assert facts.memory_bytes
    assert facts.memory_bytes > 2**28
    assert facts.free_bytes
    assert found.before.battery == found.after.battery == battery
    assert len(found.samples_ms) == 4


def test_the_shell_of_android_ends_what_hangs(tmp_path: Path) -> None:
    """adbd starts the system's own shell, here Debian's: what it is told must mean the same to Android's."""
    mksh = shutil.which("mksh")
    if not mksh:
        pytest.skip("mksh is not installed")
    told = [mksh, "-c", f"set -- {shlex.quote(str(tmp_path))} sleep 613.75; {_RUN}"]
    with subprocess.Popen(told, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL), stdout=subprocess.PIPE) as shell:
        wait_for(lambda: running("sleep", "613.75", folder=tmp_path))
        shell.send_signal(signal.SIGHUP)
        shell.communicate(timeout=60)
    wait_for(lambda: not running("sleep", "613.75", folder=tmp_path))
    done = subprocess.run([mksh, "-c", f"set -- / sh -c 'echo {{}}; exit 7'; {_RUN}"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (7, f"{{}}\n\n{_END}7\n")
