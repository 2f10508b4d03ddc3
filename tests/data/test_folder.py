"""Folders of images: layouts, names and what is refused."""

import os
import unicodedata

import pytest

from edgetl.data.folder import find
from edgetl.errors import DataError
from tests.data.conftest import encode, fill, scene


def test_class_folders_are_listed_sorted_and_recursively(tmp_path):
    listing = find(str(fill(tmp_path, {"b": 1, "a/deep/deeper": 2})))
    assert listing.class_names == ("a", "b")
    assert [(item.name, item.class_name, item.split) for item in listing.items] == [
        ("a/deep/deeper/000.png", "a", None),
        ("a/deep/deeper/001.png", "a", None),
        ("b/000.png", "b", None),
    ]
    assert listing.items[0].read() == encode(scene(10, 12, 1))


@pytest.mark.parametrize("word", ["val", "valid", "validation", "Val"])
def test_split_folders(tmp_path, word):
    listing = find(str(fill(tmp_path, {"train/a": 1, "train/b": 1, f"{word}/a": 1, f"{word}/b": 1, "test/a": 1})))
    assert listing.class_names == ("a", "b")
    assert sorted((item.split, item.class_name) for item in listing.items) == [
        ("test", "a"),
        ("train", "a"),
        ("train", "b"),
        ("val", "a"),
        ("val", "b"),
    ]


def test_a_class_called_train_is_a_class(tmp_path):
    listing = find(str(fill(tmp_path, {"train": 2, "car": 2, "bus": 2})))
    assert listing.class_names == ("bus", "car", "train")
    assert listing.items[0].split is None


@pytest.mark.parametrize(
    ("tree", "problem"),
    [
        ({"train/a": 1, "train/b": 1, "other/a": 1}, "'other' beside the folder of a split"),
        ({"train/a": 1, "train/b": 1, "val/a": 1, "valid/a": 1}, "'val' and 'valid' are both val"),
        ({"val/a": 1, "test/a": 1}, "no 'train' folder"),
        ({"train/a": 1, "train/b": 1, "val/a": 1, "val/c": 1}, "in val but not in train: 'c'"),
        ({"train/a": 1, "train/b": 1, "test/d": 1}, "in test but not in train: 'd'"),
        ({"a": 1}, "only one class, 'a'"),
        ({}, "no classes"),
        ({"train/rose": 1, "train/b": 1, "val/Rose": 1}, "'Rose' and 'rose' are two spellings"),
        ({"Rose": 1, "rose": 1}, "'Rose' and 'rose' are two spellings"),
        ({"rose": 1, "rose ": 1}, "'rose' and 'rose ' are two spellings"),
        ({unicodedata.normalize("NFD", "café"): 1, "café": 1}, "are two spellings"),
        ({"Straße": 1, "STRASSE": 1}, "are two spellings"),
        ({"line\nbreak": 1, "b": 1}, "cannot be a class name"),
        ({"  ": 1, "b": 1}, "cannot be a class name"),
    ],
)
def test_refused(tmp_path, tree, problem):
    with pytest.raises(DataError, match=problem) as caught:
        find(str(fill(tmp_path, tree)))
    assert caught.value.remedy


def test_one_folder_too_high_is_pointed_out(tmp_path):
    with pytest.raises(DataError, match=r"did you mean .*flower_photos\?"):
        find(str(fill(tmp_path, {"flower_photos/roses": 1, "flower_photos/tulips": 1})))


def test_class_names_are_normalized(tmp_path):
    listing = find(str(fill(tmp_path, {unicodedata.normalize("NFD", "café") + " ": 1, "日本 語": 1})))
    assert listing.class_names == ("café", "日本 語")
    assert {item.class_name for item in listing.items} == set(listing.class_names)


def test_hidden_files_are_ignored_and_others_listed(tmp_path):
    fill(tmp_path, {"a": 1, "b": 1, ".git/x": 1, "a/.thumbs": 1})
    (tmp_path / "a/.DS_Store").write_bytes(b"x")
    (tmp_path / "a/notes.txt").write_text("x")
    (tmp_path / "README.md").write_text("x")
    (tmp_path / "lost.JPG").write_bytes(b"x")
    listing = find(str(tmp_path))
    assert [item.name for item in listing.items] == ["a/000.png", "a/notes.txt", "b/000.png"]
    assert [(one.name, one.reason) for one in listing.rejected] == [("lost.JPG", "not in a class folder")]


def test_odd_file_names(tmp_path):
    fill(tmp_path, {"a": 1, "b": 1})
    names = ["with space.png", "Übung 日本.png", "line\nbreak.png", "quote'\".png"]
    for name in names:
        (tmp_path / "a" / name).write_bytes(encode(scene(10, 12)))
    (tmp_path / "a" / os.fsdecode(b"latin\xe9.png")).write_bytes(encode(scene(10, 12)))
    listing = find(str(tmp_path))
    assert {f"a/{name}" for name in [*names, "latin\\xe9.png"]} < {item.name for item in listing.items}
    assert all(item.read() == encode(scene(10, 12)) for item in listing.items if item.class_name == "a")
    "".join(item.name for item in listing.items).encode("utf-8")  # can be hashed and written


def test_links_out_of_the_folder_are_not_followed(tmp_path):
    outside = fill(tmp_path / "outside", {"c": 1})
    data = fill(tmp_path / "data", {"a": 1, "b": 1})
    (data / "a/out.png").symlink_to(outside / "c/000.png")
    (data / "a/in.png").symlink_to(data / "b/000.png")
    (data / "a/broken.png").symlink_to(data / "nowhere.png")
    (data / "a/folder").symlink_to(outside)
    (data / "a/loop").symlink_to(data)
    listing = find(str(data))
    assert [item.name for item in listing.items] == ["a/000.png", "a/in.png", "b/000.png"]
    assert {one.name: one.reason for one in listing.rejected} == {
        "a/out.png": "a link that leads out of the data folder",
        "a/broken.png": "No such file or directory",
        "a/folder": "a link to a folder, which is not followed",
        "a/loop": "a link to a folder, which is not followed",
    }
    assert {one.name for one in listing.rejected if one.bad} == {"a/broken.png"}


def test_the_data_folder_itself_may_be_a_link(tmp_path):
    (tmp_path / "link").symlink_to(fill(tmp_path / "data", {"a": 1, "b": 1}))
    assert len(find(str(tmp_path / "link")).items) == 2


def test_pipes_are_not_read(tmp_path):
    fill(tmp_path, {"a": 1, "b": 1})
    os.mkfifo(tmp_path / "a/pipe.png")
    assert [(one.name, one.reason) for one in find(str(tmp_path)).rejected] == [("a/pipe.png", "not a file")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_an_unreadable_folder_is_an_error(tmp_path):
    fill(tmp_path, {"a": 1, "b/c": 1})
    (tmp_path / "b/c").chmod(0)
    try:
        with pytest.raises(DataError, match="Permission denied"):
            find(str(tmp_path))
    finally:
        (tmp_path / "b/c").chmod(0o755)


def test_stamp_changes_with_any_file(tmp_path):
    stamps = [find(str(fill(tmp_path, {"a": 1, "b": 1}))).stamp]
    assert find(str(tmp_path)).stamp == stamps[0]
    (tmp_path / "a/000.png").write_bytes(encode(scene(30, 30)))
    stamps.append(find(str(tmp_path)).stamp)
    (tmp_path / "a/000.png").rename(tmp_path / "a/1.png")
    stamps.append(find(str(tmp_path)).stamp)
    (tmp_path / "a/1.png").rename(tmp_path / "b/1.png")
    stamps.append(find(str(tmp_path)).stamp)
    assert len(set(stamps)) == 4
