"""Find what this CPU offers for int8 arithmetic: results and speed differ by it (onnxruntime#14642), hence it is recorded."""

import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

# Our name of a feature -> its names in /proc/cpuinfo, in macOS' sysctl and in NumPy's groups (X86_V3 and AVX512_ICL imply them).
_FEATURES = {
    "avx2": {"avx2", "hw.optional.avx2_0", "x86_v3"},
    "avx512_vnni": {"avx512_vnni", "avx512vnni", "avx512_icl"},
    "avx_vnni": {"avx_vnni"},
    "amx_int8": {"amx_int8"},
    "asimddp": {"asimddp", "hw.optional.arm.feat_dotprod"},
    "i8mm": {"i8mm", "hw.optional.arm.feat_i8mm"},
}


@dataclass(frozen=True)
class CpuFacts:
    """A processor.

    Args:
        model: its name, such as "AMD EPYC 7B13".
        architecture: as the system names it, such as "x86_64".
        features: whether each instruction set that matters to int8 arithmetic was found.
        source: who was asked: a file, a program or NumPy.
    """

    model: str
    architecture: str
    cores: int
    features: Mapping[str, bool]
    source: str

    @property
    def found(self) -> list[str]:
        """Return the names of the features that were found."""
        return [name for name, found in self.features.items() if found]

    @property
    def saturates(self) -> bool:
        """Return whether ONNX Runtime's default session saturates sums of int8 products here: by AVX2 without VNNI."""
        return "avx2" in self.found and not {"avx512_vnni", "avx_vnni"} & {*self.found}


def cpu_facts() -> CpuFacts:
    """Return what is known of this machine's processor. Never fails."""
    source, model, words = _linux() or _macos() or _numpy()
    return CpuFacts(
        model=model or platform.processor() or platform.machine(),
        architecture=platform.machine(),
        cores=os.cpu_count() or 1,
        features={feature: not words.isdisjoint(names) for feature, names in _FEATURES.items()},
        source=source,
    )


def _fields(text: str) -> dict[str, str]:
    """Return the `key: value` lines; of several cores the last one stands for all."""
    pairs = [line.partition(":") for line in text.splitlines()]
    return {key.strip(): value.strip() for key, colon, value in pairs if colon}


def _linux(cpuinfo: Path = Path("/proc/cpuinfo")) -> tuple[str, str, set[str]] | None:
    try:
        fields = _fields(cpuinfo.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None
    flags = fields.get("flags") or fields.get("Features")  # x86, Arm
    return (str(cpuinfo), fields.get("model name", ""), set(flags.lower().split())) if flags else None


def _macos() -> tuple[str, str, set[str]] | None:
    try:
        answer = subprocess.run(["sysctl", "machdep.cpu", "hw.optional"], check=False, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    fields = _fields(answer.stdout)
    model = fields.get("machdep.cpu.brand_string")
    if model is None:  # Linux has a sysctl too, without these keys
        return None
    words = {key for key, value in fields.items() if value == "1"}.union(*(value.split() for value in fields.values()))
    return "sysctl", model, {word.lower() for word in words}


def _numpy() -> tuple[str, str, set[str]]:
    facts: Any = np.show_config(mode="dicts")
    simd = facts.get("SIMD Extensions", {})
    return "numpy", "", {word.lower() for word in [*simd.get("baseline", []), *simd.get("found", [])]}
