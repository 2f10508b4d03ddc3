"""A command that installs an extra works as it is printed, and every extra is known."""

import re
import shlex
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from edgetl import software
from edgetl.software import install
from tests.conftest import CliResult

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
SOURCES = {path: path.read_text(encoding="utf-8") for path in (ROOT / "edgetl").rglob("*.py")}


def test_in_the_checkout_the_command_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert install("sign") == "pip install -c constraints.txt '.[sign]'"


def test_elsewhere_it_names_the_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert install("sign") == f"pip install -c {shlex.quote(f'{ROOT}/constraints.txt')} '{ROOT}[sign]'"


class Installed:
    """A package as pip records it; `address` is where it was installed from."""

    def __init__(self, address: str) -> None:
        self.address = address

    def read_text(self, name: str) -> str | None:
        return f'{{"url": "{self.address}", "dir_info": {{}}}}' if self.address else None


@pytest.mark.parametrize("address", ["file://{}/a%20checkout", "", "https://example.com/edgetl.whl", "file://{}/gone"])
def test_installed_from_a_checkout_or_an_index(address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    checkout = tmp_path / "a checkout"
    checkout.mkdir()
    for name in ("pyproject.toml", "constraints.txt"):
        (checkout / name).touch()
    monkeypatch.setattr(software, "__file__", str(tmp_path / "site-packages" / "edgetl" / "software.py"))
    monkeypatch.setattr(software, "distribution", lambda _: Installed(address.format(tmp_path)))
    from_it = f"pip install -c '{checkout}/constraints.txt' '{checkout}[web]'"
    assert install("web") == (from_it if "checkout" in address else "pip install 'edgetl[web]'")


def test_every_extra_that_is_named_is_one() -> None:
    named = {extra for text in SOURCES.values() for extra in re.findall(r"""install\(["'](\w+)["']\)""", text)}
    assert named == set(EXTRAS) - {"cuda", "dev", "docs"}, "cuda is missed nowhere: TensorFlow goes on without"


def test_the_command_comes_from_one_function() -> None:
    assert [path.name for path, text in SOURCES.items() if "edgetl[" in text] == ["software.py"]


def test_the_guide_lists_every_extra() -> None:
    guide = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    table = guide.partition("| extra | what it is for |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(EXTRAS) - {"dev", "docs"}


@pytest.mark.parametrize("module", ["cryptography", "cryptography.hazmat.primitives"])
def test_keys_without_cryptography_are_an_error_with_a_remedy(
    module: str, cli: Callable[..., CliResult], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in sys.modules if name.startswith("cryptography")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    outcome = cli("keygen", tmp_path / "release.key")
    assert outcome.code == 8
    assert "signatures need the Python package cryptography" in outcome.err
    assert install("sign") in outcome.err
    assert not list(tmp_path.iterdir())
