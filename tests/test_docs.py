"""The README names what there is, and its commands exist."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from edgetl.cli.app import _COMMANDS
from edgetl.cli.list_names import _registries
from tests.conftest import CliResult

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
LINES = [line.split("#")[0].strip() for block in BLOCKS for line in block.splitlines() if line.split("#")[0].strip()]


@pytest.mark.parametrize("name", [*_COMMANDS, *(name for registry in _registries().values() for name in registry)])
def test_everything_with_a_name_is_in_the_readme(name: str) -> None:
    assert re.search(rf"`(?:edgetl )?{name}[`\s]", README), f"README does not name {name}"


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("edgetl ")])
def test_commands_of_the_readme_parse(cli: Callable[..., CliResult], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is: each must get as far as missing its images, recipe, run or baseline, not fail over its own words."""
    monkeypatch.chdir(tmp_path)
    outcome = cli(*shlex.split(line)[1:])
    if line == "edgetl devices":  # needs nothing
        assert outcome.code == 0
        return
    assert outcome.code in (2, 3, 5)
    assert re.search("is not a run|there is no|is no baseline", outcome.err), outcome.err


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
