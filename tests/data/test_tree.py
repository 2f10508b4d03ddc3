"""Links, what other programs leave among images, and copies across splits."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edgetl.data.base import Images, Link, Reading
from edgetl.data.folder import find
from edgetl.data.index import DataIndex
from edgetl.data.tree import images_below
from edgetl.errors import DataError
from edgetl.pipeline.project import Project
from edgetl.pipeline.train.stages import find_data
from edgetl.recipe import load
from tests.data.conftest import encode, fill, scene

FOLLOW = Reading(follow_links=True)


def linked(data: Path, places: list[str]) -> Path:
    """Return the folder after what lies at these places was moved out of it, with links left behind."""
    for number, place in enumerate(places):
        for path in sorted(data.glob(place)):
            target = data.parent / f"cache-{number}" / path.relative_to(data)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
            path.symlink_to(target)
    return data


@pytest.mark.parametrize(
    ("places", "named", "folders"),
    [
        (["train/a"], "train/a -> ", ["train/a"]),
        (["train/*"], "train/b -> ", ["train/a", "train/b"]),
        (["val"], "val -> ", ["val"]),
        (["train", "val"], "train -> ", ["train", "val"]),
        (["train/a/*"], "train/a$", ["train/a"]),
        (["val/*/*"], "val/b$", ["val/a", "val/b"]),
        (["*/*/*"], "train/a$", ["train/a", "train/b"]),
        (["train/b/00[123].png"], "train/b$", ["train/b"]),  # most images
    ],
)
def test_links_that_would_lose_images(tmp_path: Path, places: list[str], named: str, folders: list[str]) -> None:
    data = fill(tmp_path / "data", {"train/a": 4, "train/b": 4, "val/a": 2, "val/b": 2})
    names = [item.name for item in find(str(data)).items]
    linked(data, places)
    with pytest.raises(DataError, match=rf"(?sm)links.*  {named}") as caught:
        find(str(data))
    assert "data.follow_links=true" in caught.value.remedy
    listing = find(str(data), FOLLOW)
    assert [item.name for item in listing.items] == names
    assert {item.split for item in listing.items} == {"train", "val"}
    assert all(item.read() for item in listing.items)
    real = {link.name: link.real_path for link in listing.links}
    assert real.keys() >= set(folders)
    assert all(str(tmp_path / "cache-") in path for path in real.values())


def test_a_single_linked_image_is_listed_as_a_link_and_not_as_bad(
    tmp_path: Path, read: Callable[..., Images], caplog: pytest.LogCaptureFixture
) -> None:
    data = linked(fill(tmp_path / "data", {"a": 4, "b": 4}), ["a/001.png"])
    images = read(find(str(data)), max_bad_fraction=0.0)
    assert [(one.name, one.reason, one.bad) for one in images.rejected] == [
        ("a/001.png", "a link that leads out of the data folder", False)
    ]
    assert "1 link left out (to read what they lead to: --set data.follow_links=true)" in caplog.text
    assert len(read(find(str(data), FOLLOW)).names) == 8


def test_links_that_lead_to_nothing_are_never_followed(tmp_path: Path) -> None:
    data = fill(tmp_path / "data", {"a": 2, "b": 2})
    (data / "c").symlink_to(tmp_path / "unmounted")
    for reading in (Reading(), FOLLOW):
        with pytest.raises(DataError, match=r"which point nowhere:\n  c -> /.*unmounted"):
            find(str(data), reading)


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    data = fill(tmp_path / "data", {"a": 2, "b": 2})
    (data / "a/up").symlink_to(data)
    (data / "a/self").symlink_to(data / "a/self")
    (data / "a/b").symlink_to(data / "b")
    (data / "b/a").symlink_to(data / "a")
    listing = find(str(data), FOLLOW)
    assert {item.name for item in listing.items} > {"a/000.png", "a/b/001.png", "b/a/000.png"}
    assert len(listing.items) < 50
    assert Link("a/b", str(data / "b")) in listing.links


@pytest.mark.parametrize(
    "names",
    [
        ["__MACOSX", ".hidden.d", "@eaDir", ".ipynb_checkpoints", "$RECYCLE.BIN", "__pycache__", "lost+found"],
        ["Thumbs.db", "desktop.ini", ".DS_Store", "._000.png", "ehthumbs.db"],
    ],
)
@pytest.mark.parametrize("place", ["", "a", "train", "train/a"])
def test_what_other_programs_leave_is_no_class_and_no_bad_file(
    tmp_path: Path, read: Callable[..., Images], caplog: pytest.LogCaptureFixture, names: list[str], place: str
) -> None:
    data = fill(tmp_path / "data", {"train/a": 4, "train/b": 4} if "train" in place else {"a": 4, "b": 4})
    for name in names:
        if "." in name[1:] and not name.endswith(".d") and name != "$RECYCLE.BIN":
            (data / place / name).write_bytes(b"x")
        else:
            fill(data / place / name, {"a": 1, "c": 1}, start=90)
    caplog.set_level("INFO")
    listing = find(str(data))
    assert listing.class_names == ("a", "b")
    assert (len(listing.items), listing.rejected) == (8, ())
    said = [record.getMessage() for record in caplog.records if "passed over" in record.getMessage()]
    assert len(said) == 1
    assert all(repr("._*" if name.startswith("._") else name) in said[0] for name in names)
    assert read(listing, max_bad_fraction=0.0).rejected == ()


def test_a_hidden_folder_with_images_may_be_a_class(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    find(str(fill(tmp_path, {"a": 1, "b": 1, "..c": 1, ".NET": 1, ".ipynb_checkpoints": 1, ".git/x": 1, ".empty": 0})))
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warning.split("\n")[1:] == ["  ..c", "  .NET"]


def test_a_folder_to_predict_is_walked_past_the_same_files(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = fill(tmp_path / "photos", {"": 1, "a/b": 1, "__MACOSX/a": 1, "@eaDir/000.png": 1, ".cache": 1, "a/.git": 1})
    (folder / "a/._000.png").write_bytes(b"x")
    (folder / "linked").symlink_to(fill(tmp_path / "elsewhere", {"a": 1}))
    assert images_below(str(folder)) == [str(folder / "000.png"), str(folder / "a/b/000.png")]
    assert "1 subfolder left out:\n" in caplog.text
    assert "linked: a link to a folder" in caplog.text


def test_real_paths_of_links_are_recorded(tmp_path: Path) -> None:
    data = linked(fill(tmp_path / "data", {"a": 4, "b": 4}), ["a"])
    with pytest.raises(DataError, match="a -> "):
        Project.create(load(None, (), {"data.source": str(data)}), tmp_path / "run")
    recipe = load(None, ["data.follow_links=true"], {"data.source": str(data), "model.image_size": 32})
    project = Project.create(recipe, tmp_path / "run")
    with project.run.writing():
        find_data(project)
    assert DataIndex.read(project.run.data).links == (Link("a", str(tmp_path / "cache-0/a")),)


@pytest.mark.parametrize(
    ("copied", "said"),
    [
        ({}, []),
        ({"val": 1}, ["1 of 3 val images is in train too"]),
        ({"val": 2, "test": 1}, ["2 of 4 val images are in train too", "1 of 3 test images is in train too"]),
    ],
)
def test_train_says_how_many_given_images_it_learns(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, copied: dict[str, int], said: list[str]
) -> None:
    data = fill(tmp_path / "data", {f"{split}/{name}": count for split, count in (("train", 4), ("val", 1), ("test", 1)) for name in "ab"})
    for split, count in copied.items():
        for number in range(count):
            shutil.copy(data / f"train/a/00{number}.png", data / split / "a" / f"copy {number}.png")
    recipe = load(None, (), {"data.source": str(data), "model.image_size": 32})
    project = Project.create(recipe, tmp_path / "run")
    with project.run.writing():
        find_data(project)
    found = [record.getMessage() for record in caplog.records if "in train too" in record.getMessage()]
    assert [message.split(",")[0] for message in found] == said
    assert all("flatters" in message and "edgetl doctor" in message for message in found)


def test_train_names_copies_with_different_labels(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = fill(tmp_path / "data", {f"{split}/{name}": count for split, count in (("train", 4), ("val", 1)) for name in "ab"})
    for copy in ("train/a/again.png", "train/b/other.png"):
        shutil.copy(data / "train/a/000.png", data / copy)
    with caplog.at_level("WARNING"):
        project = Project.create(load(None, (), {"data.source": str(data), "model.image_size": 32}), tmp_path / "run")
        with project.run.writing():
            find_data(project)
    [found] = [record.getMessage() for record in caplog.records if "different labels" in record.getMessage()]
    assert found.startswith("3 images are copies of one another, the same file, with different labels, and the model learns them all:")
    assert "'train/a/000.png' (a), 'train/a/again.png' (a), 'train/b/other.png' (b)" in found


def test_images_without_a_class_still_count(tmp_path: Path) -> None:
    fill(tmp_path, {"a": 1, "b": 1})
    (tmp_path / "lost.png").write_bytes(encode(scene(4, 4)))
    assert [one.bad for one in find(str(tmp_path)).rejected] == [True]
