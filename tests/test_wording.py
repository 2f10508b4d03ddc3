"""Sentences around numbers: one image is no "1 images", nothing is "-0.00", and what is over a limit looks so."""

import ast
import re
from itertools import pairwise

import pytest

from edgetl.wording import batches, beside, counted, ends, joined, measured_on, plural, quoted, seen, setting
from tests.test_architecture import FILES, ROOT, parsed

COUNTED = "images|files|classes|epochs|runs|seeds|heads|shards|operators|trials|layers|devices|threads|predictions|findings|blocks"
NEVER_ONE = {  # text in which a number stands before a noun, and why it is no 1
    ("contract.py", "images"): "a kind of images",
    ("contract.py", "predictions"): "a kind of predictions",
    ("output.py", "classes"): "a classifier has two",
    ("output.py", "predictions"): "a kind of predictions",
    ("pipeline/train/rejection.py", "held-out images"): "a constant",
    ("data/formats.py", "images"): "kinds of images",
    ("evaluation/metrics.py", "classes"): "a bug's message",
    ("evaluation/results.py", "classes"): "a damaged document's message",
    ("evaluation/scores.py", "images"): "a constant",
    ("evaluation/multi_label_scores.py", "images"): "a constant",
    ("report/plots/comparison.py", "runs"): "a comparison needs two",
    ("pipeline/evaluate/scores.py", "images"): "no number: the name of a split",
    ("pipeline/export/files.py", "classes"): "a classifier has two",
    ("pipeline/export/stamped.py", "classes"): "a classifier has two",
    ("importing/base.py", "takes images"): "a verb",
    ("importing/keras_graph.py", "reads layers"): "a verb",
    ("pipeline/export/budget.py", "operators"): "one is named",
    ("pipeline/environment.py", "files"): "an encoding",
    ("pipeline/predict.py", "classes"): "a classifier has two",
    ("devices/adb.py", "files"): "a kind of file",
    ("devices/browser.py", "runs"): "a verb",
    ("report/page/card.py", "images"): "counts of several splits",
    ("report/page/results.py", "images"): "counts of several splits",
    ("report/page/sections/summary.py", "images"): "counts of several splits",
    ("training/probe.py", "different images"): "folds are two or more",
    ("training/finetune.py", "blocks"): "a range",
}


@pytest.mark.parametrize(
    ("count", "what", "text"),
    [
        (0, "image", "0 images"),
        (1, "image", "1 image"),
        (1, "training image", "1 training image"),
        (2, "training image", "2 training images"),
        (1234, "class", "1,234 classes"),
        (2, "copy", "2 copies"),
        (2, "batch", "2 batches"),
        (2, "day", "2 days"),
    ],
)
def test_a_count_has_its_noun(count: int, what: str, text: str) -> None:
    assert counted(count, what) == text
    assert plural("epoch") == "epochs"


def test_no_count_stands_before_a_plural() -> None:
    """What is counted may be one: `counted` knows."""
    found = set()
    for path in FILES:
        name = path.relative_to(ROOT).as_posix()
        for node in ast.walk(parsed(path)):
            parts = node.values if isinstance(node, ast.JoinedStr) else []
            for value, text in pairwise(parts):
                if isinstance(value, ast.FormattedValue) and isinstance(text, ast.Constant):
                    match = re.match(rf" ((?:[a-z-]+ )?(?:{COUNTED}))\b", str(text.value))
                    figure = ast.unparse(value.format_spec) if value.format_spec else ""
                    if match and "f" not in figure.replace("f'", "") and "counted" not in ast.unparse(value):
                        found.add((name, match[1]))
    assert found <= set(NEVER_ONE), found - set(NEVER_ONE)


@pytest.mark.parametrize(
    ("value", "limit", "text"),
    [
        (0.1004, 0.1, "0.1004"),
        (0.12, 0.1, "0.12"),
        (0.0996, 0.1, "0.0996"),
        (0.1, 0.1, "0.1"),
        (0.1349, 0.134, "0.135"),
        (24.0004, 24, "24.0004"),
        (0.1 + 1e-16, 0.1, "0.10000000000000012"),
        (float("nan"), 1, "nan"),
        (float("inf"), 1, "inf"),
    ],
)
def test_a_figure_shows_on_which_side_of_its_limit_it_is(value: float, limit: float, text: str) -> None:
    shown = beside(value, limit)
    assert shown == text or (float(shown) > limit) == (value > limit)


@pytest.mark.parametrize(
    ("value", "interval", "digits", "wanted"),
    [
        ("97.28", (0.945, 0.987), 1, ("94.5", "98.7")),
        ("2.94", (0.0, 0.0294), 1, ("0.00", "2.94")),
        ("98.4", (0.976, 0.9843), 0, ("98", "98.4")),
        ("100.00", (0.867, 1.0), 1, ("86.7", "100.0")),
    ],
)
def test_an_interval_holds_its_value_as_it_is_printed(
    value: str, interval: tuple[float, float], digits: int, wanted: tuple[str, str]
) -> None:
    found = ends(value, interval, digits)
    assert float(found[0]) <= float(value) <= float(found[1])
    assert found == wanted or digits == 0


def test_no_signed_figure_is_minus_zero() -> None:
    """`z` in a format makes -0.001 a zero without a sign before it is printed."""
    for path in FILES:
        assert not re.search(r":[+-]\.\d", path.read_text(encoding="utf-8")), f"{path}: write :+z.2f"
    assert f"{-0.001:+z.2f}" == "+0.00"


def test_what_steers_a_terminal_is_escaped() -> None:
    assert seen("a\x1b\u202e\n", spared="\n") == "a\\u001b\\u202e\n"


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, "1 image"),
        (54, "54 images, of which one is 1.9 points"),
        (736, "736 images, of which one is 0.14 points"),
        (1000, "1,000 images"),
    ],
)
def test_what_one_image_is_worth_is_said_where_they_are_few(count: int, said: str) -> None:
    assert measured_on(count, "image") == said


def test_batches_are_those_of_several_images() -> None:
    assert batches({"a": 1, "b": 4, "c": "dynamic", "d": 4, "e": 2}) == ["a batch of 4 for b and d", "a batch of 2 for e"]
    assert batches({"a": 1, "c": "dynamic"}) == []


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), ("", "none"), ([], "none"), (["a", "b"], "a, b"), (3e-05, "3e-05"), (0, "0")]
)
def test_a_setting_is_shown_as_a_recipe_has_it(value: object, text: str) -> None:
    assert setting(value) == text


def test_names_are_joined_as_in_a_sentence() -> None:
    assert [joined(["a", "b", "c"][:count]) for count in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_names_with_commas_stand_in_quotation_marks() -> None:
    assert quoted(["a", "b"]) == ["a", "b"]
    assert ", ".join(quoted(["cup, red", "b"])) == "'cup, red', 'b'"
