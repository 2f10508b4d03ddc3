"""README and the pages under docs/: names that there are, commands that parse, links that lead somewhere, generated pages."""

import ast
import functools
import re
import runpy
import tomllib
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
import typer

import edgetl
from edgetl import console, devices, recipe
from edgetl.cli.app import _COMMANDS, app
from edgetl.cli.names import KINDS, registry
from edgetl.errors import EXIT_CODES, STOPS
from tests import needs, pages
from tests.conftest import CliResult

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NAMES = (ROOT / "docs" / "names.md").read_text(encoding="utf-8")
BLOCKS = [block for page in [*pages.PAGES, ROOT / "docs" / "cli.md"] for block in pages.blocks(page)]
CALLS = {f"edgetl {' '.join(words)}": words for block in BLOCKS for words in pages.edgetl_commands(block)}
OPTIONS_OF_OTHERS = {"--help", "--version", "--install-completion", "--smooth"}  # of all commands, and of the Linux app
SHELL = [words for block in BLOCKS if block.language in pages.SHELL for words in pages.commands(block.text)]


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 120


@pytest.mark.parametrize("name", [name for kind in KINDS for name in registry(kind)])
def test_everything_with_a_name_is_on_its_page(name: str) -> None:
    assert re.search(rf"`{name}[`\s]", NAMES), f"docs/names.md does not name {name}"


def _options(command: str) -> set[str]:
    return {option for parameter in _command(command).params for option in (*parameter.opts, *parameter.secondary_opts)}


def _command(name: str) -> Any:
    return _commands()[name]


@functools.cache
def _commands() -> dict[str, Any]:
    """Return what typer makes of the commands, which takes as long as all tests that ask it."""
    return typer.main.get_command(app).commands  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("line", CALLS)
def test_commands_of_the_pages_parse(line: str) -> None:
    """Arguments, options, their values, and settings; tests/test_snippets.py runs them."""
    words = CALLS[line]
    if words[:1] in ([], ["--help"], ["--version"], ["--install-completion"], ["--show-completion"]):
        return
    assert words[0] in _COMMANDS, f"there is no edgetl {words[0]}"
    if "--help" not in words:
        with console.Console():  # --json and --verbose of the line end with it
            settings = _command(words[0]).make_context(words[0], words[1:]).params.get("settings")
        recipe.load(settings=settings or [])


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.stem)
def test_commands_and_options_within_a_text_exist(page: Path) -> None:
    for words in pages.inline_commands(page):
        if not words[0].startswith("-") and words[0] != "COMMAND":
            assert words[0] in _COMMANDS, f"there is no edgetl {words[0]}"
            there = _options(words[0]) | {"--help"}
            assert {word.partition("=")[0] for word in words if word.startswith("--")} <= there, f"edgetl {' '.join(words)}"
    everywhere = {option for name in _COMMANDS for option in _options(name)} | OPTIONS_OF_OTHERS
    assert set(re.findall(r"`(--[a-z][\w-]*)", page.read_text(encoding="utf-8"))) <= everywhere


def test_what_a_block_needs_is_on_a_short_list() -> None:
    """tests/test_snippets.py looks whether it is here: what is, runs; what is not fails without it."""
    assert {need for block in BLOCKS for need in block.needs} == set(needs.NEEDS)
    marked = [str(block) for block in BLOCKS if block.needs]
    assert len(marked) <= 15, f"a block more that not every machine runs: {marked}"


def test_the_journeys_of_a_new_user_are_in_the_pages() -> None:
    """benchmarks/new_user.py times them by the words of the pages."""
    journeys = runpy.run_path(str(ROOT / "benchmarks" / "new_user.py"))["JOURNEYS"]
    made = {name: journey.commands() for name, journey in journeys.items()}
    assert made["digits"] == ["make demo", ".venv/bin/edgetl report runs/quickstart"]
    for name in ("photos", "guide"):
        verbs = [command.split()[1] for command in made[name] if command.startswith("edgetl ")]
        assert verbs[-1] == "ship"
        assert {"train", "export", "validate", "predict", "report"} <= set(verbs)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "python"], ids=str)
def test_scripts_of_the_pages_use_names_that_there_are(block: pages.Block) -> None:
    names = {
        node.attr for node in ast.walk(ast.parse(block.text)) if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "edgetl"
    }
    assert names <= {*edgetl.__all__, "errors"}


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "toml"], ids=str)
def test_files_of_settings_of_the_pages_are_right(block: pages.Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipe is checked as one; a file of devices names kinds and fields that there are."""
    (tmp_path / "file.toml").write_text(block.text, encoding="utf-8")
    if "devices" in block.text.split("\n")[0]:
        monkeypatch.setenv("EDGETL_DEVICES", str(tmp_path / "file.toml"))
        assert devices.named()
    else:
        recipe.load(tmp_path / "file.toml")


def test_make_targets_and_extras_of_the_pages_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for words in SHELL:
        if words[0] == "make":
            assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in words[1:] if "=" not in target), words
        for found in re.findall(r"(?:edgetl|\.)\[([\w,]+)\]", " ".join(words)):
            assert set(found.split(",")) <= set(extras), words


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
        for parameter in _command(name).params:
            if parameter.name != "help":
                text = parameter.help or ""
                assert re.fullmatch(r"(?s)[A-Z][\w-]+ .*[.)]", text), f"edgetl {name} {parameter.name}: {text!r}"
                assert not re.match(r"(Of|For|As|That|What|Left|See|In|An?|The)\b", text), f"edgetl {name} {parameter.name}: {text!r}"
                assert "left out:" not in text.lower()


@pytest.mark.parametrize("page", ["cli.md", "settings.md", "schemas.md", "backbones.md", "backbones.svg"])
def test_the_generated_pages_are_current(page: str) -> None:
    made = runpy.run_path(str(ROOT / "docs" / "generate.py"))["PAGES"][page]()
    there = (ROOT / "docs" / page).read_text(encoding="utf-8")
    if page.endswith(".svg"):  # matplotlib's releases write other numbers; what it says is in its texts
        made, there = (re.findall(r"<text.*?>(.*?)</text>", text, re.DOTALL) for text in (made, there))
        assert sum("mobilenet_v2 0.35" in text for text in there) == 3
    assert there == made, "run: python docs/generate.py"


def test_every_command_option_and_setting_is_in_the_reference() -> None:
    commands, settings = ((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("cli.md", "settings.md"))
    for name in _COMMANDS:
        section = re.split(r"^## ", commands.split(f"\n## edgetl {name}\n")[1], flags=re.MULTILINE)[0]
        for option in _options(name) - {"--json", "--verbose", "--help", "-h"}:
            assert option in section or not option.startswith("-"), f"docs/cli.md: edgetl {name} has no {option}"
    for table, values in tomllib.loads(recipe.resource("defaults.toml")).items():
        for name in values:
            assert f"\n| `{table}.{name}` | `" in settings, f"docs/settings.md has no {table}.{name}"


def test_every_page_is_in_the_navigation_once() -> None:
    navigation = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    listed = re.findall(r"[\w/-]+\.md", str(navigation))
    assert len(listed) == len(set(listed))
    there = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert set(listed) == there, "zensical.toml: nav = [...] has a line for each page"


def test_every_exit_code_has_its_section_in_troubleshooting() -> None:
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    sections = {int(code): text for code, text in re.findall(r"^## Exit code (\d+)\n(.*?)(?=^## )", page, re.MULTILINE | re.DOTALL)}
    assert set(sections) == set(EXIT_CODES | STOPS)
    for kind in (one for one in vars(edgetl.errors).values() if isinstance(one, type) and issubclass(one, edgetl.EdgetlError)):
        assert f"`{kind.__name__}`: {EXIT_CODES[kind.exit_code]}" in sections[kind.exit_code], kind


def test_a_failure_ends_with_where_to_read_on(cli: Callable[..., CliResult], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("show").err.endswith("\nread on: docs/troubleshooting.md#exit-code-5\n")
    documented = cli("show", "--json")
    assert documented.err.endswith("#exit-code-5\n")
    assert set(documented.document) == {"error", "exit_code"}
    assert "read on" not in cli("list", "backbones").err
    metadata = Message()
    metadata["Project-URL"] = "Documentation, https://example.org/edgetl/"
    monkeypatch.setattr("edgetl.software.metadata", lambda _: metadata)
    assert cli("show").err.endswith("\nread on: https://example.org/edgetl/troubleshooting.html#exit-code-5\n")
