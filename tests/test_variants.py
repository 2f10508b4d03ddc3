"""A variant is one file and one line: a scheme and a format from outside of the package go all the way, and nothing else is changed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgetl.errors import UsageError
from edgetl.evaluation.validation import Validation
from edgetl.export import FORMATS, format_of, formats_of
from edgetl.export import tflite as tflite_format
from edgetl.export.base import Conversion, Format
from edgetl.quantization import SCHEMES
from edgetl.quantization.bounds import INTEGERS, Bound
from edgetl.runtimes import runtime_of, unverified
from tests.conftest import CliResult

Cli = Callable[..., CliResult]

SIMULATED = Bound(min_top1_agreement=0.9, max_mean_abs_dp=0.09, max_drop_points=9.0, reason="a bound that no other pair has")


def convert(conversion: Conversion) -> bytes:
    from edgetl.export import tflite_writer

    return tflite_writer.convert(conversion)


FORMAT = Format(
    name="toy",
    suffix=".toy.tflite",
    runtime="litert",
    precisions=("toy8",),
    convert=convert,
    stamp=tflite_format.FORMAT.stamp,
    agrees={"toy8": {"keras_toy8": SIMULATED}},
)


def __getattr__(name: str) -> Any:
    """Make SCHEME when it is loaded, since what schemes are made of imports TensorFlow."""
    if name != "SCHEME":
        raise AttributeError(name)
    from edgetl.quantization.base import Scheme, integers
    from edgetl.quantization.calibrate import quantize

    return Scheme("toy8", integers, INTEGERS, quantize)


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register a scheme and a format, as another package would."""
    for registry in (SCHEMES, FORMATS):
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    SCHEMES.register("toy_scheme", f"{__name__}:SCHEME", "a scheme from elsewhere")
    FORMATS.register("toy", f"{__name__}:FORMAT", "a format from elsewhere")


@pytest.mark.usefixtures("toys")
def test_they_are_listed_and_found(cli: Cli) -> None:
    from edgetl.quantization import integer_schemes, precisions, scheme_of

    assert {"name": "toy_scheme", "summary": "a scheme from elsewhere"} in cli("list", "schemes", "--json").document
    assert {"name": "toy", "summary": "a format from elsewhere"} in cli("list", "formats", "--json").document
    assert "toy8" in precisions()
    assert integer_schemes(precision="toy8") == ["toy_scheme"]
    assert scheme_of("toy8").precision == "toy8"
    assert formats_of("toy8") == ["toy"]
    assert format_of("model_toy8.toy.tflite") is FORMAT
    assert runtime_of(Path("model_toy8.toy.tflite")) == "litert"
    assert not unverified(Path("model_toy8.toy.tflite"))


@pytest.mark.usefixtures("toys")
def test_a_run_is_quantized_exported_and_validated_with_them(run_copy: Path, cli: Cli) -> None:
    from edgetl.pipeline.project import Project
    from edgetl.pipeline.train.stages import quantize

    quantize(Project.open(run_copy), "toy_scheme")
    asked = ["--set", "export.precisions=['toy8']", "--set", "export.formats=['toy']"]
    exported = cli("export", run_copy, *asked, "--json").document
    assert [Path(file["path"]).name for file in exported["files"]] == ["model_toy8.toy.tflite"]
    cli("validate", run_copy, "--json")
    validation = Validation.read(run_copy / "validation.json")
    assert validation.passed, validation.failures
    subject = validation.subjects["toy_toy8"]
    assert (subject.file, subject.runtime, subject.precision) == ("export/model_toy8.toy.tflite", "litert", "toy8")
    bounds = {
        (pair.tolerance.first, pair.tolerance.second): (pair.tolerance.max_mean_abs_dp, pair.tolerance.reason) for pair in validation.pairs
    }
    assert bounds["keras_float", "toy_toy8"] == (INTEGERS.max_mean_abs_dp, INTEGERS.reason)
    assert bounds["keras_toy8", "toy_toy8"] == (SIMULATED.max_mean_abs_dp, SIMULATED.reason)


@pytest.mark.usefixtures("toys")
def test_they_are_trained_with_from_the_start(digit_folder: Path, tmp_path: Path, cli: Cli) -> None:
    """Schemes that find integers are stages of every training, also those from elsewhere."""
    small = ["--backbone", "small_cnn", "--weights", "none", "--image-size", "32", "--epochs", "0", "--no-qat"]
    asked = ["--set", "train.head_epochs=1", "--set", "export.precisions=['toy8']", "--set", "export.formats=['toy']"]
    cli("train", digit_folder, "--out", tmp_path / "run", *small, *asked)
    from edgetl.pipeline.export.files import export
    from edgetl.pipeline.project import Project

    project = Project.open(tmp_path / "run")
    assert "toy_scheme" in project.run.read().stages
    assert [path.name for path in export(project)] == ["model_toy8.toy.tflite"]


@pytest.mark.parametrize(
    ("setting", "hint"),
    [
        ("export.precisions=['int9']", "unknown precision 'int9'\ndid you mean 'int8'"),
        ("export.formats=['onx']", "unknown format 'onx'\ndid you mean 'onnx'"),
        ("export.precisions=['toy8']", "unknown precision 'toy8'"),
    ],
)
def test_a_recipe_names_what_is_registered(run_copy: Path, setting: str, hint: str) -> None:
    """The registries say what there is: what nobody has registered is refused before anything is computed."""
    from edgetl.pipeline.project import Project

    with pytest.raises(UsageError, match=hint):
        Project.open(run_copy, settings=[setting])


def test_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match="there is a format 'tflite' already"):
        FORMATS.register("tflite", f"{__name__}:FORMAT", "another")
