"""Folders whose names or places could be read otherwise: splits under other names, parts, spellings of classes."""

from pathlib import Path

import pytest

from edgetl.data.base import Reading
from edgetl.data.folder import find
from edgetl.data.split_words import splits_of
from edgetl.errors import DataError
from tests.data.conftest import fill

WORDS = {
    "train": ("train", "training", "trn"),
    "val": ("val", "valid", "validation", "dev", "development", "eval", "evaluation"),
    "test": ("test", "testing", "holdout", "hold-out", "held_out", "PublicTest", "private_test"),
}
AROUND = ("{}", "seg_{}", "{}_set", "{}set", "{} data", "{}_images", "images-{}", "{}2017", "{}.split")
SPELLED = [(split, shape.format(word)) for split, words in WORDS.items() for word in words for shape in AROUND]


@pytest.mark.parametrize(("split", "name"), SPELLED)
def test_each_split_word_with_what_stands_around_it(split: str, name: str) -> None:
    for spelling in (name, name.upper(), name.title()):
        assert splits_of([spelling]) == {spelling: split}


@pytest.mark.parametrize(
    ("names", "meant"),
    [
        (["TrainingImages", "TestImages"], ["train", "test"]),
        (["flowers_train", "flowers_val", "flowers_test"], ["train", "val", "test"]),
        (["training", "validation", "evaluation"], ["train", "val", "test"]),  # Food-11
        (["train", "eval", "test"], ["train", "val", "test"]),
    ],
)
def test_words_are_understood_together(names: list[str], meant: list[str]) -> None:
    assert splits_of(names) == dict(zip(names, meant, strict=True))


@pytest.mark.parametrize("names", [["steam_train", "test_tube"], ["contest", "value", "training shoes"], ["train-test"], ["1", "数"]])
def test_what_only_holds_a_split_word_means_no_split(names: list[str]) -> None:
    assert splits_of(names) == {}


@pytest.mark.parametrize(
    ("tree", "splits"),
    [
        ({"Training/a": 2, "Training/b": 2, "Testing/a": 1, "Testing/b": 1}, {"train", "test"}),
        ({"seg_train/seg_train/a": 2, "seg_train/seg_train/b": 2, "seg_test/seg_test/a": 1}, {"train", "test"}),
        ({"training_set/training_set/a": 2, "training_set/training_set/b": 2, "test_set/test_set/b": 1}, {"train", "test"}),
        ({"train/images/a": 2, "train/images/b": 2, "holdout/images/a": 1}, {"train", "test"}),
        ({"train/a": 2, "train/b": 2, "eval/a": 1, "__MACOSX/a": 1, ".git/x": 1}, {"train", "val"}),
        ({"my_train/a": 2, "my_train/b": 2, "my_dev/a": 1}, {"train", "val"}),
    ],
)
def test_split_folders_under_other_names(tmp_path: Path, tree: dict[str, int], splits: set[str]) -> None:
    listing = find(str(fill(tmp_path, tree)))
    assert listing.class_names == ("a", "b")
    assert {item.split for item in listing.items} == splits


@pytest.mark.parametrize(
    "tree",
    [
        {"train": 2, "car": 2, "bus": 2},
        {"testing": 2, "car": 2},
        {"eval_kit": 2, "dev_kit": 2},
        {"steam_train/day": 2, "car/dusk": 1, "car/night": 2},
        {"roses/2019": 1, "roses/2020": 1, "tulips/2021": 1},  # not the same
        {"cat/images": 1, "dog/images": 1},  # would be one class
        {"cat": 1, "cat/day": 1, "cat/night": 1, "dog/day": 1, "dog/night": 1},  # one has images of its own
    ],
)
def test_classes_stay_classes(tmp_path: Path, tree: dict[str, int]) -> None:
    listing = find(str(fill(tmp_path, tree)))
    assert set(listing.class_names) == {name.split("/")[0] for name in tree}
    assert {item.split for item in listing.items} == {None}


FOLDS = {f"fold_{fold}/{name}": 1 for fold in range(1, 6) for name in ("a", "b")}


@pytest.mark.parametrize(
    "tree",
    [
        FOLDS,
        {name: 1 for name in FOLDS if name != "fold_3/b"},  # a rare class is not in every fold
        {"north/a": 1, "north/b": 1, "north/c": 1, "south/A": 1, "south/b": 1, "south/d": 1},
    ],
)
def test_parts_are_not_taken_as_classes(tmp_path: Path, tree: dict[str, int]) -> None:
    fill(tmp_path, tree)
    (tmp_path / "README.md").write_text("x")
    with pytest.raises(DataError, match=r"(?s)two ways.*classes: '(fold_1|north)', .*parts: the classes are '[aA]', ") as caught:
        find(str(tmp_path))
    assert "data.layout=classes" in caught.value.remedy
    assert "data.layout=parts" in caught.value.remedy


def test_the_layout_can_be_said(tmp_path: Path) -> None:
    fill(tmp_path, FOLDS)
    assert find(str(tmp_path), Reading(layout="classes")).class_names == tuple(f"fold_{fold}" for fold in range(1, 6))
    parts = find(str(tmp_path), Reading(layout="parts"))
    assert parts.class_names == ("a", "b")
    assert (len(parts.items), {item.split for item in parts.items}) == (10, {None})
    assert find(str(fill(tmp_path / "two", {"train/a": 1, "test/a": 1})), Reading(layout="classes")).class_names == ("test", "train")


def test_splits_hold_classes_too(tmp_path: Path) -> None:
    tree = {f"{split}/{name}/{place}": 1 for split in ("train", "val") for name in ("cat", "dog") for place in ("day", "night")}
    with pytest.raises(DataError, match=r"(?s)two ways.*classes: 'cat', 'dog'"):
        find(str(fill(tmp_path, tree)))
    assert find(str(tmp_path), Reading(layout="parts")).class_names == ("cat", "dog")


@pytest.mark.parametrize(
    ("tree", "problem"),
    [
        ({f"{name}/{split}": 1 for name in ("cat", "dog") for split in ("train", "test")}, "hold the splits 'test', 'train'"),
        ({"train/a": 1, "train/b": 1, "val/a": 0, "val/b": 0}, "val would be empty"),
        ({"train/a": 1, "train/b": 1, "test": 3}, "test would be empty"),
        ({"train": 2, "val": 2}, "train would be empty"),
        ({f"{split}_{name}": 2 for split in ("train", "test") for name in ("cats", "dogs")}, "'test_cats', .* a split and a class at once"),
        ({f"{split}{domain}": 2 for split in ("train", "test") for domain in "AB"}, "a split and a class at once"),
        ({"horse-training": 1, "horse-validation": 1, "other": 1}, "a split and a class at once"),
        ({"roses_train": 2, "roses_test": 2}, "a split and a class at once"),
        ({"train/a": 1, "train/b": 1, "validation/a": 1, "dev/a": 1}, "'dev' and 'validation' are both val"),
    ],
)
def test_what_would_be_lost_is_an_error(tmp_path: Path, tree: dict[str, int], problem: str) -> None:
    with pytest.raises(DataError, match=problem) as caught:
        find(str(fill(tmp_path, tree)))
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("tree", "spellings", "classes"),
    [
        ({"a": 5, "A": 5}, "auto", ("A", "a")),
        ({"a": 50, "A": 5}, "auto", ("A", "a")),
        ({"train/a": 6, "train/A": 5, "val/a": 1, "val/A": 1}, "auto", ("A", "a")),
        ({"a": 4, "A": 5}, "auto", None),
        ({"a": 51, "A": 5}, "auto", None),
        ({"train/a": 6, "train/b": 6, "val/A": 6}, "auto", None),  # one spelling a split
        ({"a": 9, "A": 9}, "refuse", None),
        ({"a": 1, "A": 1}, "allow", ("A", "a")),
        ({"a": 9, "a ": 9}, "allow", None),  # one class name
    ],
)
def test_letters_and_slips(tmp_path: Path, tree: dict[str, int], spellings: str, classes: tuple[str, ...] | None) -> None:
    reading = Reading(spellings=spellings)  # type: ignore[arg-type]
    fill(tmp_path, tree)
    if classes:
        assert find(str(tmp_path), reading).class_names == classes
    else:
        with pytest.raises(DataError, match="are two spellings of one class"):
            find(str(tmp_path), reading)
