"""The public Python API: names, settings, and a run as an object. Training through it is tested with the README's script."""

import inspect
import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from PIL import Image

import edgetl
from edgetl.api.results import Exported, Pretrained
from edgetl.api.settings import SHORT, Choices
from edgetl.api.training import Completed, Given
from edgetl.documents import Document
from edgetl.errors import RunError, UsageError
from edgetl.evaluation.validation import Validation
from edgetl.overview import Tabular
from edgetl.pipeline.newest import USES
from edgetl.recipe import load
from edgetl.run_folder import RunFolder
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
        assert f"\n    {name}: " in (inspect.getdoc(Choices) or ""), f"{name} is not documented"


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
    assert "runs/validated, the newest that can be used; newer ones cannot:\n  runs/begun has not finished its 'data' stage" in caplog.text
    with pytest.raises(UsageError, match="runs are not opened for 'exprt'"):
        edgetl.newest(for_="exprt")
    (tmp_path / "runs" / "validated").unlink()
    with pytest.raises(RunError, match="no run under runs/ can be used for 'bundle':\n  runs/begun has not finished"):
        edgetl.newest(for_="bundle")


@pytest.mark.parametrize("use", USES)
def test_a_use_of_a_run_is_a_method(use: str) -> None:
    assert use == "show" or callable(getattr(edgetl.Run, use))


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
    shown = repr(Pretrained(tmp_path / "own.npz", made.run, "small_cnn", facts))
    assert "accuracy on 29 held-out images, of which one is 3.4 points" in shown


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda run: run.export(precision=["int8"]), "there is no option 'precision'"),
        (lambda run: run.export(precisions="int7"), "unknown precision 'int7'"),
        (lambda run: run.export(formats=[3]), "formats cannot be 3"),
        (lambda run: run.export(onnx_style="x"), "'x'"),
        (lambda run: run.validate(limit=-3), "limit cannot be -3"),
        (lambda run: run.validate(limit="many"), "limit cannot be 'many'"),
        (lambda run: run.evaluate(split="tst"), "'tst'"),
        (lambda run: run.evaluate(folds=True), "folds cannot be True"),
        (lambda run: run.sensitivity(limit=-1), "limit cannot be -1"),
        (lambda run: run.benchmark(threads=0), "threads cannot be 0"),
        (lambda run: run.benchmark(run=1), "there is no option 'run'"),
        (lambda run: run.benchmark(devices="lokal"), "'lokal'"),
        (lambda run: run.bundle(model="x"), "there is no option 'model'"),
        (lambda run: run.ship("linx", out="app"), "'linx'"),
        (lambda run: run.report(form="doc"), "there is no format 'doc'"),
        (lambda run: run.explain([]), "no image was named"),
        (lambda run: edgetl.explain("digits:x", run), "digits:x"),
        (lambda run: edgetl.benchmark(3), "a model cannot be"),
        (lambda run: edgetl.compare([run]), "two or more"),
        (lambda run: edgetl.compare(str(run.path)), "two or more"),
        (lambda run: edgetl.load(3), "a path cannot be 3"),
        (lambda run: edgetl.load(run, threads=0), "threads cannot be 0"),
        (lambda run: edgetl.load(run).predict(5), "image 0 is not an image: int"),
        (lambda run: edgetl.load(run).predict(None), "image 0 is not an image: NoneType"),
        (lambda run: edgetl.load(run).predict("none.png"), "none.png"),
        (lambda run: edgetl.Run(3), "a path cannot be 3"),
        (lambda run: edgetl.newest(for_=3), "for_ cannot be 3"),
        (lambda run: edgetl.verify("none.edgetl"), "none.edgetl"),
        (lambda run: edgetl.pack("digits", "packed", shards=-1), "shards cannot be -1"),
        (lambda run: edgetl.learning_curve("digits", seeds=0), "seeds cannot be 0"),
        (lambda run: edgetl.train("digits", epochs="many"), "train.epochs"),
        (lambda run: edgetl.train("digits", settings=5), "settings cannot be 5"),
        (lambda run: edgetl.train("digits", baseline="x"), "no baseline 'x'"),
        (lambda run: edgetl.train("digits", recipe="none.toml"), "none.toml"),
        (lambda run: edgetl.tune("digits", trials=0), "trials cannot be 0"),
        (lambda run: edgetl.tune("nothing here"), "nothing here"),
        (lambda run: edgetl.tune("digits", latency_budget_ms=-1), "latency_budget_ms cannot be -1"),
        (lambda run: edgetl.doctor("no such folder"), "no such folder"),
        (lambda run: edgetl.doctor(3), "data cannot be 3"),
        (lambda run: edgetl.train(None), "data cannot be None"),
        (lambda run: edgetl.train(), "no data was given"),
        (lambda run: edgetl.train("x" * 5000), "there is no folder"),
        (lambda run: edgetl.train("digits", quick=True), "the default recipe has no table [quick]"),
        (lambda run: edgetl.train("digits", recipe=3), "a path cannot be 3"),
        (lambda run: edgetl.train("digits", baseline=3), "baseline cannot be 3"),
        (lambda run: edgetl.train("digits", settings={1: 2}), "settings cannot be {1: 2}"),
        (lambda run: edgetl.train("digits", out="a\0b"), "a path cannot be 'a\\x00b'"),
        (lambda run: edgetl.run(3), "a path cannot be 3"),
        (lambda run: edgetl.pretrain("digits", out=3), "a path cannot be 3"),
        (lambda run: edgetl.pack("digits", 3), "out cannot be 3"),
        (lambda run: edgetl.tune("digits", device=3), "device cannot be 3"),
        (lambda run: edgetl.ship_bundle(run, 3, out="app"), "target cannot be 3"),
        (lambda run: edgetl.load("none.tflite"), "there is nothing at none.tflite"),
        (lambda run: edgetl.load("x" * 5000), "there is nothing at x"),
        (lambda run: edgetl.Run("x" * 5000), "there is no run at"),
        (lambda run: edgetl.train("digits", out="x" * 5000), "cannot write in x"),
        (lambda run: edgetl.load(run).predict("digits:7")[0].top(-1), "count cannot be -1"),
        (lambda run: run.benchmark(cpu_mask=3), "cpu_mask cannot be 3"),
        (lambda run: run.benchmark(images="x"), "images cannot be 'x'"),
        (lambda run: run.bundle("x.edgetl", name=3), "name cannot be 3"),
        (lambda run: run.report(3), "a path cannot be 3"),
        (lambda run: run.report(form=3), "form cannot be 3"),
        (lambda run: run.evaluate(split=3), "split cannot be 3"),
    ],
)
def test_mistakes_are_errors_of_ours(
    call: Callable[[edgetl.Run], object], problem: str, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(edgetl.EdgetlError) as failure:
        call(edgetl.Run(made.run))
    assert problem in failure.value.problem
    assert not list(tmp_path.iterdir())


def test_a_run_stands_for_its_path(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = edgetl.Run(made.run)
    assert Path(run) == made.run
    with pytest.raises(edgetl.EdgetlError, match="no device 'none'"):
        edgetl.benchmark(run, devices=["none"])


def test_images_in_the_current_folder_are_not_used_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for index in range(4):
            Image.new("RGB", (8, 8), (index, 0, 0)).save(tmp_path / name / f"{index}.png")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(edgetl.EdgetlError, match="no data was given"):
        edgetl.train(backbone="small_cnn", image_size=32, weights="none")


STATE = """
import logging, os, random, signal, sys, threading, warnings
import matplotlib, numpy, PIL.Image, PIL.ImageFile

def state():
    loggers = logging.getLogger(), logging.getLogger("edgetl")
    return {
        "logging": [(list(map(repr, one.handlers)), one.level, one.propagate) for one in loggers],
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGCHLD)],
        "hooks": (sys.gettrace(), sys.getprofile(), sys.excepthook, sys.displayhook, threading.excepthook),
        "folder": os.getcwd(),
        "threads": threading.active_count(),
        "NumPy": numpy.geterr(),
        "matplotlib": dict(matplotlib.rcParams),
        "Pillow": (PIL.Image.MAX_IMAGE_PIXELS, PIL.ImageFile.LOAD_TRUNCATED_IMAGES),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
    }

def imported():  # what only a training changes, too
    return state() | {"environment": dict(os.environ), "warnings": list(warnings.filters), "path": list(sys.path),
        "random": (random.getstate(), numpy.random.get_state()[1].tolist())}

before = imported()
before["environment"]["ORT_DISABLE_TELEMETRY"] = "1"
import edgetl
for name in edgetl.__all__:
    getattr(edgetl, name)
assert imported() == before
before, environment = state(), set(os.environ)
run = edgetl.Run(sys.argv[1])
run.export(precisions=["int8"])
run.validate(limit=20)
run.report("report.html")
edgetl.load(run).predict("digits:1")
edgetl.benchmark([run.path / "export" / "model_int8.tflite"], runs=1, warmup=0)
after = state()
assert after == before, {name: (before[name], after[name]) for name in before if before[name] != after[name]}
ours = {"TF_USE_LEGACY_KERAS", "TF_CPP_MIN_LOG_LEVEL", "HDF5_PLUGIN_PATH"}
of_tensorflow = {"TF2_BEHAVIOR", "KMP_INIT_AT_FORK", "KMP_DUPLICATE_LIB_OK", "TPU_ML_PLATFORM", "TPU_ML_PLATFORM_VERSION"}
print(set(os.environ) - environment - ours - of_tensorflow - {"ENABLE_RUNTIME_UPTIME_TELEMETRY"})
"""

NAMED = ("ORT_DISABLE_TELEMETRY", "TF_USE_LEGACY_KERAS", "TF_CPP_MIN_LOG_LEVEL", "HDF5_PLUGIN_PATH", "random generators")


def test_nothing_is_left_in_the_process_but_what_the_documentation_names(run_copy: Path, tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("TF_", "HDF5_", "ORT_"))}
    command = [sys.executable, "-c", STATE, str(run_copy)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "set()"
    page = (ROOT.parent / "docs" / "python-api.md").read_text(encoding="utf-8")
    assert all(name in page for name in NAMED)


def test_a_program_that_uses_the_api_type_checks(tmp_path: Path) -> None:
    """The names that load when used have their types, and those that are not there are mistakes."""
    assert (ROOT / "py.typed").is_file()
    good = """
from pathlib import Path
import edgetl
from edgetl import load, train

run: edgetl.Run = train("digits", backbone="small_cnn", epochs=1)
exported = run.export(precisions=["int8"])
size: int = exported.files[0].size_bytes
passed: bool = run.validate(limit=10).passed
name: str = load(run).predict(Path("a.png"))[0].class_name
best: Path | None = edgetl.tune("digits", trials=1).recipe
curve: str = edgetl.learning_curve("digits").curve.summary()
"""
    (tmp_path / "good.py").write_text(good)
    (tmp_path / "bad.py").write_text("import edgetl\nedgetl.train('digits', epoch=1)\nedgetl.Run('a').bundle(name=3)\nedgetl.trian\n")
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = True\n[mypy-edgetl.*]\nfollow_imports = silent\n")
    command = [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "--no-error-summary", "--no-site-packages", "good.py", "bad.py"]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "MYPYPATH": str(ROOT.parent)}, capture_output=True, text=True, timeout=300, check=False
    )
    lines = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert [line.split(":")[:2] for line in lines] == [["bad.py", "2"], ["bad.py", "3"], ["bad.py", "4"]], done.stdout + done.stderr
