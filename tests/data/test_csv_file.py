"""Images listed in a CSV file."""

import pytest

from edgetl.data.csv_file import find
from edgetl.errors import DataError
from tests.data.conftest import fill


@pytest.fixture
def write(tmp_path):
    fill(tmp_path, {"x": 3, "y z": 3})

    def _write(text, encoding="utf-8"):
        (tmp_path / "list.csv").write_text(text, encoding=encoding)
        return str(tmp_path / "list.csv")

    return _write


def test_paths_labels_and_extra_columns(write, tmp_path):
    listing = find(write(f"id,path,label,note\n1,x/000.png,cat,hm\n2,y z/001.png, dog ,\n3,{tmp_path}/x/002.png,cat,\n"))
    assert listing.class_names == ("cat", "dog")
    assert [(item.name, item.class_name, item.split) for item in listing.items] == [
        ("x/000.png", "cat", None),
        ("y z/001.png", "dog", None),
        ("x/002.png", "cat", None),
    ]
    assert listing.items[1].read() == (tmp_path / "y z/001.png").read_bytes()


def test_paths_outside_of_the_csvs_folder(write, tmp_path):
    fill(tmp_path / "elsewhere", {"q": 2})
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/l.csv").write_text(f"path,label\n../x/000.png,a\n{tmp_path}/elsewhere/q/000.png,b\n")
    names = [item.name for item in find(str(tmp_path / "lists/l.csv")).items]
    assert names == [f"{tmp_path}/x/000.png", f"{tmp_path}/elsewhere/q/000.png"]


def test_byte_order_mark_and_spelling_of_the_header(write):
    assert len(find(write("Path, LABEL\nx/000.png,a\nx/001.png,b\n", "utf-8-sig")).items) == 2


def test_splits_and_their_words(write):
    rows = "x/000.png,a,train\nx/001.png,b,Train\nx/002.png,a,dev\ny z/000.png,b,validation\ny z/001.png,a,valid\ny z/002.png,a,test\n"
    splits = [item.split for item in find(write("path,label,split\n" + rows)).items]
    assert splits == ["train", "train", "val", "val", "val", "test"]


def test_an_empty_split_column_is_none(write):
    assert {item.split for item in find(write("path,label,split\nx/000.png,a,\nx/001.png,b,\n")).items} == {None}


def test_quoted_names_with_a_line_break(write, tmp_path):
    (tmp_path / "x/000.png").rename(tmp_path / "x/line\nbreak, and comma.png")
    listing = find(write('path,label\n"x/line\nbreak, and comma.png",a\nx/001.png,b\n'))
    assert listing.items[0].name == "x/line\nbreak, and comma.png"
    assert listing.items[0].read()


def test_unusable_rows_are_rejected_with_the_reason(write):
    listing = find(write("path,label\nx/000.png,a\nx/001.png,b\nx/002.png,\n,a\nx/nope.png,a\nx,a\n\ny z/000.png\n"))
    assert [(one.name, one.reason) for one in listing.rejected] == [
        ("x/002.png", "line 4 has no label"),
        ("line 5", "line 5 has no path"),
        ("x/nope.png", "No such file or directory"),
        ("x", "not a file"),
        ("y z/000.png", "line 9 has no label"),
    ]


def test_the_same_line_twice_counts_once(write):
    assert len(find(write("path,label\nx/000.png,a\n./x/000.png,a\nx/001.png,b\n")).items) == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("file,label\nx/000.png,a\n", "no column path; its first line has file, label"),
        ("a;b\n", "no column path and no column label"),
        ("", "first line has nothing"),
        ("path,label\n", "no classes"),
        ("path,label\nx/000.png,a\nx/001.png,a\n", "only one class"),
        ("path,label,split\nx/000.png,a,train\nx/001.png,b,tset\n", "line 3: unknown split 'tset'"),
        ("path,label,split\nx/000.png,a,train\nx/001.png,b,\n", "1 of 2 lines have no split; the first is line 3"),
        ("path,label\nx/000.png,a\nx/../x/000.png,b\n", "'a' in line 2 and 'b' in line 3"),
        ("path,label,split\nx/000.png,a,train\nx/000.png,a,val\nx/001.png,b,train\n", "'a' in train in line 2 and 'a' in val in line 3"),
        ("path,label\nx/000.png,Rose\nx/001.png,rose\n", "two spellings"),
        ("path,label,split\nx/000.png,a,train\nx/001.png,b,train\nx/002.png,c,val\n", "in val but not in train: 'c'"),
        ("path,label,split\nx/000.png,a,val\nx/001.png,b,val\n", "in val but not in train"),
        ('path,label\nx/000.png,"a\nb"\n', "cannot be a class name"),
    ],
)
def test_refused(write, text, problem):
    with pytest.raises(DataError, match=problem) as caught:
        find(write(text))
    assert caught.value.remedy


def test_another_encoding_is_an_error_and_not_a_guess(write):
    with pytest.raises(DataError, match="cannot read"):
        find(write("path,label\nx/000.png,é\n", "latin-1"))
