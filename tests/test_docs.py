"""The README names what there is, its commands and its script run, and the generated pages are current."""

import json
import os
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from edgetl.cli.app import _COMMANDS, app
from edgetl.cli.list_names import _registries
from tests.conftest import ONE_THREAD, CliResult

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = README + (ROOT / "docs" / "none-and-several.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGES, re.DOTALL)
LINES = [line.split("#")[0].strip() for block in BLOCKS for line in block.splitlines() if line.split("#")[0].strip()]


@pytest.mark.parametrize("name", [*_COMMANDS, *(name for registry in _registries().values() for name in registry)])
def test_everything_with_a_name_is_in_the_readme(name: str) -> None:
    assert re.search(rf"`(?:edgetl )?{name}[`\s]", README), f"README does not name {name}"


def test_the_readme_shows_each_command_with_its_own_words() -> None:
    rows = re.findall(r"^\| `edgetl ([\w-]+)(.*?)` \| (.*) \|$", README, re.MULTILINE)
    assert {name for name, _, _ in rows} | {"keygen"} == set(_COMMANDS)
    for name, arguments, text in rows:
        for option in re.findall(r"--[\w-]+", arguments):
            assert option in _options(name), f"edgetl {name} has no {option}"
        named = set(re.findall(r"(?<![`\w])`(--[\w-]+)[ `]", text))
        assert named <= _options(name), f"edgetl {name} has no {sorted(named - _options(name))}"


def _options(command: str) -> set[str]:
    parsed = typer.main.get_command(app).commands[command]  # type: ignore[attr-defined]
    return {option for parameter in parsed.params for option in (*parameter.opts, *parameter.secondary_opts)}


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("edgetl ")])
def test_commands_of_the_readme_parse(cli: Callable[..., CliResult], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is: each must get as far as missing its images, recipe, run or baseline, not fail over its own words."""
    monkeypatch.chdir(tmp_path)
    name, *arguments = shlex.split(line)[1:]
    given = {word.partition("=")[0] for word in arguments if word.startswith("--")}
    assert given <= _options(name), f"{line}: there is no {sorted(given - _options(name))}"
    outcome = cli(name, *arguments)
    if line == "edgetl devices":  # needs nothing
        assert outcome.code == 0
        return
    missing = {
        2: "there is no recipe|is not a baseline|no weights|there is no folder",
        3: "there is no folder",
        5: "is not a run|there is no",
        12: "there is no model",
    }
    assert outcome.code in missing, outcome.err
    assert re.search(missing[outcome.code], outcome.err), outcome.err
    assert not re.search("No such option|did you mean '--|unknown;|there is no setting", outcome.err)


def test_make_targets_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for line in LINES:
        if line.startswith("make "):
            assert re.search(rf"^{line.split()[1]}:", makefile, re.MULTILINE)


def test_the_recipe_of_the_readme_is_one() -> None:
    import tomllib

    from edgetl.recipe import check, resource

    values = tomllib.loads(resource("defaults.toml"))
    for table, settings in tomllib.loads(re.findall(r"```toml\n(.*?)```", README, re.DOTALL)[0]).items():
        values[table] |= settings
    check(values)


def test_the_project_speaks_of_itself_alone() -> None:
    """Nothing that is shipped names the place it was made in."""
    shipped = [
        path
        for pattern in ("edgetl/**/*", "*.md", "*.toml", "Makefile", "constraints.txt")
        for path in ROOT.glob(pattern)
        if path.is_file()
    ]
    for path in shipped:
        if path.suffix in {".py", ".toml", ".md", ".txt", ""} and "__pycache__" not in path.parts:
            assert not re.search(r"\.\./shared|/work/|/tmp/", path.read_text(encoding="utf-8")), path


def test_each_option_says_what_it_does_in_a_sentence() -> None:
    """It begins with a verb, which nothing here can tell; but none begins with "Of" or ends in the middle."""
    for name in _COMMANDS:
        for parameter in typer.main.get_command(app).commands[name].params:  # type: ignore[attr-defined]
            if parameter.name != "help":
                text = parameter.help or ""
                assert re.fullmatch(r"(?s)[A-Z][\w-]+ .*[.)]", text), f"edgetl {name} {parameter.name}: {text!r}"
                assert not re.match(r"(Of|For|As|That|What|Left|See|In|An?|The)\b", text), f"edgetl {name} {parameter.name}: {text!r}"
                assert "left out:" not in text.lower()


@pytest.mark.parametrize(("page", "make"), [("cli.md", "cli"), ("python-api.md", "api")])
def test_the_generated_pages_are_current(page: str, make: str) -> None:
    generate = runpy.run_path(str(ROOT / "docs" / "generate.py"))
    assert (ROOT / "docs" / page).read_text(encoding="utf-8") == generate[make](), "run: python docs/generate.py"


def test_the_script_of_the_readme_and_the_notebook_run(tmp_path: Path) -> None:
    """One after the other in one process and folder: the notebook's training is the script's, so it is done already.

    Three quarters of the digits are enough.
    """
    [script] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
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
