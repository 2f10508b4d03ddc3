"""The public Python API: names, settings, and a run as an object. Training through it is tested with the README's script."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import edgetl
from edgetl.api.settings import SHORT, Choices, options
from edgetl.errors import RunError, UsageError
from edgetl.recipe import load
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
    assert options({"alpha": None, "weights": Path("a.npz")}, "digits") == {"data.source": "digits", "model.weights": "a.npz"}


def test_a_folder_that_is_no_run_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RunError, match="is not a run"):
        edgetl.Run(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match="there is no run"):
        edgetl.newest()


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
