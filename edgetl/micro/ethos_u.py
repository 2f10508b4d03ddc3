"""Arm's Ethos-U NPUs: a TFLite file compiled for one by Arm's compiler, vela, and what the compiler estimates of it. No NPU has run it."""

import csv
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ai_edge_litert import schema_py_generated as schema

from edgetl.errors import DependencyError, ExportError, UsageError
from edgetl.importing.tflite_reader import read
from edgetl.micro.estimate import NpuEstimate
from edgetl.micro.operators import ETHOS_U, kind_of, place_of
from edgetl.registry import did_you_mean
from edgetl.software import install, version_of

# The number is of multiplications with an addition a cycle. What surrounds the NPU is vela's default system of each family.
_SIZES = {"ethos-u55": (32, 64, 128, 256), "ethos-u65": (256, 512), "ethos-u85": (128, 256, 512, 1024, 2048)}
ACCELERATORS = tuple(f"{family}-{size}" for family, sizes in _SIZES.items() for size in sizes)
_LIMIT_S = 600  # the largest networks take a minute
_KIB = 1024


@dataclass(frozen=True)
class Compiled:
    """A TFLite file whose operators, as far as the NPU has them, are one of its own kind, and the estimate of it."""

    content: bytes
    estimate: NpuEstimate


def check_accelerator(name: str) -> None:
    """Raise UsageError, with all names, unless this is one of `ACCELERATORS`."""
    if name not in ACCELERATORS:
        raise UsageError(f"there is no NPU '{name}'" if name else "no NPU is named", did_you_mean(name, ACCELERATORS))


def version() -> str:
    """Return the version of vela; empty: it is not installed."""
    return version_of("ethos-u-vela")


def compiled(content: bytes, accelerator: str) -> Compiled:
    """Compile a TFLite file for an accelerator of `ACCELERATORS`.

    Raises DependencyError without vela, ExportError with its words for a file that it cannot compile.
    """
    check_accelerator(accelerator)
    if not version():
        raise DependencyError("files and estimates for Ethos-U need Arm's compiler, the Python package ethos-u-vela", install("mcu"))
    operators = len(read(content).subgraphs[0].operators)
    with tempfile.TemporaryDirectory(prefix="edgetl-") as folder:
        source, made = Path(folder) / "model.tflite", Path(folder) / "out"
        source.write_bytes(content)
        command = [sys.executable, "-P", "-m", "ethosu.vela", str(source), "--accelerator-config", accelerator]
        try:
            done = subprocess.run(
                [*command, "--output-dir", str(made)], capture_output=True, text=True, errors="replace", timeout=_LIMIT_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise ExportError(f"vela did not finish within {_LIMIT_S} s", "report it to Arm, with the file") from None
        files, tables = list(made.glob("*_vela.tflite")), list(made.glob("*_summary_*.csv"))
        if done.returncode or not files or not tables:
            words = [line for line in (done.stderr or done.stdout).split("\n") if line.strip()][-3:]
            raise ExportError(
                f"vela cannot compile the file for {accelerator}: {'; '.join(words)}", "export int8, or choose another backbone"
            )
        result = files[0].read_bytes()
        with tables[0].open(encoding="utf-8", newline="") as table:
            [row] = csv.DictReader(table)
    facts = {name: float(row[name]) for name in ("core_clock", "cycles_total", "cycles_npu", "sram_memory_used")}
    return Compiled(
        result,
        NpuEstimate(
            accelerator=accelerator,
            system=row["system_config"],
            memory_mode=row["memory_mode"],
            clock_mhz=facts["core_clock"] / 1e6,
            cycles=round(facts["cycles_total"]),
            npu_cycles=round(facts["cycles_npu"]),
            sram_bytes=round(facts["sram_memory_used"] * _KIB),
            flash_bytes=len(result),
            operators=operators,
            cpu_operators=_left(result),
        ),
    )


def check_outputs(content: bytes) -> None:
    """Raise ExportError for a compiled file with an NPU's operator that has no output: vela 5.2 writes some around float operators."""
    model = read(content)
    if any(kind_of(model, one) == ETHOS_U and not len(one.outputs) for graph in model.subgraphs for one in graph.operators):
        raise ExportError(
            "vela writes an NPU's operator without an output for this file, which computes nothing", "export it without --keep-float"
        )


def _left(content: bytes) -> tuple[str, ...]:
    """Return the operators of a compiled file that are not the NPU's."""
    model = read(content)
    graph: schema.SubGraphT = model.subgraphs[0]
    return tuple(place_of(model, graph, operator) for operator in graph.operators if kind_of(model, operator) != ETHOS_U)
