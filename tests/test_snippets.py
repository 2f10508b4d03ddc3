"""What README and the pages under docs/ show is run: quick commands on a finished run; everything, slow, with small trainings."""

import contextlib
import doctest
import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import edgetl
from edgetl.pipeline.predict import Classifier
from tests import needs, pages
from tests.conftest import ONE_THREAD, CliResult, Made
from tests.terminal import LIMIT_S, NETWORKS, Terminal, lay_clone, lay_environment, lay_files, may_end_with

ROOT = Path(__file__).resolve().parents[1]
SHOWN = [*pages.PAGES, ROOT / "docs" / "cli.md"]
# Commands that take a second or two on a finished run.
QUICK = {"bundle", "card", "compare", "devices", "env", "evaluate", "list", "predict", "runs", "show", "verify"}
# What trains, or reads what a command before it has written.
SLOW = re.compile(r"edgetl\.(train|run|pretrain|tune|import_model|learning_curve)\(|\bopen\(")

# What the pages call things, and what stands for them. A page that needs another name has it here; image files are there by any name.
IMAGES = ("flowers", "photos")  # of the classes 0, 1 and 2
UNKNOWN = ("animals", "cars", "groceries", "insects", "leaves", "others")  # noise
RUNS = ("digits", "flowers", "flowers-wide", "photos")  # below runs/
BUNDLES = ("flowers.edgetl", "photos.edgetl")
FILES = ("mobilenet.onnx", "mobilenetv4.onnx", "resnet.onnx")  # a network as others export it
KERAS_FILES = ("keras_model.h5", "model.keras")
# Sequentials in a Sequential, as Teachable Machine exports them; inputs in -1..1, and as many classes as `flowers` has.
KERAS_MODEL = """
import os, sys
os.environ["TF_USE_LEGACY_KERAS"] = "1"
import numpy as np
from PIL import Image
from pathlib import Path
from tf_keras import Sequential, layers, utils
utils.set_random_seed(0)
files = sorted(Path("flowers").glob("*/digits*.png"))
images = np.stack([np.asarray(Image.open(file).convert("RGB").resize((32, 32)), np.float32) / 127.5 - 1 for file in files])
label_ids = np.array([int(file.parent.name) for file in files])
features = [layers.Conv2D(8, 5, strides=2, activation="relu", input_shape=(32, 32, 3)), layers.Conv2D(16, 5, strides=2, activation="relu")]
head = [layers.Dense(16, activation="relu", input_shape=(16,)), layers.Dense(3, activation="softmax")]
model = Sequential([Sequential([*features, layers.GlobalAveragePooling2D()]), Sequential(head)])
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(images, label_ids, epochs=30, verbose=0)
model.save(sys.argv[1])
"""
GRADLE = 'plugins {\n    alias(libs.plugins.androidApplication)\n}\nandroid {\n    namespace = "org.example.shop"\n}\n'
# Commands in a text that another test runs, with what they need.
ELSEWHERE = {
    "edgetl run models/small_cnn_digits/recipe.toml --quick": "tests/test_models.py",
    "edgetl verify flowers.edgetl --require-signature release.key.pub": "docs/cli.md, behind the key",
}
NEEDED_BY = {"--delegate gpu": "a GPU", "--target web": "npm"}


@pytest.fixture
def place(made: Made, bundled: Path, digit_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory of a page's commands, with everything that they name."""
    place = tmp_path / "here"
    place.mkdir()
    for name in IMAGES:
        shutil.copytree(digit_folder, place / name, ignore=shutil.ignore_patterns("notes.png"))  # which is no image
    for name in UNKNOWN:
        (place / name).mkdir()
        for index in range(8):
            noise = np.random.default_rng(index).integers(0, 256, (32, 32, 3), np.uint8)
            Image.fromarray(noise).save(place / name / f"{index}.png")
    words = {word for page in SHOWN for block in pages.blocks(page) for word in re.findall(r"[\w./-]+\.(?:jpg|png)", block.text)}
    words = {word for word in words if not word.startswith(("/", "runs/"))}
    for name in words:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        Image.open(next((digit_folder / "1").glob("digits*.png"))).convert("RGB").save(place / name)
    for name in RUNS:
        shutil.copytree(made.run, place / "runs" / name)
    for name in BUNDLES:
        shutil.copy(bundled, place / name)
    (place / "recipe.toml").write_text(made.recipe.read_text(encoding="utf-8") + "[quick.train]\nepochs = 1\n", encoding="utf-8")
    monkeypatch.chdir(place)
    return place


def _quick(block: pages.Block) -> list[list[str]]:
    """Return the quick commands of a block, for which nothing but a finished run is needed."""
    calls = pages.edgetl_commands(block)
    return [] if block.needs or any(words[0] not in QUICK or "--cv" in words for words in calls) else calls


@pytest.mark.parametrize("page", [page for page in pages.PAGES if any(map(_quick, pages.blocks(page)))], ids=lambda page: page.stem)
def test_quick_commands_of_a_page_run(page: Path, place: Path, cli: Callable[..., CliResult]) -> None:
    for block in pages.blocks(page):
        for words in _quick(block):
            outcome = cli(*words)
            assert outcome.code == 0, f"{block}: edgetl {shlex.join(words)}\n{outcome.err}"


def _script(page: Path) -> str:
    """Return the Python blocks of a page, which are one program."""
    return "\n".join(block.text for block in pages.blocks(page) if block.language == "python" and not block.needs)


@pytest.mark.parametrize(
    "page", [page for page in pages.PAGES if (text := _script(page)) and not SLOW.search(text)], ids=lambda page: page.stem
)
def test_quick_scripts_of_a_page_run(page: Path, place: Path) -> None:
    (place / "script.py").write_text(_script(page), encoding="utf-8")
    runpy.run_path("script.py")


def _docstrings() -> Iterator[str]:
    """Yield what the page Python API is made of."""
    for value in (*(getattr(edgetl, name) for name in edgetl.__all__), Classifier):
        yield value.__doc__ or ""
        yield from (one.__doc__ or "" for one in vars(value).values() if callable(one)) if isinstance(value, type) else ()


EXAMPLES = [example.source for text in _docstrings() for example in doctest.DocTestParser().get_examples(text)]


def _is_shown_to_be_run(block: pages.Block) -> bool:
    return block.language in (*pages.SHELL, "python", "yaml")


def _ordered(page: Path) -> list[pages.Block]:
    """Return the blocks of a page as a reader meets them; the examples of commands stand in their alphabet, but a key is made first."""
    return sorted(filter(_is_shown_to_be_run, pages.blocks(page)), key=lambda block: "edgetl keygen" not in block.text)


def _complete(page: Path) -> list[str]:
    """Return the commands in a page's text that can be typed as they stand there: with arguments, none of which stands for another."""
    found = [words for words in pages.inline_commands(page) if len(words) > 1 and not words[1].startswith("--")]
    texts = [shlex.join(["edgetl", *words]) for words in found if not re.search(r"\b[A-Z]{2,}\b", " ".join(words))]
    return [text for text in dict.fromkeys(texts) if text not in ELSEWHERE]


@pytest.fixture
def terminal(place: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Return a terminal in a clone, in which everything is that the page names."""
    page: Path = request.node.callspec.params.get("page", ROOT / "docs" / "python-api.md")
    programs = tmp_path / "programs"
    programs.mkdir()
    lay_clone(place)
    lay_files(place, [(block.language, block.text) for block in pages.blocks(page)])
    terminal = Terminal(place, programs, page.stem)
    if page.name == "README.md":  # what `make` installs is there
        lay_environment(place, programs)
        monkeypatch.setenv("ARGS", "tests/test_language.py")
        monkeypatch.setenv("WORKERS", "0")
    if any("qemu" in block.needs for block in pages.blocks(page)):
        with contextlib.suppress(pytest.skip.Exception):  # then the page runs without it
            arm64 = request.getfixturevalue("arm64")
            for key, name in (("ROOT", "root"), ("SITE", "site"), ("QEMU", "qemu-aarch64")):
                monkeypatch.setenv(f"EDGETL_ARM64_{key}", str(arm64 / name))
    if page.stem in NETWORKS:
        shutil.rmtree(place / "runs/flowers")
        done = terminal.typed("edgetl train flowers/ --out runs/flowers")
        assert done.returncode == 0, done.stderr
    text = page.read_text(encoding="utf-8") + "".join(EXAMPLES)
    for name in FILES:
        shutil.copy(place / "runs/photos/export/model_float32.onnx", place / name)
    for name in KERAS_FILES:
        if name in text:
            done = terminal.typed(f"python -c {shlex.quote(KERAS_MODEL)} {name}")
            assert done.returncode == 0, done.stderr
    if "scenes/list.csv" in text and "composed.py" not in text:  # another page makes them
        done = terminal.typed("python benchmarks/composed.py flowers/ scenes/ --images 120 --size 32")
        assert done.returncode == 0, done.stderr
    (tmp_path / "my-app" / "app").mkdir(parents=True)
    (tmp_path / "my-app" / "app" / "build.gradle.kts").write_text(GRADLE, encoding="utf-8")
    return terminal


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in SHOWN if _ordered(page) or _complete(page)], ids=lambda page: page.stem)
def test_everything_that_a_page_shows_runs(page: Path, terminal: Terminal) -> None:
    """In the order of the page, as in one terminal; then the complete commands in its text.

    What needs something that is not here fails without it, or its mark is not true.
    """
    complaints = []
    for block in _ordered(page):
        missing = [need for need in block.needs if not needs.is_here(need)]
        for text in pages.steps(block) if block.language == "yaml" else [block.text]:
            limit_s = LIMIT_S if not missing else LIMIT_S // 12
            done = terminal.program(text) if block.language == "python" else terminal.typed(text, limit_s)
            complaints += _complaints(f"{block}: {text}", done, missing)
    for text in _complete(page):
        missing = [need for words, need in NEEDED_BY.items() if words in text and not needs.is_here(need)]
        complaints += _complaints(f"{page.name}: {text}", terminal.typed(text), missing)
    assert not complaints, "\n\n".join(complaints)


def _complaints(what: str, done: "subprocess.CompletedProcess[str]", missing: list[str]) -> list[str]:
    if missing:
        return [] if done.returncode else [f"{what} runs without {', '.join(missing)}"]
    return [] if done.returncode in may_end_with(what) else [f"{what}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"]


@pytest.mark.slow
@pytest.mark.parametrize("source", EXAMPLES, ids=lambda source: source.split("(")[0].split("edgetl.")[-1])
def test_the_examples_of_the_python_api_run(source: str, terminal: Terminal) -> None:
    done = terminal.program(f"import edgetl\n{source}")
    assert done.returncode == 0, f"{source}\n{done.stderr[-3000:]}"


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
from edgetl.data import digits
rows = digits._rows()[:1400]
digits._rows = lambda: rows
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
