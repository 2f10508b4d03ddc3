"""The command line in this process, and one finished run on a tiny real set, made by the command that users type."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetl import lock, log

ROOT = Path(__file__).resolve().parents[1]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background of a shell: what is started here would ignore Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture(autouse=True)
def unlocked() -> Iterator[None]:
    """What a test wrote is let go of, as at the end of a command."""
    yield
    log.end()
    lock.release_all()


def edgetl(*arguments: object, cwd: Path | None = None, timeout: float = 600) -> subprocess.CompletedProcess[str]:
    """Run `edgetl ARGS...` in a process of its own."""
    command = [sys.executable, "-m", "edgetl", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False, encoding="utf-8")


RECIPE = """
[data]
source = {source}
max_bad_fraction = 0.1
[model]
backbone = "efficientnet_lite0"
image_size = 32
[train]
head_epochs = 10
epochs = 2
batch_size = 16
learning_rate = 3e-4
[augment]
flip = false
crop_min_area = 0.8
[quantize]
epochs = 1
calibration_images = 32
[validation]
timed_runs = 5
warmup_runs = 2
"""


@pytest.fixture(scope="session")
def digit_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Handwritten noughts, ones and twos, 40 of each, as PNG files under a name with spaces and Unicode; one file is no image."""
    from edgetl.data.digits import find

    folder = tmp_path_factory.mktemp("data") / "Zahlen für 数字"
    items = find("digits").items
    for label in ("0", "1", "2"):
        (folder / label).mkdir(parents=True)
        for item in [item for item in items if item.class_name == label][:40]:
            (folder / label / f"{item.name.replace(':', ' ')}.png").write_bytes(item.read())
    (folder / "1" / "notes.png").write_text("not an image", encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Made:
    """A finished run, the recipe it was made from, and what the command printed."""

    run: Path
    recipe: Path
    outcome: CliResult


@pytest.fixture(scope="session")
def made(digit_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """`edgetl run` from nothing to a verdict."""
    folder = tmp_path_factory.mktemp("run")
    recipe, run = folder / "recipe ä.toml", folder / "a run"
    recipe.write_text(RECIPE.format(source=json.dumps(str(digit_folder), ensure_ascii=False)), encoding="utf-8")
    done = edgetl("run", recipe, "--out", run, "--json")
    return Made(run, recipe, CliResult(done.returncode, done.stdout, done.stderr))


@pytest.fixture
def run_copy(made: Made, tmp_path: Path) -> Path:
    """The finished run, to be broken."""
    copy = tmp_path / "copy"
    shutil.copytree(made.run, copy)
    return copy


@pytest.fixture(scope="session")
def bundled(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished run's bundle: int8 TFLite and int8 ONNX."""
    from edgetl.pipeline.project import Project
    from edgetl.pipeline.ship.bundle import bundle

    path = tmp_path_factory.mktemp("bundle") / "Zahlen für 数字.edgetl"
    bundle(Project.open(made.run), path, (), "", "", "Apache-2.0", None, force=False)
    return path


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


Classify = Callable[[Path, np.ndarray], dict[str, Any]]


@pytest.fixture(scope="session")
@one_process_at_a_time("mediapipe")
def mediapipe(tmp_path_factory: pytest.TempPathFactory) -> Classify:
    """What MediaPipe Tasks makes of a .tflite file and images uint8 [N, H, H, 3]: `predictions` (index, name, score) and `metadata`."""
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
