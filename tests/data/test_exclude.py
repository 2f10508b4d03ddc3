"""The list of images to leave out."""

from pathlib import Path

import pytest

from edgetl.data import exclude, sources
from edgetl.data.labels import as_text
from edgetl.errors import UsageError
from tests.data.conftest import fill


@pytest.mark.parametrize(
    "name", ["a/b.jpg", "# b/c.jpg", '"x".png', " blanks ", "two\nlines", "Zahlen/数字 ä.png", "\u2028", as_text(b"\xff.png")]
)
def test_every_name_comes_back(name: str, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text(
        f"\ufeff# said to people\r\n\r\n{exclude.line('first')}\r\n{exclude.line(name)}\n{exclude.line(name)}\n", encoding="utf-8"
    )
    assert exclude.read(str(path)) == ("first", name)


def test_a_listing_without_them_says_which_are_not_there(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder, path = fill(tmp_path / "data", {"cat": 3, "dog": 3}), tmp_path / "list.txt"
    (folder / "stray.png").write_bytes(b"x")
    whole = sources.find(str(folder))
    path.write_text("cat/000.png\nstray.png\ncat/999.png\n", encoding="utf-8")
    listing = exclude.apply(whole, str(path))
    assert [item.name for item in listing.items] == [item.name for item in whole.items if item.name != "cat/000.png"]
    assert listing.rejected == ()
    assert listing.excluded == ("cat/000.png", "stray.png")
    assert listing.stamp != whole.stamp
    assert "1 of 3 images" in caplog.text


def test_a_given_split_is_never_excluded_as_a_whole(tmp_path: Path) -> None:
    listing, path = sources.find(str(fill(tmp_path / "data", {"train/a": 2, "train/b": 2, "val/a": 1}))), tmp_path / "list.txt"
    path.write_text("val/a/000.png\n", encoding="utf-8")
    with pytest.raises(UsageError, match="excludes all images of val"):  # else a part of train would take its place
        exclude.apply(listing, str(path))


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", b'"open\n'])
def test_a_list_that_cannot_be_read(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=r"list\.txt"):
        exclude.read(str(path))
