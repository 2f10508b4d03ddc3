"""Names are listed without loading what they name, and a wrong one is answered with the right ones."""

import sys

import pytest

from edgetl.errors import UsageError
from edgetl.registry import Registry, closest, did_you_mean

SHAPES: Registry[float] = Registry("shape", {"circle": ("math:pi", "round"), "square": ("no_such_module:SQUARE", "has corners")})


def test_lists_names_in_the_order_given_without_importing_them() -> None:
    assert list(SHAPES) == ["circle", "square"]
    assert SHAPES.summary("square") == "has corners"
    assert "square" in SHAPES
    assert "no_such_module" not in sys.modules


def test_loads_the_attribute_of_the_module() -> None:
    assert SHAPES.load("circle") == pytest.approx(3.14159, abs=1e-5)


@pytest.mark.parametrize("use", [SHAPES.check, SHAPES.load, SHAPES.summary])
def test_a_wrong_name_gets_the_closest_one_and_all_choices(use) -> None:
    with pytest.raises(UsageError, match=r"unknown shape 'sqare'\ndid you mean 'square'\? choices: circle, square"):
        use("sqare")


def test_a_missing_module_is_a_bug_and_shows_itself() -> None:
    """It must not pass for a wrong name: the user cannot mend it."""
    with pytest.raises(ModuleNotFoundError):
        SHAPES.load("square")


def test_no_guess_when_nothing_is_close() -> None:
    assert did_you_mean("zebra", ["circle", "square"]) == "choices: circle, square"


@pytest.mark.parametrize(
    ("word", "meant"), [("lr", "learning_rate"), ("LR", "learning_rate"), ("bs", "batch_size"), ("eps", "epochs"), ("x", ""), ("rl", "")]
)
def test_an_abbreviation_is_understood(word: str, meant: str) -> None:
    assert closest(word, ["head_learning_rate", "learning_rate", "batch_size", "epochs", "warmup"]) == meant
