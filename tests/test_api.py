"""The public Python API: names, settings, and a run as an object. Training through it is tested with the README's script."""

import inspect
import os
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest

import edgetl
from edgetl.api.results import Exported, Pretrained
from edgetl.api.settings import SHORT, Choices, Given
from edgetl.api.training import Completed
from edgetl.documents import Document
from edgetl.errors import RunError, UsageError
from edgetl.evaluation.validation import Validation
from edgetl.overview import Tabular
from edgetl.recipe import load
from edgetl.run_folder import USES, RunFolder
from edgetl.run_record import FloatFacts
from tests.conftest import Made

ROOT = Path(edgetl.__file__).parent


@pytest.mark.parametrize("name", edgetl.__all__)
def test_every_public_name_is_there_and_says_what_it_does(name: str) -> None:
    public = getattr(edgetl, name)
    documented = inspect.getdoc(public) or ""
    assert documented.splitlines()[0].endswith((".", "trust.")), name
    assert not (ROOT / name).exists(), "a module of the same name would hide it"
    assert not (ROOT / f"{name}.py").exists()


def test_public_names_load_no_tensorflow() -> None:
    code = f"import sys, edgetl\nfor name in {edgetl.__all__}: getattr(edgetl, name)\nprint({{'tensorflow', 'rich'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "set()\n"


def test_no_other_name_is_there() -> None:
    with pytest.raises(AttributeError, match="trian"):
        edgetl.trian  # noqa: B018
    assert set(edgetl.__all__) <= set(dir(edgetl))


def test_every_keyword_is_a_setting_of_the_recipe() -> None:
    assert set(SHORT) == set(Choices.__annotations__)
    recipe = load().model_dump()
    for dotted in SHORT.values():
        table, key = dotted.split(".")
        assert key in recipe[table]
    for name in SHORT:
        assert f"\n{name}: " in (inspect.getdoc(Choices) or ""), f"{name} is not documented"


@pytest.mark.parametrize(
    ("name", "advice"),
    [("backbon", "did you mean 'backbone'?"), ("flip", "settings={'augment.flip': ...}"), ("zzz", "choices: backbone")],
)
def test_an_unknown_keyword_is_answered_with_the_one_that_is_meant(name: str, advice: str) -> None:
    with pytest.raises(UsageError, match=f"there is no setting '{name}'") as failure:
        edgetl.train("digits", **{name: 1})
    assert advice in failure.value.remedy


def test_an_unknown_dotted_setting_is_answered_too() -> None:
    with pytest.raises(UsageError, match=r"augment.flp.*did you mean 'flip'"):
        edgetl.train("digits", settings={"augment.flp": False})


def test_what_is_none_is_not_given() -> None:
    assert Given.of("digits", alpha=None, weights=Path("a.npz")).values == {"data.source": "digits", "model.weights": "a.npz"}


def test_a_folder_that_is_no_run_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RunError, match="is not a run"):
        edgetl.Run(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match="there is no run"):
        edgetl.newest()


def test_the_newest_run_that_a_method_can_use_is_taken(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "validated").symlink_to(made.run)
    begun = RunFolder.create(Path("runs/begun"), load())
    os.utime(begun.record, (time.time() + 30, time.time() + 30))
    with caplog.at_level("INFO", "edgetl"):
        assert edgetl.newest().path.name == "begun"
        assert edgetl.newest(for_="bundle").path.name == "validated"
    assert "runs/begun, which is newer, has no finished stage of the kind 'validate'" in caplog.text, "which is reported"
    with pytest.raises(UsageError, match="runs are not opened for 'exprt'"):
        edgetl.newest(for_="exprt")
    (tmp_path / "runs" / "validated").unlink()
    with pytest.raises(
        RunError, match="no run under runs/ can be used for 'bundle'; the newest, runs/begun, has no finished stage of the kind 'validate'"
    ):
        edgetl.newest(for_="bundle")


@pytest.mark.parametrize("use", USES)
def test_what_a_run_is_used_for_needs_a_stage_that_there_is(use: str, made: Made) -> None:
    assert use == "show" or callable(getattr(edgetl.Run, use))
    assert USES[use] in {"", *(stage.facts.kind for stage in RunFolder(made.run).read().stages.values())}


def test_a_run_is_a_table_in_a_notebook(made: Made) -> None:
    html = edgetl.Run(made.run)._repr_html_()
    assert "<table" in html
    assert "float.keras" in html


def test_keras_3_may_be_imported_first() -> None:
    """tensorflow-model-optimization then takes tf_keras by itself, as edgetl does."""
    code = """
import keras, tensorflow as tf
assert tf.keras.version().startswith("3.") and keras.__version__.startswith("3.")
import edgetl.keras
import edgetl.quantization.wrappers
from tensorflow_model_optimization.python.core.keras import compat
assert compat.keras.layers.Layer is edgetl.keras.layers.Layer
assert not issubclass(edgetl.keras.layers.Layer, keras.layers.Layer)
"""
    chosen_anew = {key: value for key, value in os.environ.items() if key != "TF_USE_LEGACY_KERAS"}  # which edgetl may have set here
    done = subprocess.run([sys.executable, "-c", code], env=chosen_anew, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


def test_a_run_keeps_its_images_within_a_with(made: Made) -> None:
    run = edgetl.Run(made.run)
    assert repr(run) == f"edgetl.Run({str(made.run)!r})"
    with run._opened() as first, run._opened() as second:
        assert first is second
    with run, run._opened() as first:
        pass
    with run:
        with run._opened() as first:
            pass
        with run._opened() as second:
            pass
        assert first is second


RESULTS = [
    "api.results:Exported",
    "api.results:Report",
    "api.results:Card",
    "api.results:Pretrained",
    "api.training:Completed",
    "api.training:Estimated",
    "api.results:Tuned",
    "benchmarking.results:Benchmark",
    "diagnosis.results:Diagnosis",
    "evaluation.results:Comparison",
    "evaluation.results:Evaluation",
    "evaluation.results:LearningCurve",
    "evaluation.validation:Validation",
    "explanation.results:Explanation",
    "pipeline.doctor:Examination",
    "pipeline.pack:Packed",
    "pipeline.ship.app:Shipped",
    "pipeline.ship.verify:Verification",
    "quantization.results:Sensitivity",
    "report.page.card:Results",
    "ship.manifest:Manifest",
    "tuning_record:TuningRecord",
]


@pytest.mark.parametrize("result", RESULTS)
def test_every_result_has_a_table_of_its_own(result: str) -> None:
    """What any document shows, field by field, is for files that a person seldom sees."""
    module, name = result.split(":")
    kind = getattr(import_module(f"edgetl.{module}"), name)
    assert issubclass(kind, Tabular)
    assert kind.overview not in (Tabular.overview, Document.overview)
    assert kind.__repr__ is Tabular.__repr__


def test_results_name_what_they_hold(made: Made, tmp_path: Path) -> None:
    run = edgetl.Run(made.run)
    validation = Validation.of(run.folder)
    assert "model_int8.tflite" in repr(Exported.of(run.folder, sorted(run.folder.export.glob("*.tflite"))))
    assert repr(Completed(run, validation)).endswith(f"run: {made.run}")
    assert "rank 0" in repr(Completed(run, None))
    assert "card.md" in repr(run.card(tmp_path / "card"))
    assert "KiB" in run.report(tmp_path / "report.html")._repr_html_()
    facts = run.folder.facts("float", FloatFacts)
    assert "validation accuracy" in repr(Pretrained(tmp_path / "own.npz", made.run, "small_cnn", facts))
