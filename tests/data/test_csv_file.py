"""Images listed in a CSV file."""

import unicodedata

import pytest

from edgetl.data import sources
from edgetl.data.base import Reading
from edgetl.data.csv_file import find
from edgetl.errors import DataError
from tests.data.conftest import fill
from tests.data.test_layout import SPELLED


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
        ("path,label\nx/000.png,salt, pepper\nx/001.png,b\n", "line 2, has 3 cells for 2 columns"),
        ('path,label,text\nx/000.png,a,\nx/001.png,b,"open\nx/002.png,a,\n', "in the lines from 3 on: unexpected end of data"),
        ("path,label,set\nx/000.png,a,Training\nx/001.png,b,test\n", "the column 'set' has the splits 'Training', 'test'"),
        ("path,label,Usage\nx/000.png,a,dev\nx/001.png,b,\nx/002.png,b,train\n", "the column 'usage' has the splits"),
    ],
)
def test_refused(write, text, problem):
    with pytest.raises(DataError, match=problem) as caught:
        find(write(text))
    assert caught.value.remedy


def test_what_stands_around_cells_is_no_part_of_them(write):
    listing = find(write('path , "label", note,\nx/000.png, "a, b", 1,\n x/001.png ,  c, "say ""c""", \n'))
    assert [(item.name, item.class_name) for item in listing.items] == [("x/000.png", "a, b"), ("x/001.png", "c")]


@pytest.mark.parametrize(("text", "warned"), [('"two\nlines"', False), ('"a\nx/002.png,a,c"', True)])
def test_lines_within_quotation_marks_are_said(write, caplog, text, warned):
    assert len(find(write(f"path,label,note\nx/000.png,a,{text}\nx/001.png,b,\n")).items) == 2
    assert ("seem to be other lines" in caplog.text) == warned


def test_another_encoding_is_an_error_and_not_a_guess(write):
    with pytest.raises(DataError, match="cannot read"):
        find(write("path,label\nx/000.png,é\n", "latin-1"))


ROWS = [("x/000.png", "a", "train"), ("x/001.png", "b", "train"), ("y z/000.png", "a", "val"), ("y z/001.png", "b", "val")]


def table(header, separator=","):
    return "\n".join(separator.join(row[: len(header)]) for row in [header, *ROWS]) + "\n"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_each_separator(write, separator):
    listing = find(write(table(("path", "label", "split"), separator)))
    assert [(item.name, item.class_name, item.split) for item in listing.items] == ROWS


def test_a_tsv_file_is_a_list(write, tmp_path):
    write(table(("path", "label"), "\t"))
    (tmp_path / "list.csv").rename(tmp_path / "list.TSV")
    assert len(sources.find(str(tmp_path / "list.TSV")).items) == 4


@pytest.mark.parametrize("path", ["filename", "image", "file_name", "File_Name", "image_path", "filepath"])
@pytest.mark.parametrize("label", ["class", "class_name", "Label"])
@pytest.mark.parametrize("split", ["split", "subset"])
def test_usual_names_of_columns_are_taken_and_said(write, caplog, path, label, split):
    caplog.set_level("INFO")
    listing = find(write(table((path, label, split))))
    assert [(item.name, item.class_name, item.split) for item in listing.items] == ROWS
    (said,) = [record.getMessage() for record in caplog.records]
    assert f"path from {path.lower()!r}, label from {label.lower()!r}, split from {split!r}" in said


def test_our_own_names_come_before_others(write, caplog):
    caplog.set_level("INFO")
    listing = find(write("class,image,path,label,,\n7,8,x/000.png,a,,\n7,8,x/001.png,b,,\n"))
    assert [(item.name, item.class_name) for item in listing.items] == [("x/000.png", "a"), ("x/001.png", "b")]
    assert "not used: 'class', 'image'" in caplog.text


@pytest.mark.parametrize(
    "header", ["path,path,label", "path,label,label", "path,label,split,split", "filename,image,label", "path,class,category"]
)
def test_two_columns_for_one_thing_are_an_error(write, header):
    with pytest.raises(DataError, match=r"can all be the (path|label|split)"):
        find(write(f"{header}\nx/000.png,a,a,train\n"))


@pytest.mark.parametrize(
    ("there", "written"),
    [
        ("x/000.png", "x\\000.png"),
        ("x/000.png", ".\\x\\000.png"),
        ("x/back\\slash.png", "x/back\\slash.png"),
        *(
            (unicodedata.normalize(one, "é/ü.png"), unicodedata.normalize(other, "é/ü.png"))
            for one, other in (("NFC", "NFD"), ("NFD", "NFC"))
        ),
        (f"{unicodedata.normalize('NFC', 'é')}/{unicodedata.normalize('NFD', 'ü.png')}", unicodedata.normalize("NFC", "é\\ü.png")),
    ],
)
def test_paths_of_other_systems(write, tmp_path, there, written):
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_bytes(b"found")
    listing = find(write(f"path,label\n{written},a\nx/001.png,b\n"))
    assert (listing.items[0].name, listing.items[0].read()) == (there, b"found")


def test_numbers_are_class_names(write):
    assert find(write("image,class\nx/000.png,10\nx/001.png,2\nx/002.png,02\ny z/000.png,1.0\n")).class_names == ("02", "1.0", "10", "2")


@pytest.mark.parametrize(("split", "word"), SPELLED)
def test_split_columns_know_the_words_of_folders(write, split, word):
    others = [("train", "train"), (split, word)]
    rows = "".join(
        f"x/00{row}.png,{label},{one}\n" for row, (label, (_, one)) in enumerate((label, one) for label in "ab" for one in others)
    )
    listing = find(write(f"path,label,split\n{rows.replace('x/003', 'y z/000')}"))
    assert [item.split for item in listing.items] == [meant for _ in "ab" for meant, _ in others]


def test_letters_that_differ_in_their_capitals(write):
    rows = "".join(f"x/00{row}.png,{label}\n" for row, label in enumerate("aAb"))
    with pytest.raises(DataError, match="two spellings"):
        find(write("path,label\n" + rows))
    assert find(write("path,label\n" + rows), Reading(spellings="allow")).class_names == ("A", "a", "b")
