"""Arm without a board: the runner in QEMU's user-mode emulation. The emulated processor selects the kernels. Predictions, no latency."""

import os
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from platformdirs import user_cache_path

from edgetl.devices.base import Job, Kind
from edgetl.devices.local import LocalDevice
from edgetl.devices.messages import DeviceFacts, Reply, State
from edgetl.devices.plan import Plan
from edgetl.devices.process import Surroundings, call
from edgetl.documents import Part
from edgetl.errors import DeviceError, UsageError

_MAKE = "benchmarks/arm64_root.sh of edgetl's sources makes it"
_ROOT_REMEDY = f"an arm64 Linux root file system with Python 3: {_MAKE}, and an arm64 container's exported files are one"
# What each setting names, and how to get it; also looked for in EDGETL_ARM64_ROOT and so on, and where that script puts it.
_PARTS = {
    "root": ("root", _ROOT_REMEDY),
    "site": (
        "site",
        f"the aarch64 wheels of ai-edge-litert, onnxruntime and numpy in a folder: {_MAKE}, or pip install --platform",
    ),
    "qemu": ("qemu-aarch64", f"QEMU's user-mode program: {_MAKE}, or install qemu-user (10 or newer)"),
}
_PROCESSORS = ("cortex-a76", "cortex-a53")  # with and without the dot product, which XNNPACK has other kernels for
# Words in QEMU's messages, and the remedy of each.
_ADVICE = (
    ("unable to find CPU model", "qemu-aarch64 -cpu help lists the processors"),
    ("uncaught target signal", "QEMU 7.2 is known to crash here and 10.0 to work: name a newer one in the devices file (qemu = ...)"),
    ("did not finish", "emulation is slow: send fewer images (--accuracy)"),
)


class QemuSettings(Part):
    """Settings of an emulated processor in the devices file: see _PARTS."""

    cpu: str | None = None
    root: str | None = None
    site: str | None = None
    qemu: str | None = None


class QemuDevice(LocalDevice):
    """A temporary folder on this host, and an arm64 Python that runs on an emulated processor."""

    timed = False

    def __init__(self, name: str, cpu: str, *, root: Path, site: Path, qemu: Path) -> None:
        pythons = sorted((root / "usr/bin").glob("python3.[0-9]*[0-9]"))
        if not pythons:
            raise DeviceError(f"{name}: there is no usr/bin/python3.* in {root}", _ROOT_REMEDY)
        super().__init__(name, [str(qemu), "-cpu", cpu, "-L", str(root), str(pythons[-1])])
        self._cpu, self._site = cpu, site

    def run(self, command: Sequence[str], timeout_s: float) -> str:
        try:
            start = Surroundings(cwd=self._folder, env={"PYTHONPATH": str(self._site)})
            return call(self.name, command, timeout_s, start).decode(errors="replace")
        except DeviceError as error:
            raise DeviceError(error.problem, next((advice for text, advice in _ADVICE if text in error.problem), error.remedy)) from error

    def probe(self) -> DeviceFacts:
        """Leave out what is this host's and not the emulated processor's: an emulated program sees the host's /proc and /sys."""
        facts = super().probe()
        said = call(self.name, [self.python[0], "--version"], 10).decode(errors="replace")  # qemu-aarch64 version 10.0.13 (Debian ...
        release = re.search(r"version (\S+)", said)
        return DeviceFacts(
            model=f"QEMU {release.group(1) if release else ''}".strip(),
            chip=self._cpu,
            abi=facts.abi,
            os="Linux",
            python=facts.python,
            runtimes=facts.runtimes,
            free_bytes=facts.free_bytes,
        )

    def measure(self, job: Job) -> Reply:
        """Run each image once: time, memory, cores and frequencies are the emulator's and left out."""
        plan = Plan(threads=job.plan.threads, runs=1, warmup=0, delegate=job.plan.delegate)
        reply = super().measure(replace(job, plan=plan))
        note = "an emulator's times say nothing about the processor's" if job.plan.profile else ""
        unknown = {"peak_memory_bytes": None, "cpus": None, "before": State(), "after": State(), "profile_note": note}
        return reply.model_copy(update={"measurement": reply.measurement.model_copy(update=unknown)})


def _part(name: str, key: str, setting: str | None) -> Path:
    """Find a part: where the devices file or the environment says, or else in its usual place. Raises DeviceError."""
    file, remedy = _PARTS[key]
    usual = str(user_cache_path("edgetl") / "arm64" / file)
    named = setting or os.environ.get(f"EDGETL_ARM64_{key.upper()}")
    choices = [named] if named else [usual, *(["qemu-aarch64", "qemu-aarch64-static"] if key == "qemu" else [])]
    for choice in choices:
        path = Path(shutil.which(choice) or choice)
        if path.exists():
            return path.resolve()
    raise DeviceError(f"{name}: there is no {choices[0]}", f"{remedy}; it can be named in the devices file ({key} = ...)")


def _open(name: str, target: str, settings: QemuSettings) -> QemuDevice:
    cpu = settings.cpu or target
    if not cpu:
        raise UsageError(f"'{name}' names no processor", f"write qemu:{_PROCESSORS[0]}, or cpu = ... in the devices file")
    root, site = _part(name, "root", settings.root), _part(name, "site", settings.site)
    return QemuDevice(name, cpu, root=root, site=site, qemu=_part(name, "qemu", settings.qemu))


def _present() -> Iterable[str]:
    """Return the processors to begin with, where a root was made or named."""
    made = (user_cache_path("edgetl") / "arm64").exists() or "EDGETL_ARM64_ROOT" in os.environ
    return _PROCESSORS if made else ()


KIND = Kind(_open, QemuSettings, _present)
