"""The document of a benchmark."""

import re

import pytest

from edgetl.errors import Failure
from edgetl.report.page.benchmark import markdown
from edgetl.report.terminal.benchmark import show
from tests.benchmarking.test_gate import measured


def test_it_shows_a_row_for_each_model_on_each_device_and_every_failure() -> None:
    found = measured(m=1.0, n=None)
    first, second = found.results
    found = found.model_copy(update={"results": (first, second.model_copy(update={"failure": Failure("it is unplugged", "plug it in")}))})
    shown = found.overview()
    assert [(row[0], row[1]) for row in shown.rows] == [(one.device, one.model) for one in found.results]
    assert "1.000" in shown.text()
    assert list(shown.notes) == [f"{second.device}, {second.model}: it is unplugged"]
    assert repr(found) == shown.text()


def test_what_failed_has_no_figures_and_a_device_is_named_once(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    found = measured(m=1.0, n=None, o=2.0)
    first, second, third = found.results
    failed = second.model_copy(update={"measurement": None, "delegate": "npu", "failure": Failure("d: it has no NPU", "leave it out")})
    known = {name: file.model_copy(update={"top1_accuracy": 0.8765, "size_bytes": 7 << 20}) for name, file in found.models.items()}
    found = found.model_copy(update={"results": (first, failed, third), "models": known})
    show(found)
    shown = capsys.readouterr()
    latency, start, processors = (part.split("\n\n")[0] for part in re.split(r"\n(?:latency|start and size|processors)\n", shown.out)[1:])
    assert re.search(r"n by npu +failed", latency)
    assert len(re.findall(r"^d\b|device: d$", latency, re.MULTILINE)) == 1, latency
    assert "npu" not in start + processors
    assert start.count("87.65") == 2
    assert "d, n by npu: it has no NPU; leave it out" in caplog.text
    [row] = [row for row in found.overview().rows if row[1] == "n by npu"]
    assert row == ["d", "n by npu", "failed", "", "", "", ""]
    [line] = [line for line in markdown(found).splitlines() if line.startswith("| d | n by npu |")]
    assert not {"87.65", "7,168"} & set(line.split())


def test_a_benchmark_of_which_all_failed_has_no_empty_tables(capsys: pytest.CaptureFixture[str]) -> None:
    found = measured(m=None)
    failed = found.results[0].model_copy(update={"measurement": None, "failure": Failure("it is unplugged", "plug it in")})
    found = found.model_copy(update={"results": (failed,)})
    show(found)
    shown = capsys.readouterr().out
    assert "start and size" not in shown
    assert "processors" not in shown
    assert "ran on" not in markdown(found)
