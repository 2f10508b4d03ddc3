"""CSV files that list several classes an image: the forms that are read, and what is not silently taken as one class."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgetl.data import sources
from edgetl.data.base import AskedTask, Listing, Reading
from edgetl.data.csv_file import find
from edgetl.errors import DataError
from tests.data.conftest import fill

SEVERAL = Reading(task="multi-label")
Write = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    fill(tmp_path, {"x": 4})

    def _write(text: str) -> str:
        (tmp_path / "list.csv").write_text(text, encoding="utf-8")
        return str(tmp_path / "list.csv")

    return _write


def rows(*labels: str) -> str:
    return "".join(f"x/00{row}.png,{label}\n" for row, label in enumerate(labels))


FORMS = {
    "one column": "path,label\n" + rows("cat|dog", " dog ", "", "cat | eel"),
    "numbered columns": "path,label1,label2\n" + rows("cat,dog", "dog,", ",", "eel,cat"),
    "label and more": "path,label,label_2,note\n" + rows("dog,cat,1", "dog,,1", ",,1", "cat,eel,0"),
    "tags": "path,tags\n" + rows("cat|dog", "dog", "", "eel|cat"),
    "one-hot": "path,cat,dog,eel,width\n" + rows("1,1,0,640", "0,1,0,640", "0,0,0,640", "1,0,1,1"),
    "true and false": "path,cat,dog,eel\n" + rows("True,true,False", "False,True,False", "False,false,FALSE", "True,False,True"),
    "a line for each label": "path,label\n" + rows("cat", "dog", "", "eel") + "x/000.png,dog\nx/003.png,cat\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(write: Write, form: str) -> None:
    listing = find(write(FORMS[form]), SEVERAL)
    assert listing.several
    assert listing.class_names == ("cat", "dog", "eel")
    assert [item.class_name for item in listing.items] == ["cat|dog", "dog", "", "cat|eel"]
    assert listing.label_ids(listing.items).tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0], [1, 0, 1]]


def test_a_class_that_no_image_shows_does_not_vanish_silently(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    listing = find(write("path,cat,fox,eel\n" + rows("1,0,0", "0,0,1", "1,0,1")), SEVERAL)
    assert listing.class_names == ("cat", "eel")
    [warning] = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "no image shows these classes, whose columns hold 0 alone; the model does not learn them:" in warning
    assert "'fox'" in warning
    assert "'cat'" not in warning


@pytest.mark.parametrize(("labels", "warned"), [(["cat|dog", "dog"], True), (["cat|dog", "cat|dog"], False), (["cat", "dog"], False)])
def test_lines_of_one_image_that_differ_are_named(
    write: Write, caplog: pytest.LogCaptureFixture, labels: tuple[str, str], warned: bool
) -> None:
    text = "path,label\n" + rows(labels[0], "eel") + rows(labels[1])
    assert find(write(text), SEVERAL).items[0].class_name == "cat|dog"
    found = [record.getMessage() for record in caplog.records if "in several lines with different labels" in record.getMessage()]
    assert bool(found) is warned, "a line for each label is a usual form"
    assert all("'x/000.png': lines 2 and 4" in message for message in found)


@pytest.mark.parametrize("form", ["one column", "numbered columns", "label and more", "one-hot", "true and false"])
def test_what_has_several_labels_is_not_silently_taken_as_one(write: Write, form: str) -> None:
    with pytest.raises(DataError, match="--task multi-label"):
        find(write(FORMS[form]))


def test_a_bar_in_class_names_of_one_class_each_is_no_doubt(write: Write) -> None:
    assert find(write("path,label\n" + rows("a|b", "c|d", "a|b", "c|d"))).class_names == ("a|b", "c|d")
    asked = Reading(task="single-label")
    assert find(write("path,label\n" + rows("a|b", "a", "a|b", "a")), asked).class_names == ("a", "a|b")


def test_the_columns_that_are_read_are_said(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    find(write(FORMS["one-hot"]), SEVERAL)
    assert "label from 'cat', 'dog' and 'eel'; not used: 'width'" in caplog.text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("path,width\n" + rows("640", "480"), "no column label"),
        ("path,a|b,c\n" + rows("1,0", "0,1"), "'a|b' cannot be a class"),
        ("path,c,c\n" + rows("1,0", "0,1"), "'c' cannot be a class"),
        ("path,label,split\n" + rows("a,train", "b,train", "a,val", "b,val") + "x/000.png,b,val\n", "in line 2 and"),
    ],
)
def test_what_cannot_be_understood_is_refused(write: Write, text: str, problem: str) -> None:
    with pytest.raises(DataError, match=problem.replace("|", r"\|")):
        find(write(text), SEVERAL)


def test_folders_and_embedded_sets_have_one_class_an_image(tmp_path: Path) -> None:
    for source in (str(fill(tmp_path, {"a": 2, "b": 2})), "digits"):
        with pytest.raises(DataError, match="of one class"):
            sources.find(source, SEVERAL)


def test_images_keep_all_labels(write: Write, read: Callable[..., object], tmp_path: Path) -> None:
    fill(tmp_path, {"x": 12})
    text = "path,label\n" + "".join(f"x/{row:03}.png,{('a|b', 'b', '', 'a')[row % 4]}\n" for row in range(12))
    images = read(find(write(text), SEVERAL))
    assert images.several  # type: ignore[attr-defined]
    assert images.label_ids.shape == (12, 2)  # type: ignore[attr-defined]
    assert images.shown.sum(0).tolist() == [6, 6]  # type: ignore[attr-defined]


def test_a_limit_counts_each_set_of_classes(write: Write) -> None:
    listing: Listing = find(write("path,label\n" + rows("a", "a", "a|b", "b")), SEVERAL).limited(1)
    assert [item.class_name for item in listing.items] == ["a", "a|b", "b"]
    assert np.array_equal(listing.label_ids(listing.items), [[1, 0], [1, 1], [0, 1]])


@pytest.mark.parametrize("cell", ["", "2", "-1", "maybe"])
def test_an_odd_cell_does_not_lose_a_class(write: Write, cell: str) -> None:
    """Else the class of that column would be none, and nobody would notice."""
    with pytest.raises(DataError, match=rf"line 3: '{cell}' in the column 'dog'"):
        find(write("path,cat,dog,eel\n" + rows("1,1,0", f"0,{cell},0", "0,0,0", "1,0,1")), SEVERAL)


@pytest.mark.parametrize("task", ["auto", "multi-label"])
@pytest.mark.parametrize("sign", [";", "; ", ","])
def test_classes_joined_by_another_sign_do_not_become_one(write: Write, sign: str, task: AskedTask) -> None:
    text = "path,label\n" + rows(f'"cat{sign}dog"', "dog", "cat", f'"dog{sign}cat"')
    with pytest.raises(DataError, match=r"seem to name several classes") as raised:
        find(write(text), Reading(task=task))
    assert "write 'cat|dog'" in raised.value.remedy
    assert find(write(text), Reading(task="single-label")).class_names == tuple(sorted({f"cat{sign}dog", "dog", "cat", f"dog{sign}cat"}))


def test_a_comma_in_a_class_name_is_not_taken_for_two(write: Write) -> None:
    text = "path,label\n" + rows('"bow, the weapon"', "dog", '"bow, the weapon"', "dog")
    assert find(write(text), Reading()).class_names == ("bow, the weapon", "dog")
