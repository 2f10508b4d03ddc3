"""What `DATA` may be, and single images."""

import io

import numpy as np
import pytest
from PIL import Image

from edgetl.data import SOURCES
from edgetl.data.decode import decode
from edgetl.data.sources import find, read_image
from edgetl.errors import DataError
from tests.data.conftest import contract, encode, fill, scene
from tests.processes import loaded_by


@pytest.mark.parametrize("name", SOURCES)
def test_each_source_loads(name):
    assert callable(SOURCES.load(name))
    assert SOURCES.summary(name)


def test_digits():
    from sklearn.datasets import load_digits

    listing = find("digits")
    drawn, labels = load_digits(return_X_y=True)
    assert listing.class_names == tuple("0123456789")
    assert len(listing.items) == 1797
    assert not listing.rejected
    assert [item.name for item in listing.items[::1796]] == ["digits:0", "digits:1796"]
    assert [int(item.class_name) for item in listing.items] == labels.tolist()
    image = Image.open(io.BytesIO(listing.items[17].read()))
    assert image.format == "PNG"
    assert image.mode == "L"
    assert (np.asarray(image) == np.rint(drawn[17].reshape(8, 8) * 255 / 16)).all()
    assert loaded_by("from edgetl.data.sources import find\nfind('digits')", ("sklearn", "scipy"), limit_s=60) == [], "it takes seconds"
    assert decode(listing.items[17].read(), contract(8)).max() == 255
    assert find("digits").stamp == listing.stamp


def test_a_folder_and_a_csv(tmp_path):
    fill(tmp_path, {"a": 1, "b": 1})
    (tmp_path / "L.CSV").write_text("path,label\na/000.png,x\nb/000.png,y\n")
    assert find(str(tmp_path)).class_names == ("a", "b")
    assert find(str(tmp_path / "L.CSV")).class_names == ("x", "y")


def test_a_limited_listing_is_spread_over_classes_splits_and_the_list(tmp_path):
    listing = find(str(fill(tmp_path, {"train/a": 9, "train/b": 2, "val/a": 4, "val/b": 4})))
    kept = listing.limited(3)
    assert [item.name for item in kept.items] == [
        *("train/a/000.png", "train/a/003.png", "train/a/006.png", "train/b/000.png", "train/b/001.png"),
        *("val/a/000.png", "val/a/001.png", "val/a/002.png", "val/b/000.png", "val/b/001.png", "val/b/002.png"),
    ]
    assert kept.class_names == listing.class_names
    assert kept.stamp != listing.stamp
    assert listing.limited(0) is listing


def test_an_embedded_name_wins_over_a_folder_with_a_warning(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(fill(tmp_path, {"digits/a": 1, "digits/b": 1}).as_posix())
    assert len(find("digits").items) == 1797
    assert "write ./digits" in caplog.text
    assert find("./digits").class_names == ("a", "b")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "no data was given"),
        ("digts", "did you mean 'digits'"),
        ("no/such/folder", "no folder and no CSV file at /.*no/such/folder"),
        ("missing.csv", "no folder and no CSV file"),
        ("x" * 5000, "no folder"),
        ("nul\0", "no folder"),
    ],
)
def test_nothing_there(source, message):
    with pytest.raises(DataError, match=message) as caught:
        find(source)
    assert "digits" in caught.value.remedy


def test_another_file(tmp_path):
    (tmp_path / "flowers.tgz").write_bytes(b"x")
    with pytest.raises(DataError, match=r"neither a folder nor a \.csv file\nunpack"):
        find(str(tmp_path / "flowers.tgz"))


def test_read_image(tmp_path):
    path = tmp_path / "odd: näme\n.png"
    path.write_bytes(encode(scene(4, 4)))
    assert read_image(str(path)) == encode(scene(4, 4))
    assert read_image("digits:17") == find("digits").items[17].read()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("digits:1797", "there are digits:0 to digits:1796"),
        ("digits:", "no image"),
        ("nope.jpg", "cannot read the image 'nope.jpg': No such file"),
        (".", "not a file"),
        ("", "cannot read"),
        ("nul\0", "null byte"),
    ],
)
def test_read_image_that_is_missing(name, message):
    with pytest.raises(DataError, match=message):
        read_image(name)
