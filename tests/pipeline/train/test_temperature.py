"""Temperature scaling reaches every export, and changes no answer."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgetl.run_folder import RunFolder
from edgetl.run_record import FloatFacts
from tests.conftest import CliResult, Made


@pytest.mark.slow
def test_it_is_in_the_weights_of_every_export(cli: Callable[..., CliResult], made: Made, tmp_path: Path) -> None:
    held_out = ["data.selection_fraction=0.5", "train.again_below=0"]  # enough images to choose by, and one training that both have
    settings = [*held_out, "train.label_smoothing=0.3", "quantize.qat=false", 'export.precisions=["float32", "int8"]']
    options = [part for setting in settings for part in ("--set", setting)]
    for name, scaling in (("plain", "false"), ("scaled", "true")):
        outcome = cli("run", made.recipe, "--out", tmp_path / name, *options, "--set", f"train.temperature_scaling={scaling}", "--json")
        assert outcome.code == 0, outcome.err
    facts = RunFolder(tmp_path / "scaled").facts("float", FloatFacts).temperature
    assert facts is not None
    assert RunFolder(tmp_path / "plain").facts("float", FloatFacts).temperature is None
    plain, scaled = (cli("evaluate", tmp_path / name, "--json").document["models"] for name in ("plain", "scaled"))
    assert facts.temperature != pytest.approx(1.0, abs=1e-3)
    assert facts.loss_after < facts.loss_before
    assert scaled["tflite_float32"]["confusion"] == plain["tflite_float32"]["confusion"], "the same predictions"
    for name in ("tflite_float32", "tflite_int8"):
        assert scaled[name]["loss"]["value"] != plain[name]["loss"]["value"], "in every export"

    from edgetl.pipeline.project import Project

    weights = [Project.open(run).models.float_model.get_layer("logits").get_weights() for run in (tmp_path / "plain", tmp_path / "scaled")]
    for before, after in zip(*weights, strict=True):
        np.testing.assert_allclose(before / facts.temperature, after, rtol=1e-5)
