"""An Android phone over adb, or a Linux board that runs adbd: by a Python there, or else by the tools that the runtimes' makers publish.

The adb program does the work. Other programs that speak its protocol hide why a copy failed, or take a vanished device for a success.
"""

import re
import shlex
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from edgetl.devices.adb_connection import REPLY_S, adb_program, check_state, choose, listed
from edgetl.devices.base import Job, Kind, PythonDevice
from edgetl.devices.messages import Battery, DeviceFacts, Reply, State
from edgetl.devices.native import TOOLS, Tool, ToolSource, obtain
from edgetl.devices.process import call, last_lines
from edgetl.devices.runner import PACKAGES
from edgetl.documents import Part
from edgetl.errors import DeviceError, EdgetlError
from edgetl.files import sha256

_COPY_S = 600.0
_FOLDERS = ("/data/local/tmp", "/tmp")  # where Android lets adb's user write, and Linux anybody
_ADVICE = (
    ("No space left", "make room on the phone, or name another folder in the devices file (folder = ...)"),
    ("Permission denied", "name a folder that adb's user may write and run programs in, in the devices file (folder = ...)"),
    ("no folder", "name one that is there in the devices file (folder = ...)"),
    ("not found", "name a Python 3.8 or newer in the devices file (python = ...)"),
)
# Runs "$@" in the folder $1. When the connection goes, adbd sends this shell a hangup: the program must end with it. The last line is the
# proof that the program came to its end, since adb exits 0 when a device vanishes (version 29), and always on Androids before 7.
_END = "edgetl-exit:"
_SET = "export ORT_DISABLE_TELEMETRY=1"  # from 1.29 on ONNX Runtime reports to its maker otherwise
_RUN = f'cd "$1" && shift || exit; {_SET}; "$@" & trap "kill -9 $!" HUP; wait $!; code=$?; echo; echo "{_END}$code"; exit $code'
_MAKE = """
for folder; do
    if [ -d "$folder" ]; then
        mktemp -d "$folder/edgetl-XXXXXXXX" || exit
        for python in python3 /data/data/com.termux/files/usr/bin/python3; do command -v $python && break; done
        exit 0
    fi
done
echo "no folder $*" >&2; exit 1
"""
_FACTS = """
for name in ro.product.manufacturer ro.product.model ro.soc.manufacturer ro.soc.model ro.board.platform ro.product.cpu.abi \
    ro.build.version.release; do echo "$name=$(getprop $name)"; done
echo "machine=$(uname -m)"; echo "system=$(uname -sr)"; echo "load=$(cat /proc/loadavg)"
for cpu in /sys/devices/system/cpu/cpu[0-9]*; do echo "cpu=$cpu"; done
echo "memory=$(grep MemTotal /proc/meminfo)"; echo "free=$(df -k . | tail -n 1)"
"""
_STATE = """
for cpu in /sys/devices/system/cpu/cpu[0-9]*/cpufreq; do
    echo "governor=$(cat $cpu/scaling_governor)"; echo "khz=$(cat $cpu/scaling_cur_freq)"; done
for zone in /sys/class/thermal/thermal_zone[0-9]*; do echo "zone=$(cat $zone/temp) $(cat $zone/type)"; done
dumpsys battery | while read -r line; do echo "battery=$line"; done
"""
_BY_TOOL = ("gpu", "npu", "nnapi")  # delegates that the makers' tools have, and no Python on a phone
_CHARGING = "2"  # BatteryManager.BATTERY_STATUS_CHARGING


class AdbSettings(Part):
    """Settings of a phone in the devices file.

    Args:
        folder: where the folder for a benchmark is made; None: /data/local/tmp.
        python: the Python to use there; None: any that is found; empty: none, though there may be one.
        benchmark_model, perf_test: paths of the makers' tools on this host; with _url and _sha256: where to download them.
    """

    serial: str | None = None
    folder: str | None = None
    python: str | None = None
    benchmark_model: str | None = None
    benchmark_model_url: str | None = None
    benchmark_model_sha256: str = ""
    perf_test: str | None = None
    perf_test_url: str | None = None
    perf_test_sha256: str = ""

    def source(self, tool: Tool) -> ToolSource:
        """Return where a tool comes from."""
        return ToolSource(*(getattr(self, f"{tool.setting}{end}") for end in ("", "_url", "_sha256")))


class _Said:
    """The KEY=VALUE lines that a shell script wrote; a key may be missing, or come several times."""

    def __init__(self, text: str) -> None:
        self._values: dict[str, list[str]] = {}
        for line in text.splitlines():
            key, found, value = line.partition("=")
            if found:
                self._values.setdefault(key, []).append(value.strip())

    def all(self, key: str) -> list[str]:
        return self._values.get(key, [])

    def first(self, key: str) -> str:
        return next(iter(self.all(key)), "")


class AdbDevice(PythonDevice):
    """A folder of our own on the phone."""

    def __init__(self, name: str, serial: str, settings: AdbSettings) -> None:
        self.name, self._serial, self._settings = name, serial, settings
        self._program, self._folder, self._pushed = adb_program(), "", set[str]()
        folders = _FOLDERS if settings.folder is None else [settings.folder]
        made = self.run(["sh", "-c", _MAKE, "sh", *folders], REPLY_S).splitlines()
        if not made:
            raise DeviceError(f"{name} made no folder", "name one in the devices file (folder = ...)")
        self._folder, *python = made
        self.python = tuple(filter(None, python if settings.python is None else [settings.python]))

    def push(self, source: Path, name: str) -> None:
        self._adb(_COPY_S, "push", str(source.absolute()), f"{self._folder}/{name}")

    def run(self, command: Sequence[str], timeout_s: float) -> str:
        return self._shell(command, timeout_s).decode(errors="replace")

    def pull(self, name: str) -> bytes:
        return self._shell(["cat", name], _COPY_S)

    def close(self) -> None:
        if self._folder:
            with suppress(DeviceError):  # it may be gone, and said so before
                self._shell(["rm", "-rf", self._folder], REPLY_S)

    def probe(self) -> DeviceFacts:
        said = self._said(_FACTS)
        vendor, model = said.first("ro.product.manufacturer"), said.first("ro.product.model")
        soc = " ".join(filter(None, (said.first("ro.soc.manufacturer"), said.first("ro.soc.model"))))
        android, memory, free = said.first("ro.build.version.release"), said.first("memory").split(), said.first("free").split()
        facts = {
            "model": model if model.startswith(vendor) else f"{vendor} {model}",
            "chip": soc or said.first("ro.board.platform"),
            "abi": said.first("ro.product.cpu.abi") or said.first("machine"),
            "cores": len(said.all("cpu")),
            "memory_bytes": 1024 * int(memory[1]) if len(memory) > 1 and memory[1].isdigit() else 0,
            "os": f"Android {android}" if android else "",
            "free_bytes": 1024 * int(free[3]) if len(free) > 3 and free[3].isdigit() else None,
            "load_average": _number(said.first("load").partition(" ")[0]),
        }
        # A Python there knows more of a Linux board, which has no properties.
        base = self._by_python or DeviceFacts(os=said.first("system"), runtimes=dict.fromkeys(PACKAGES))
        known = {key: value for key, value in facts.items() if value}
        return base.model_copy(update={**known, "state": self._state()})

    def measure(self, job: Job) -> Reply:
        by_runner = self._by_python and self._by_python.runtimes.get(job.runtime) and job.plan.delegate not in _BY_TOOL
        before = self._state()
        reply = super().measure(job) if by_runner else self._by_tool(job)
        after = self._state()
        if by_runner:  # its own states are nearer to the timing, but know no battery
            before = reply.measurement.before.model_copy(update={"battery": before.battery})
            after = reply.measurement.after.model_copy(update={"battery": after.battery})
        measurement = reply.measurement.model_copy(update={"before": before, "after": after})
        return reply.model_copy(update={"measurement": measurement})

    def _by_tool(self, job: Job) -> Reply:
        tool = TOOLS[job.runtime]
        python = f"a Python with {PACKAGES[job.runtime][0]} (Termux; python = ... in the devices file)"
        if job.images and job.required:
            raise DeviceError(f"{self.name} cannot predict images: {tool.name} only times", f"leave --accuracy out, or use {python} there")
        program = obtain(tool, self._settings.source(tool))
        if program is None:
            raise DeviceError(
                f"{self.name} has no program that runs {job.model.suffix} files",
                f"in the devices file: {tool.setting} = the path here of {tool.name} for the phone's ABI; or use {python} there",
            )
        if tool.name not in self._pushed:
            self.push(program, tool.name)
            self.run(["chmod", "755", tool.name], REPLY_S)
            self._pushed.add(tool.name)
        self.push(job.model, f"model{job.model.suffix}")
        cpus = job.plan.cpus
        command = ["taskset", f"{sum(1 << core for core in cpus):x}"] if cpus else []
        # Both outputs in one: releases differ in which they use.
        command += ["sh", "-c", 'exec "$@" 2>&1', "sh", f"./{tool.name}"]
        runtime = f"{tool.name} {sha256(program)[:12]}"  # the tools have no version
        reply = tool.measure(job, self, command)
        return reply.model_copy(update={"measurement": reply.measurement.model_copy(update={"runtime": runtime, "cpus": cpus or None})})

    @cached_property
    def _by_python(self) -> DeviceFacts | None:
        """The facts that the runner finds; None where there is no Python."""
        return super().probe() if self.python else None

    def _state(self) -> State:
        said = self._said(_STATE)
        zones = (zone.split(maxsplit=1) for zone in said.all("zone"))
        return State(
            governors=tuple(sorted({governor for governor in said.all("governor") if governor})),
            frequencies_mhz=tuple(int(khz) // 1000 for khz in said.all("khz") if khz.isdigit()),
            temperatures_c={zone[1]: int(zone[0]) / 1000 for zone in zones if len(zone) == 2 and zone[0].lstrip("-").isdigit()},
            battery=_battery(said.all("battery")),
        )

    def _said(self, script: str) -> _Said:
        """Run a shell script, which may fail to read this or that."""
        return _Said(self.run(["sh", "-c", f"exec 2>/dev/null\n{script}\nexit 0"], REPLY_S))

    def _shell(self, command: Sequence[str], timeout_s: float) -> bytes:
        """Run a command there and return its stdout. adb hands one string to the shell there: each argument is quoted for it."""
        out = self._adb(timeout_s, "shell", f"set -- {shlex.join([self._folder or '/', *command])}; {_RUN}", what=command[0])
        out, ended, code = out.rpartition(f"\n{_END}".encode())
        if not ended:
            raise DeviceError(f"{self.name} disconnected while {command[0]} ran", "check the connection and the cable")
        if code.strip() != b"0":
            raise DeviceError(f"{self.name}: {last_lines(out.decode(errors='replace')) or command[0] + ' failed'}")
        return out

    def _adb(self, timeout_s: float, *arguments: str, what: str = "adb") -> bytes:
        try:
            return call(self.name, [self._program, "-s", self._serial, *arguments], timeout_s)
        except DeviceError as error:
            check_state(self.name, listed().get(self._serial, "not connected any more"))
            problem = re.sub(rf"[; ]*{_END}(\d+)", r" (exit code \1)", error.problem.replace(self._program, what))
            raise DeviceError(problem, next((advice for text, advice in _ADVICE if text in problem), error.remedy)) from error


def _battery(lines: Sequence[str]) -> Battery | None:
    """Read the lines of `dumpsys battery`; None: it says nothing of level or temperature."""
    said = _Said("\n".join(line.replace(": ", "=", 1) for line in lines))
    level, tenths = said.first("level"), said.first("temperature").removeprefix("-")
    if not level.isdigit() or not tenths.isdigit():
        return None
    temperature_c = float(said.first("temperature")) / 10
    return Battery(level_percent=int(level), charging=said.first("status") == _CHARGING, temperature_c=temperature_c)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _open(name: str, target: str, settings: AdbSettings) -> AdbDevice:
    return AdbDevice(name, choose(name, target if settings.serial is None else settings.serial), settings)


def _present() -> list[str]:
    try:
        return list(listed()) or [""]
    except EdgetlError:
        return [""]  # opening it says what is missing


KIND = Kind(_open, AdbSettings, _present)
