"""Zeros and clusters from the command line to the int8 file, through quantization-aware training."""

import json
from pathlib import Path

import numpy as np
import pytest

from edgetl.importing.tflite_reader import read
from tests.conftest import Made, edgetl


@pytest.mark.slow
def test_half_the_int8_weights_are_zero_and_the_file_zips_smaller(made: Made, run_copy: Path) -> None:
    recipe = made.recipe.read_text(encoding="utf-8") + "\n[compress]\nepochs = 1\nsparsity = 0.5\n"
    recipe = recipe.replace('precisions = ["float32", "float16", "int8"]', 'precisions = ["int8"]')
    (run_copy.parent / "recipe.toml").write_text(recipe, encoding="utf-8")
    before = edgetl("export", run_copy, "--int8", "--json")
    source = json.loads(recipe.split("source = ")[1].splitlines()[0])
    trained = edgetl("train", source, "--recipe", run_copy.parent / "recipe.toml", "--out", run_copy, "--clusters", 16, "--json")
    assert trained.returncode == 0, trained.stderr
    stages = json.loads(trained.stdout)["stages"]
    assert stages["compress"]["facts"]["achieved"]["zero_fraction"] >= 0.499
    assert stages["compress"]["facts"]["achieved"]["clusters"] <= 16
    cost = stages["compress"]["facts"]["cost"]
    assert (cost["split"], cost["images"]) == ("val", stages["data"]["facts"]["counts"]["val"]), "what measures chose nothing"
    assert cost["won"] - cost["lost"] == round((cost["accuracy"] - cost["other_accuracy"]) * cost["images"])
    assert "compressed against float: " in trained.stderr
    after = edgetl("export", run_copy, "--int8", "--json")
    assert after.returncode == 0, after.stderr
    zipped = [json.loads(done.stdout)["files"][0]["zipped_bytes"] for done in (before, after)]
    assert zipped[1] < 0.7 * zipped[0], "16 values, half of them zero: some three bits a weight instead of seven"
    model = read((run_copy / "export/model_int8.tflite").read_bytes())
    graph = model.subgraphs[0]
    pointwise = [tensor for tensor in graph.tensors if tensor.shape is not None and len(tensor.shape) == 4 and tensor.shape[0] > 1]
    kernels = [np.asarray(model.buffers[tensor.buffer].data) for tensor in pointwise if model.buffers[tensor.buffer].data is not None]
    assert kernels
    assert all((kernel == 0).mean() >= 0.49 for kernel in kernels)
