import json
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from edgetl.runtimes import cpu

ARM = "processor\t: 0\nFeatures\t: fp asimd aes asimddp i8mm\nCPU part\t: 0xd41\n"
X86 = "processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu avx2 avx512f avx512_vnni\n"
MAC = "machdep.cpu.brand_string: Apple M2\nhw.optional.arm.FEAT_DotProd: 1\nhw.optional.arm.FEAT_I8MM: 0\n"


def test_facts_of_this_machine_are_plain_values() -> None:
    facts = cpu.cpu_facts()
    assert json.loads(json.dumps(asdict(facts))) == asdict(facts)
    assert facts.model
    assert facts.cores >= 1
    assert all(type(found) is bool for found in facts.features.values())


@pytest.mark.parametrize(
    ("features", "saturates"),
    [((), False), (("avx2",), True), (("avx2", "avx512_vnni"), False), (("avx2", "avx_vnni"), False), (("asimddp",), False)],
)
def test_which_processors_saturate_sums(features: tuple[str, ...], saturates: bool) -> None:
    assert cpu.CpuFacts("a CPU", "x86_64", 2, dict.fromkeys(features, True), "a test").saturates is saturates


@pytest.mark.parametrize(("text", "model", "expected"), [(ARM, "", {"asimddp", "i8mm"}), (X86, "Some CPU", {"avx2", "avx512_vnni"})])
def test_linux(text: str, model: str, expected: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    facts = cpu._linux(tmp_path / "cpuinfo")
    assert facts is not None
    assert facts[1] == model
    monkeypatch.setattr(cpu, "_linux", lambda: facts)
    assert set(cpu.cpu_facts().found) == expected


def test_macos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "_linux", lambda: None)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, stdout=MAC))
    facts = cpu.cpu_facts()
    assert (facts.model, facts.source) == ("Apple M2", "sysctl")
    assert set(facts.found) == {"asimddp"}


def test_elsewhere_numpy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any, **__: Any) -> None:
        raise FileNotFoundError("sysctl")

    monkeypatch.setattr(subprocess, "run", missing)
    monkeypatch.setattr(cpu, "_linux", lambda: None)
    facts = cpu.cpu_facts()
    assert facts.source == "numpy"
    assert facts.model
