"""The command line in this process, and one finished run on a tiny real set, made by the command that users type."""

import fcntl
import gc
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background of a shell: what is started here would ignore Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)

ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}
if "PYTEST_XDIST_WORKER" in os.environ:  # the processes share the cores already: threads of each beside that cost a twelfth of the time
    os.environ |= ONE_THREAD

gc.set_threshold(200_000, 20, 20)  # TensorFlow's million objects are looked through at each collection: a twentieth of all tests' time


# Folders whose tests share what a session builds.
SHARING = ("tests/export", "tests/backbones", "tests/quantization")
# What takes longest, of files with few tests too, which xdist has last; it begins first, so that at the end no process waits for another.
LONGEST = (
    *("tests/export", "tests/pipeline/test_pipeline.py", "tests/backbones", "tests/devices/test_qemu.py", "tests/quantization"),
    *("tests/training/test_team.py", "tests/test_snippets.py", "tests/explanation/test_drift.py", "tests/training/test_finetune.py"),
    *("tests/pipeline/train/test_rejection.py", "tests/devices/test_browser.py", "tests/training/test_trials.py"),
    *("tests/pipeline/train/test_pretrain.py", "tests/test_faults.py", "tests/pipeline/tune/test_search.py"),
    *("tests/ship/targets/test_several.py", "tests/ship/targets/test_web_accelerators.py", "tests/pipeline/tune/test_memory.py"),
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each process complete files, and complete folders where their tests share what a session builds; the longest first."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            return next((folder for folder in SHARING if file.startswith(f"{folder}/")), file)

        def _assign_work_unit(self, node: Any) -> None:
            longest = next((scope for scope in LONGEST if scope in self.workqueue), None)
            if longest:
                self.workqueue.move_to_end(longest, last=False)
            super()._assign_work_unit(node)

    return Scheduling(config, log)


def python_program(text: str) -> str:
    """Return a Python program as an executable file holds it: a line that begins with #! takes no path with spaces."""
    return f"#!/bin/sh\n''''exec {shlex.quote(sys.executable)} \"$0\" \"$@\" #'''\n{text}\n"


@dataclass(frozen=True)
class CliResult:
    """What a command left: its exit code, stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., CliResult]:
    """Run `edgetl ARGS...` in this process."""

    def run(*arguments: object) -> CliResult:
        from edgetl.cli.app import main

        monkeypatch.setattr(sys, "argv", ["edgetl", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return CliResult(code, captured.out, captured.err)

    return run


def edgetl(*arguments: object, cwd: Path | None = None, timeout: float = 600) -> subprocess.CompletedProcess[str]:
    """Run `edgetl ARGS...` in a process of its own."""
    command = [sys.executable, "-m", "edgetl", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False, encoding="utf-8")


RECIPE = """
[data]
source = {source}
max_bad_fraction = 0.1
[model]
{model}
image_size = 32
[train]
{train}
batch_size = 16
again_below = 0
[augment]
flip = false
crop_min_area = 0.8
[quantize]
epochs = 1
calibration_images = 32
{quantize}
[reject]
keep = 0
[export]
precisions = {precisions}
[validation]
timed_runs = 5
warmup_runs = 2
"""
# Runs that name every image: what rejects is tested in tests/pipeline/train/test_rejection.py.
# A fifth of the time of EfficientNet-Lite0, and it learns the digits from nothing.
SMALL = {
    "model": 'backbone = "small_cnn"\nweights = "none"',
    "train": "head_epochs = 2\nepochs = 8\nlearning_rate = 1e-2",
    "quantize": "qat = true",
    "precisions": '["float32", "float16", "int8"]',
}
# One way to find ranges, no training with quantization and two precisions: the others take two thirds of its time. The other run trains
# with quantization, tests/quantization does so with blocks of a real network, and tests/test_models.py (slow) with whole ones.
PRETRAINED = {
    "model": 'backbone = "efficientnet_lite0"',
    "train": "head_epochs = 10\nepochs = 5\nlearning_rate = 1e-3\nunfreeze = '4-blocks'",
    "quantize": 'ranges = "minmax"\nqat = false',
    "precisions": '["float32", "int8"]',
}


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of this session that all of its worker processes see."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def write_record(path: Path, record: Any) -> None:
    """Put a record, changed by hand, in the place of another file; a file that is linked to it elsewhere stays."""
    from edgetl.files import atomic

    with atomic(path) as temporary:
        temporary.write_text(json.dumps(record), encoding="utf-8")


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """Return the folder, filled by the first process that asks for it; the others wait and find it."""
    with folder.with_name(f"{folder.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = folder.with_name(f"{folder.name}.done")
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a process that failed
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def digit_folder(shared_folder: Path) -> Path:
    """Return PNG files of noughts, ones and twos, 40 of each, under a name with spaces and Unicode; one file is no image.

    All processes read it: a test that changes images takes `own_images`.
    """
    from edgetl.data.digits import find

    def make(folder: Path) -> None:
        items = find("digits").items
        for class_name in ("0", "1", "2"):
            (folder / NAME / class_name).mkdir(parents=True)
            for item in [item for item in items if item.class_name == class_name][:40]:
                (folder / NAME / class_name / f"{item.name.replace(':', ' ')}.png").write_bytes(item.read())
        (folder / NAME / "1" / "notes.png").write_text("not an image", encoding="utf-8")

    return made_once(shared_folder / "digits", make) / NAME


NAME = "Zahlen für 数字"


@dataclass(frozen=True)
class Made:
    """A finished run, the recipe it was made from, and what the command printed."""

    run: Path
    recipe: Path
    outcome: CliResult


def _run_recipe(folder: Path, source: Path, settings: dict[str, str]) -> None:
    recipe = RECIPE.format(source=json.dumps(str(source), ensure_ascii=False), **settings)
    (folder / "recipe ä.toml").write_text(recipe, encoding="utf-8")
    done = edgetl("run", folder / "recipe ä.toml", "--out", folder / "a run", "--json")
    (folder / "outcome.json").write_text(json.dumps([done.returncode, done.stdout, done.stderr]), encoding="utf-8")


def _made(folder: Path) -> Made:
    outcome = CliResult(*json.loads((folder / "outcome.json").read_text(encoding="utf-8")))
    return Made(folder / "a run", folder / "recipe ä.toml", outcome)


@pytest.fixture(scope="session")
def made(digit_folder: Path, shared_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Return what `edgetl run` makes, from nothing to a verdict, with a small network; each process has a copy, and its lock."""
    folder = made_once(shared_folder / "made", lambda folder: _run_recipe(folder, digit_folder, SMALL))
    return _made(shutil.copytree(folder, tmp_path_factory.mktemp("run") / "made"))


@pytest.fixture(scope="session")
def pretrained(digit_folder: Path, shared_folder: Path) -> Made:
    """Return the same of EfficientNet-Lite0 with its ImageNet weights: what takes real blocks or transfer learning."""
    return _made(made_once(shared_folder / "pretrained", lambda folder: _run_recipe(folder, digit_folder, PRETRAINED)))


@pytest.fixture
def few_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the embedded set of digits have its first 600 alone, a third."""
    from edgetl.data import digits

    rows = digits._rows()[:600]
    monkeypatch.setattr(digits, "_rows", lambda: rows)


@pytest.fixture
def own_images(made: Made, digit_folder: Path, run_copy: Path, tmp_path: Path) -> Made:
    """Return `run_copy` and its recipe with a copy of the images, `tmp_path / NAME`, to be changed."""
    folder, recipe = tmp_path / NAME, tmp_path / "recipe.toml"
    shutil.copytree(digit_folder, folder)
    for file, written in ((made.recipe, recipe), (run_copy / "run.json", run_copy / "run.json")):
        text = file.read_text(encoding="utf-8")
        old, new = (json.dumps(str(path), ensure_ascii=False) for path in (digit_folder, folder))
        assert old in text
        written.write_text(text.replace(old, new), encoding="utf-8")
    return Made(run_copy, recipe, made.outcome)


@pytest.fixture
def run_copy(made: Made, tmp_path: Path) -> Path:
    """The finished run, to be broken."""
    copy = tmp_path / "copy"
    shutil.copytree(made.run, copy)
    return copy


@pytest.fixture(scope="session")
def bundled(made: Made, shared_folder: Path) -> Path:
    """Return the finished run's bundle: int8 TFLite and int8 ONNX."""
    from edgetl.pipeline.project import Project
    from edgetl.pipeline.ship.bundle import BundleRequest, bundle

    name = f"{NAME}.edgetl"
    make = lambda folder: bundle(Project.open(made.run), folder / name, BundleRequest(licence="Apache-2.0"))  # noqa: E731
    return made_once(shared_folder / "bundle", make) / name


@contextmanager
def one_process_at_a_time(name: str) -> Iterator[None]:
    """While build/NAME is made; whoever comes second finds it there."""
    (ROOT / "build").mkdir(exist_ok=True)
    with (ROOT / "build" / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
@one_process_at_a_time("arm64")
def arm64() -> Path:
    """What benchmarks/arm64_root.sh makes."""
    folder = ROOT / "build" / "arm64"
    command = [str(ROOT / "benchmarks" / "arm64_root.sh"), str(folder)]
    done = subprocess.run(command, env=os.environ | {"PYTHON": sys.executable}, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        pytest.skip(f"cannot make the arm64 root: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Return where data lie that a developer may have beside the checkout, in ../shared/data/NAME; CONTRIBUTING.md lists them."""

    def find(name: str) -> Path:
        path = ROOT.parent / "shared" / "data" / name
        if not path.exists():
            pytest.skip(f"there is no ../shared/data/{name} beside the checkout")
        return path

    return find


Classify = Callable[[Path, np.ndarray], dict[str, Any]]


@pytest.fixture(scope="session")
@one_process_at_a_time("mediapipe")
def mediapipe(tmp_path_factory: pytest.TempPathFactory) -> Classify:
    """What MediaPipe Tasks makes of a .tflite file and images uint8 [N, H, H, 3].

    The best `predictions` (index, name, score), `all` of them (index, score), and `metadata`.
    """
    tests = Path(__file__).resolve().parent
    folder, pins = tests.parent / "build" / "mediapipe", tests / "export" / "mediapipe.txt"
    python, stamp = folder / "bin" / "python", folder / pins.name
    if not stamp.is_file() or stamp.read_bytes() != pins.read_bytes():  # 650 MB, a quarter of a minute, once
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "-r", str(pins)]
        for command in ([sys.executable, "-m", "venv", "--clear", str(folder)], pip):
            done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
            if done.returncode:
                pytest.skip(f"cannot make an environment with MediaPipe: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
        shutil.copy(pins, stamp)

    def classify(model: Path, pixels: np.ndarray) -> dict[str, Any]:
        images = tmp_path_factory.mktemp("mediapipe") / "images.bin"
        images.write_bytes(pixels.tobytes())
        command = [str(python), str(tests / "export" / "with_mediapipe.py"), str(model), str(images), str(pixels.shape[1])]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, encoding="utf-8")
        assert done.returncode == 0, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    return classify


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Escape halves of characters in what a test logged: pytest-xdist ends the whole run over one that UTF-8 cannot hold."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report
