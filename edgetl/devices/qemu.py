"""Arm without a board: the runner in QEMU's user-mode emulation, whose processor selects the kernels. Predictions only, no latency."""

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from edgetl.devices.base import Job, Kind
from edgetl.devices.local import LocalDevice
from edgetl.devices.process import call
from edgetl.errors import DeviceError, UsageError

_MAKE = "benchmarks/arm64_root.sh of edgetl's sources makes it"
# What each setting names, and how to get it; also looked for in EDGETL_ARM64_ROOT and so on, and where that script puts it.
_PARTS = {
    "root": ("root", f"an arm64 Linux root file system with Python 3: {_MAKE}, and an arm64 container's exported files are one"),
    "site": (
        "site",
        f"the aarch64 wheels of ai-edge-litert, onnxruntime and numpy in a folder: {_MAKE}, or pip install --platform",
    ),
    "qemu": ("qemu-aarch64", f"QEMU's user-mode program: {_MAKE}, or install qemu-user (10 or newer)"),
}
_NO_STATE: dict[str, Any] = {"governors": [], "frequencies_mhz": [], "temperatures_c": {}}  # of an emulated processor
_PROCESSORS = ("cortex-a76", "cortex-a53")  # with and without the dot product, which XNNPACK has other kernels for
# What QEMU says, and what to do about it.
_ADVICE = (
    ("unable to find CPU model", "qemu-aarch64 -cpu help lists the processors"),
    ("uncaught target signal", "QEMU 7.2 is known to crash here and 10.0 to work: name a newer one in the devices file (qemu = ...)"),
    ("did not finish", "emulation is slow: send fewer images (--accuracy)"),
)


class QemuDevice(LocalDevice):
    """A temporary folder on this host, and an arm64 Python that runs on an emulated processor."""

    timed = False

    def __init__(self, name: str, cpu: str, root: Path, site: Path, qemu: Path) -> None:
        pythons = sorted((root / "usr/bin").glob("python3.[0-9]*[0-9]"))
        if not pythons:
            raise DeviceError(f"{name}: there is no usr/bin/python3.* in {root}", _PARTS["root"][1])
        super().__init__(name, [str(qemu), "-cpu", cpu, "-L", str(root), str(pythons[-1])])
        self._cpu, self._site = cpu, site

    def run(self, command: Sequence[str], timeout_s: float) -> str:
        try:
            return call(self.name, command, timeout_s, cwd=self._folder, env={"PYTHONPATH": str(self._site)}).decode(errors="replace")
        except DeviceError as error:
            raise DeviceError(error.problem, next((advice for text, advice in _ADVICE if text in error.problem), error.remedy)) from error

    def probe(self) -> dict[str, Any]:
        """What is this host's and not the emulated processor's is left out: an emulated program sees the host's /proc and /sys."""
        facts = super().probe()
        kept = {key: facts[key] for key in ("abi", "python", "runtimes", "free_bytes")}
        release = call(self.name, [self.python[0], "--version"], 10).decode().split()[2]  # qemu-aarch64 version 10.0.13 (Debian ...
        unknown = dict.fromkeys(("cores", "memory_bytes", "load_average"))
        return {"model": f"QEMU {release}", "chip": self._cpu, "os": "Linux"} | unknown | kept | _NO_STATE

    def measure(self, job: Job) -> dict[str, Any]:
        """One run: its time is the emulator's, as are memory, cores and frequencies."""
        result = super().measure(replace(job, warmup=0, runs=1, duration_s=0.0, cpus=(), profile=0))
        note = {"profile_note": "an emulator's times say nothing about the processor's"} if job.profile else {}
        return result | {"peak_memory_bytes": None, "cpus": None, "before": _NO_STATE, "after": _NO_STATE} | note


def _part(name: str, key: str, settings: Mapping[str, str]) -> Path:
    file, remedy = _PARTS[key]
    usual = str(user_cache_path("edgetl") / "arm64" / file)
    named = settings.get(key) or os.environ.get(f"EDGETL_ARM64_{key.upper()}")
    choices = [named] if named else [usual, *(["qemu-aarch64", "qemu-aarch64-static"] if key == "qemu" else [])]
    for choice in choices:
        path = Path(shutil.which(choice) or choice)
        if path.exists():
            return path.resolve()
    raise DeviceError(f"{name}: there is no {choices[0]}", f"{remedy}; it can be named in the devices file ({key} = ...)")


def _open(name: str, target: str, settings: Mapping[str, str]) -> QemuDevice:
    cpu = settings.get("cpu", target)
    if not cpu:
        raise UsageError(f"'{name}' names no processor", f"write qemu:{_PROCESSORS[0]}, or cpu = ... in the devices file")
    return QemuDevice(name, cpu, _part(name, "root", settings), _part(name, "site", settings), _part(name, "qemu", settings))


def _present() -> Iterable[str]:
    """The processors to begin with, where a root was made or named."""
    made = (user_cache_path("edgetl") / "arm64").exists() or "EDGETL_ARM64_ROOT" in os.environ
    return _PROCESSORS if made else ()


KIND = Kind(_open, frozenset({"cpu", *_PARTS}), _present)
