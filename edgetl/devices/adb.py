"""An Android phone over adb, or a Linux board that runs adbd: by a Python there, or else by the tools that the runtimes' makers publish.

The adb program does the work. What else speaks its protocol hides why a copy failed, or takes a device that vanishes for a success.
"""

import re
import shlex
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from edgetl.devices.base import PACKAGES, Job, Kind, PythonDevice
from edgetl.devices.native import TOOLS, obtain
from edgetl.devices.process import call, last_lines
from edgetl.errors import DependencyError, DeviceError, EdgetlError
from edgetl.files import sha256
from edgetl.registry import did_you_mean

_ANSWER_S = 30.0  # for what takes a healthy device well under a second, and adb's own server a few to start
_COPY_S = 600.0
_FOLDERS = ("/data/local/tmp", "/tmp")  # where Android lets adb's user write, and Linux anybody
_PLUG_IN = "plug the phone in and allow USB debugging (Settings, Developer options); over Wi-Fi: adb:HOST:PORT"
# What `adb devices` says of a device that cannot be used, and what to do about each.
_STATES = {
    "unauthorized": "unlock the phone, and allow USB debugging from this computer in the dialogue there",
    "authorizing": "unlock the phone, and allow USB debugging from this computer in the dialogue there",
    "offline": "plug it out and in again, or switch USB debugging off and on; over Wi-Fi: is it on, and in the same network?",
    "no permissions": "let this user reach USB devices: install udev rules for Android, then plug the phone in again",
}
_ADVICE = (
    ("No space left", "make room on the phone, or name another folder in the devices file (folder = ...)"),
    ("Permission denied", "name a folder that adb's user may write and run programs in, in the devices file (folder = ...)"),
    ("no folder", "name one that is there in the devices file (folder = ...)"),
    ("not found", "name a Python 3.8 or newer in the devices file (python = ...)"),
)
# Runs "$@" in the folder $1. When the connection goes, adbd sends this shell a hangup: the program must end with it. The last line is the
# proof that the program came to its end, since adb exits 0 when a device vanishes (version 29), and always on Androids before 7.
_END = "edgetl-exit:"
_RUN = f'cd "$1" && shift || exit; "$@" & trap "kill -9 $!" HUP; wait $!; code=$?; echo; echo "{_END}$code"; exit $code'
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
_starting = threading.Lock()  # adb starts its server if need be, and two at once fail
_CHARGING = "2"  # BatteryManager.BATTERY_STATUS_CHARGING


class AdbDevice(PythonDevice):
    """A folder of our own under /data/local/tmp (or `folder`) there.

    `python` names the one to use; an empty one says that none is to be used, though there may be one.
    """

    def __init__(self, name: str, serial: str, settings: Mapping[str, str]) -> None:
        self.name, self._serial, self._settings = name, serial, settings
        self._program, self._folder, self._pushed = adb_program(), "", set[str]()
        folders = [settings["folder"]] if "folder" in settings else _FOLDERS
        self._folder, *python = self.run(["sh", "-c", _MAKE, "sh", *folders], _ANSWER_S).splitlines()
        self.python = tuple(filter(None, [settings["python"]] if "python" in settings else python))

    def push(self, source: Path, name: str) -> None:
        self._adb(_COPY_S, "push", str(source.absolute()), f"{self._folder}/{name}")

    def run(self, command: Sequence[str], timeout_s: float) -> str:
        return self._shell(command, timeout_s).decode(errors="replace")

    def pull(self, name: str) -> bytes:
        return self._shell(["cat", name], _COPY_S)

    def close(self) -> None:
        if self._folder:
            with suppress(DeviceError):  # it may be gone, and said so before
                self._shell(["rm", "-rf", self._folder], _ANSWER_S)

    def probe(self) -> dict[str, Any]:
        said = self._said(_FACTS)
        fact = {key: values[0] for key, values in said.items()}
        vendor, model = fact["ro.product.manufacturer"], fact["ro.product.model"]
        chip = " ".join(filter(None, (fact["ro.soc.manufacturer"], fact["ro.soc.model"]))) or fact["ro.board.platform"]
        android, memory, free = fact["ro.build.version.release"], fact["memory"].split(), fact["free"].split()
        facts = {
            "model": model if model.startswith(vendor) else f"{vendor} {model}",
            "chip": chip,
            "abi": fact["ro.product.cpu.abi"] or fact["machine"],
            "cores": len(said["cpu"]),
            "memory_bytes": 1024 * int(memory[1]) if memory else 0,
            "os": f"Android {android}" if android else "",
            "free_bytes": 1024 * int(free[3]) if len(free) > 3 and free[3].isdigit() else None,
            "load_average": float(fact["load"].split()[0]) if fact["load"] else None,
        }
        python = self._by_python  # knows more of a Linux board, where there are no properties
        known = {"model": "", "chip": "", "os": fact["system"], "python": None, "runtimes": dict.fromkeys(PACKAGES)}
        return known | python | {key: value for key, value in facts.items() if value} | self._state()

    def measure(self, job: Job) -> dict[str, Any]:
        runner = self._by_python and self._by_python["runtimes"][job.runtime] and job.delegate not in ("gpu", "nnapi")
        before = self._state()
        found = super().measure(job) if runner else self._by_tool(job)
        # The runner's own are nearer to the timing, but know no battery.
        return found | {"before": before | found.get("before", {}), "after": self._state() | found.get("after", {})}

    def _by_tool(self, job: Job) -> dict[str, Any]:
        tool = TOOLS[job.runtime]
        python = f"a Python with {PACKAGES[job.runtime]} (Termux; python = ... in the devices file)"
        if job.images:
            raise DeviceError(f"{self.name} cannot answer images: {tool.name} only times", f"leave --accuracy out, or use {python} there")
        program = obtain(tool, self._settings)
        if program is None:
            raise DeviceError(
                f"{self.name} has nothing that runs {job.model.suffix} files",
                f"in the devices file: {tool.setting} = the path here of {tool.name} for the phone's ABI; or use {python} there",
            )
        if tool.name not in self._pushed:
            self.push(program, tool.name)
            self.run(["chmod", "755", tool.name], _ANSWER_S)
            self._pushed.add(tool.name)
        self.push(job.model, f"model{job.model.suffix}")
        mask = f"{sum(1 << core for core in job.cpus):x}"
        # Both outputs in one: releases differ in which they use.
        command = [*(["taskset", mask] if job.cpus else []), "sh", "-c", 'exec "$@" 2>&1', "sh", f"./{tool.name}"]
        runtime = f"{tool.name} {sha256(program)[:12]}"  # they tell no version
        return tool.measure(job, self, command) | {"runtime": runtime, "cpus": list(job.cpus) or None, "predictions": []}

    @cached_property
    def _by_python(self) -> dict[str, Any]:
        """What the runner says of the device; empty where there is no Python."""
        return super().probe() if self.python else {}

    def _state(self) -> dict[str, Any]:
        """See runner.state; and the battery, which warms and slows a phone while it is charged."""
        said = self._said(_STATE)
        zones = (zone.split(maxsplit=1) for zone in said.get("zone", []))
        battery = dict(line.split(": ", 1) for line in said.get("battery", []) if ": " in line)
        return {
            "governors": sorted({governor for governor in said.get("governor", []) if governor}),
            "frequencies_mhz": [int(khz) // 1000 for khz in said.get("khz", []) if khz.isdigit()],
            "temperatures_c": {zone[1]: int(zone[0]) / 1000 for zone in zones if len(zone) == 2 and zone[0].lstrip("-").isdigit()},
            "battery": {
                "level_percent": int(battery["level"]),
                "charging": battery.get("status") == _CHARGING,
                "temperature_c": int(battery["temperature"]) / 10,
            }
            if {"level", "temperature"} <= set(battery)
            else None,
        }

    def _said(self, script: str) -> dict[str, list[str]]:
        """The KEY=VALUE lines of a shell script, which may fail to read this or that."""
        said: dict[str, list[str]] = {}
        for line in self.run(["sh", "-c", f"exec 2>/dev/null\n{script}\nexit 0"], _ANSWER_S).splitlines():
            key, found, value = line.partition("=")
            if found:
                said.setdefault(key, []).append(value.strip())
        return said

    def _shell(self, command: Sequence[str], timeout_s: float) -> bytes:
        """What a command writes to stdout. adb hands one string to the shell there: each argument is quoted for it."""
        out = self._adb(timeout_s, "shell", f"set -- {shlex.join([self._folder or '/', *command])}; {_RUN}", what=command[0])
        out, ended, code = out.rpartition(f"\n{_END}".encode())
        if not ended:
            raise DeviceError(f"{self.name} broke off while {command[0]} ran", "is it still connected, and the cable firm?")
        if code.strip() != b"0":
            raise DeviceError(f"{self.name}: {last_lines(out.decode(errors='replace')) or command[0] + ' failed'}")
        return out

    def _adb(self, timeout_s: float, *arguments: str, what: str = "adb") -> bytes:
        try:
            return call(self.name, [self._program, "-s", self._serial, *arguments], timeout_s)
        except DeviceError as error:
            _check_state(self.name, listed().get(self._serial, "not connected any more"))
            problem = re.sub(rf"[; ]*{_END}(\d+)", r" (exit code \1)", error.problem.replace(self._program, what))
            raise DeviceError(problem, next((advice for text, advice in _ADVICE if text in problem), error.remedy)) from error


def adb_program() -> str:
    """The adb on this host's path, or else the one inside the adbutils package. Raises DependencyError."""
    found = shutil.which("adb")
    if found:
        return found
    missing = DependencyError("there is no adb program on this host", "pip install 'edgetl[android]', or install Android's platform-tools")
    try:
        import adbutils
    except ImportError as error:
        raise missing from error
    try:
        return str(adbutils.adb_path())
    except adbutils.AdbError as error:  # its wheel for this platform has none
        raise missing from error


def listed() -> dict[str, str]:
    """Serial to state of every device that adb knows."""
    try:
        with _starting:
            lines = call("adb", [adb_program(), "devices"], _ANSWER_S).decode(errors="replace").splitlines()
    except DeviceError as error:
        raise DeviceError(f"adb's own server fails: {error.problem}", "end it, and try again: adb kill-server") from error
    return {serial: state for serial, found, state in (line.partition("\t") for line in lines) if found}


def _check_state(name: str, state: str) -> None:
    if state != "device":
        remedy = next((remedy for known, remedy in _STATES.items() if state.startswith(known)), _PLUG_IN)
        raise DeviceError(f"{name} cannot be used: it is {state}", remedy)


def _chosen(name: str, wanted: str) -> str:
    """The serial that is meant. Raises DeviceError."""
    devices, said = listed(), ""
    if ":" in wanted and devices.get(wanted) != "device":
        said = _connect(wanted)
        devices = listed()
    usable = [serial for serial, state in devices.items() if state == "device"] or list(devices)
    if wanted:
        if wanted not in devices:
            raise DeviceError(said or f"there is no Android device '{wanted}'", did_you_mean(wanted, devices) if devices else _PLUG_IN)
        serial = wanted
    elif len(usable) == 1:
        [serial] = usable
    elif usable:
        raise DeviceError(f"there are {len(usable)} Android devices: {', '.join(usable)}", f"name one: adb:{usable[0]}")
    else:
        raise DeviceError("no Android device is connected", _PLUG_IN)
    _check_state(name, devices[serial])
    return serial


def _connect(address: str) -> str:
    """Connect over the network; what adb says, which exits 0 also when nobody predictions."""
    with suppress(DeviceError):  # of a connection that died; mostly there is none
        call("adb", [adb_program(), "disconnect", address], _ANSWER_S)
    said = call("adb", [adb_program(), "connect", address], _ANSWER_S).decode(errors="replace")
    for _ in range(10):
        if listed().get(address, "device") in ("device", "unauthorized"):
            break
        time.sleep(0.3)  # it shakes hands
    return last_lines(said)


def _open(name: str, target: str, settings: Mapping[str, str]) -> AdbDevice:
    return AdbDevice(name, _chosen(name, settings.get("serial", target)), settings)


def _present() -> list[str]:
    try:
        return list(listed()) or [""]
    except EdgetlError:
        return [""]  # opening it says what is missing


_TOOL_SETTINGS = [f"{tool.setting}{suffix}" for tool in TOOLS.values() for suffix in ("", "_url", "_sha256")]
KIND = Kind(_open, frozenset({"serial", "folder", "python", *_TOOL_SETTINGS}), _present)
