"""What README and the pages under docs/ show is run: quick commands on a finished run; the others, slow, with small trainings."""

import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests import pages
from tests.conftest import ONE_THREAD, CliResult, Made, python_program

ROOT = Path(__file__).resolve().parents[1]
# Commands that take a second or two on a finished run.
QUICK = {"bundle", "card", "compare", "devices", "env", "evaluate", "list", "predict", "runs", "show", "verify"}
TRAINS = re.compile(r"edgetl\.(train|run|pretrain|tune|import_model|learning_curve)\(")

# What the pages call things, and what stands for them. A page that needs another name has it here; image files are there by any name.
IMAGES = ("flowers", "photos")  # of the classes 0, 1 and 2
UNKNOWN = ("animals", "cars", "groceries", "insects", "leaves", "others")  # noise
RUNS = ("digits", "flowers", "flowers-wide", "photos")  # below runs/
BUNDLES = ("flowers.edgetl", "photos.edgetl")


@pytest.fixture
def place(made: Made, bundled: Path, digit_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory of a page's commands, with everything that they name."""
    for name in IMAGES:
        shutil.copytree(digit_folder, tmp_path / name)
    for name in UNKNOWN:
        (tmp_path / name).mkdir()
        for index in range(8):
            noise = np.random.default_rng(index).integers(0, 256, (32, 32, 3), np.uint8)
            Image.fromarray(noise).save(tmp_path / name / f"{index}.png")
    words = {word for page in pages.PAGES for block in pages.blocks(page) for word in re.findall(r"[\w./-]+\.(?:jpg|png)", block.text)}
    words = {word for word in words if not word.startswith(("/", "runs/"))}
    for name in words:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.open(next((digit_folder / "1").glob("digits*.png"))).convert("RGB").save(tmp_path / name)
    for name in RUNS:
        shutil.copytree(made.run, tmp_path / "runs" / name)
    for name in BUNDLES:
        shutil.copy(bundled, tmp_path / name)
    shutil.copy(made.recipe, tmp_path / "recipe.toml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _pages(wanted: Callable[[pages.Block], bool]) -> list[Path]:
    return [page for page in pages.PAGES if any(wanted(block) for block in pages.blocks(page))]


def _quick(block: pages.Block) -> list[list[str]]:
    """Return the quick commands of a block, for which nothing but a finished run is needed."""
    calls = pages.edgetl_commands(block)
    return [] if block.needs or any(words[0] not in QUICK or "--cv" in words for words in calls) else calls


@pytest.mark.parametrize("page", _pages(lambda block: bool(_quick(block))), ids=lambda page: page.stem)
def test_quick_commands_of_a_page_run(page: Path, place: Path, cli: Callable[..., CliResult]) -> None:
    for block in pages.blocks(page):
        for words in _quick(block):
            outcome = cli(*words)
            assert outcome.code == 0, f"{block}: edgetl {shlex.join(words)}\n{outcome.err}"


def _script(page: Path) -> str:
    """Return the Python blocks of a page, which are one program."""
    return "\n".join(block.text for block in pages.blocks(page) if block.language == "python" and not block.needs)


@pytest.mark.parametrize(
    "page", [page for page in pages.PAGES if (text := _script(page)) and not TRAINS.search(text)], ids=lambda page: page.stem
)
def test_quick_scripts_of_a_page_run(page: Path, place: Path) -> None:
    (place / "script.py").write_text(_script(page), encoding="utf-8")
    runpy.run_path("script.py")


# Any training has the network and the settings of `made`, whatever the page says, and takes seconds.
SMALLER = """
import sys
from edgetl import recipe
collected = recipe._collected
def smaller(*arguments, **named):
    values = collected(*arguments, **named)
    if sys.argv[1:2] != ["import"]:  # whose file brings its own network
        values["model"] |= {"backbone": "small_cnn", "alpha": 1.0, "image_size": 32, "weights": "none"}
    values["train"] |= {"head_epochs": 2, "epochs": 12, "learning_rate": 1e-2, "batch_size": 16, "again_below": 0, "unfreeze": "all"}
    values["augment"] |= {"flip": False, "crop_min_area": 0.8}
    values["quantize"] |= {"epochs": 1, "calibration_images": 96}
    return values
recipe._collected = smaller
"""
COMMAND = "from edgetl.cli.app import entry\nentry()"
SCRIPT = "import runpy\nrunpy.run_path(sys.argv[1])"


def _runs_slowly(block: pages.Block) -> bool:
    return block.language in pages.SHELL and not block.needs


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in pages.PAGES if page.name != "README.md" and TRAINS.search(_script(page))], ids=lambda page: page.stem
)
def test_scripts_of_a_page_that_train_run(page: Path, place: Path) -> None:
    (place / "script.py").write_text(_script(page), encoding="utf-8")
    command = [sys.executable, "-c", SMALLER + SCRIPT, "script.py"]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
@pytest.mark.parametrize("page", _pages(_runs_slowly), ids=lambda page: page.stem)
def test_all_commands_of_a_page_run(page: Path, place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    programs = tmp_path_factory.mktemp("programs")
    (programs / "edgetl").write_text(python_program(SMALLER + COMMAND), encoding="utf-8")
    (programs / "python").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n', encoding="utf-8")
    for program in programs.iterdir():
        program.chmod(0o755)
    environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    for name in ("benchmarks", "models"):
        (place / name).symlink_to(ROOT / name)
    for block in filter(_runs_slowly, pages.blocks(page)):
        command = ["bash", "-euo", "pipefail", "-c", block.text]
        done = subprocess.run(command, env=environment, cwd=place, capture_output=True, text=True, timeout=900, check=False)
        assert done.returncode == 0, f"{block}: {done.stderr[-3000:]}"


def test_the_script_of_the_readme_and_the_notebook_run(tmp_path: Path) -> None:
    """One after the other in one process and folder: the notebook's training is the script's, so it is done already.

    Three quarters of the digits are enough.
    """
    [script] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len([line for line in script.splitlines() if line]) <= 10
    notebook = json.loads((ROOT / "docs" / "quickstart.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    (tmp_path / "cells.json").write_text(json.dumps(cells), encoding="utf-8")
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    code = f"{FEWER}import runpy\nrunpy.run_path('script.py')\n{CELLS}"
    # With threads, as a reader runs it: on one thread sums are added up in another order, and so small a training may end elsewhere.
    environment = {name: value for name, value in os.environ.items() if name not in ONE_THREAD}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "runs").iterdir())) == 1
    first, *predictions, cells_shown = done.stdout.splitlines()
    assert first.startswith("passed")
    assert [line.split()[0] for line in predictions] == ["digits:7", "digits:42"]
    assert predictions[0].split()[1] == "7"
    shown = json.loads(cells_shown)
    assert len(shown) == len(cells)
    assert [index for index, html in enumerate(shown) if "<table" in html] == [0, 1, 2, 3, 4, 5], "results are tables"


# Let the set have 1400 digits.
FEWER = """
import sklearn.datasets as sets
digits, label_ids = sets.load_digits(return_X_y=True)
sets.load_digits = lambda **_: (digits[:1400], label_ids[:1400])
"""
# Run the cells as a notebook does: the last expression of each is shown, as HTML where it has that.
CELLS = """
import ast, json
names, shown = {}, []
for cell in json.load(open("cells.json", encoding="utf-8")):
    *body, last = ast.parse(cell).body
    exec(compile(ast.Module(body, []), "cell", "exec"), names)
    value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    shown.append(value._repr_html_() if hasattr(value, "_repr_html_") else repr(value))
print(json.dumps(shown))
"""
