import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgetl.errors import RunError
from edgetl.evaluation.validation import Validation
from edgetl.report.terminal import validation as printed
from tests.conftest import CliResult
from tests.fuzz import examples

Cli = Callable[..., CliResult]


def test_a_document_is_read_as_it_was_written(tmp_path: Path) -> None:
    document = Validation.parse(json.loads(examples.validation()))
    document.write(tmp_path / "validation.json")
    assert Validation.read(tmp_path / "validation.json") == document
    assert document.float_model.precision == "float32"
    assert document.main_model.file == "export/model_int8.tflite"
    assert list(document.costs) == ["tflite_int8"]
    assert document.pairs[0].passed


def _changed(**values: Any) -> Any:
    return json.loads(examples.validation()) | values


def _with_accuracy(**values: Any) -> Any:
    changed = _changed()
    changed["subjects"]["keras_float"]["accuracy"] |= values
    return changed


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (_changed(passed=False), "contradict"),
        (_changed(failures=["one"]), "contradict"),
        (_changed(main="tflite_int9"), "no model 'tflite_int9'"),
        (_changed(subjects={}), "no model 'keras_float'"),
        (_changed(class_names=["a"]), "a class that does not exist"),
        (_changed(surprise=1), "surprise"),
        (_changed(schema_version=2), "schema version"),
        (_with_accuracy(top1_accuracy=2**63), "top1_accuracy"),
        (_with_accuracy(top1_interval_95=[-0.5, 1]), "top1_interval_95"),
        (_with_accuracy(images=-1), "images"),
        ([], "object"),
    ],
)
def test_what_contradicts_itself_is_refused(values: Any, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "validation.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(RunError, match=problem) as caught:
        Validation.read(path)
    assert "edgetl validate" in str(caught.value.remedy)


@pytest.mark.parametrize("largest", [0.459, 1.0, 5.084])
def test_a_mean_is_not_printed_above_its_largest(largest: float) -> None:
    pair = Validation.parse(json.loads(examples.validation())).pairs[0]
    agreement = replace(pair.agreement, mean_steps=0.9 * largest, max_steps=largest)
    _, _, mean, most, *_ = printed._pair(replace(pair, agreement=agreement))
    assert float(mean) <= float(most)


def test_figures_of_an_older_file_are_never_shown(cli: Cli, run_copy: Path) -> None:
    """A file exported again since the validation has no figures; one exported beside the validated ones is named."""
    assert cli("export", run_copy, "--dynamic-int8").code == 0
    beside = "export/model_dynamic_int8.tflite"
    assert "was exported since" in cli("show", run_copy).out
    card = cli("card", run_copy)
    assert card.code == 0
    assert beside in card.err

    assert cli("export", run_copy, "--float32", "--batch", "2").code == 0
    again = "export/model_float32"
    refused = cli("card", run_copy)
    assert refused.code == RunError.exit_code
    assert again in refused.err
    assert "was exported after the validation" in refused.err
    shown = cli("show", run_copy)
    assert "was exported after the validation" in shown.err
    assert "verdict" not in shown.out
    assert cli("report", run_copy, "--format", "md").code == 0
    assert "The run is not validated, or its files have changed since" in (run_copy / "report.md").read_text(encoding="utf-8")
