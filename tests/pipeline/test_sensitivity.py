"""`edgetl sensitivity` on a finished run."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from edgetl.quantization.quantized import Quantized
from edgetl.run_folder import RunFolder
from edgetl.run_record import ExportFacts
from tests.conftest import CliResult, write_record

Cli = Callable[..., CliResult]


def test_the_shipped_model_is_looked_at_unless_another_is_named(cli: Cli, run_copy: Path) -> None:
    run = RunFolder(run_copy)
    outcome = cli("sensitivity", run_copy, "--limit", 6, "--json")
    assert outcome.code == 0, outcome.err
    document = outcome.document
    choice = run.facts("export_int8", ExportFacts).choice
    assert choice is not None
    assert document["scheme"] == choice.chosen.name
    ranges = Quantized.load(run.quantized_model("int8")).ranges
    assert [one["operator"] for one in document["drift"]] == list(ranges), "in the network's order"
    assert {one["operator"] for one in document["operators"]} == set(ranges)
    assert json.loads(run.sensitivity.read_text(encoding="utf-8")) == document
    with Image.open(run.sensitivity_plot) as plot:
        assert plot.format == "PNG"
    worst = max(document["drift"], key=lambda one: one["lost_db"])
    text = cli("sensitivity", run_copy, "--limit", 6, "--scheme", "ptq_int8")
    assert "ptq_int8" in text.err
    assert "most is lost at" in text.err
    assert str(run.sensitivity_plot) in text.err
    assert worst["operator"] in text.out, "both schemes read the same first layers"


@pytest.mark.parametrize(("scheme", "words"), [("float16", "choices: ptq_int8, qat_int8"), ("ptq_int9", "did you mean 'ptq_int8'?")])
def test_a_scheme_without_grids_is_a_message(cli: Cli, run_copy: Path, scheme: str, words: str) -> None:
    outcome = cli("sensitivity", run_copy, "--scheme", scheme)
    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err


def test_a_model_of_an_earlier_training_is_refused(cli: Cli, run_copy: Path) -> None:
    run = RunFolder(run_copy)
    record = run.read().to_json()
    record["stages"]["float"]["inputs"] = "trained anew"  # and killed before the quantized models were made again
    write_record(run.record, record)
    for arguments in ((), ("--scheme", "ptq_int8")):
        outcome = cli("sensitivity", run_copy, *arguments)
        assert outcome.code == 5
        assert "run the same 'edgetl train'" in outcome.err
