"""Temperature scaling reaches every export, and changes no answer."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgetl.run_folder import RunFolder
from edgetl.run_record import FloatFacts
from tests.conftest import CliResult, Made


@pytest.mark.slow
def test_it_is_in_the_weights_of_every_export(cli: Callable[..., CliResult], made: Made, tmp_path: Path) -> None:
    settings = ["train.temperature_scaling=true", "quantize.qat=false", 'export.precisions=["float32", "int8"]']
    options = [part for setting in settings for part in ("--set", setting)]
    outcome = cli("run", made.recipe, "--out", tmp_path / "scaled", *options, "--json")
    assert outcome.code == 0, outcome.err
    facts = RunFolder(tmp_path / "scaled").facts("float", FloatFacts).temperature
    assert facts is not None
    plain = cli("evaluate", made.run, "--json").document["models"]
    scaled = cli("evaluate", tmp_path / "scaled", "--json").document["models"]
    assert facts.temperature != pytest.approx(1.0, abs=1e-3)
    assert facts.calibration_error_before == pytest.approx(plain["tflite_float32"]["calibration_error"]["value"], abs=2e-3)
    assert facts.loss_before == pytest.approx(plain["tflite_float32"]["loss"]["value"], rel=0.02)
    assert scaled["tflite_float32"]["confusion"] == plain["tflite_float32"]["confusion"], "the same predictions"
    for name in ("tflite_float32", "tflite_int8"):
        assert scaled[name]["loss"]["value"] < plain["tflite_float32"]["loss"]["value"], "fitted to these images"

    from edgetl.pipeline.project import Project

    weights = [Project.open(run).models.float_model.get_layer("logits").get_weights() for run in (made.run, tmp_path / "scaled")]
    for before, after in zip(*weights, strict=True):
        np.testing.assert_allclose(before / facts.temperature, after, rtol=1e-5)
    shutil.rmtree(tmp_path / "scaled")
