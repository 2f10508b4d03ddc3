"""Loading: what is read, what is left out, and what is kept on disk."""

import errno
import hashlib
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from edgetl.data import images as data_images
from edgetl.data.base import Images, Rejected
from edgetl.data.decode import decode
from edgetl.data.formats import IN_NONE
from edgetl.data.index import DataIndex, IndexedImage
from edgetl.data.sources import find
from edgetl.data.splits import SplitOptions
from edgetl.errors import DataError, RunError
from tests.data.conftest import contract, encode, fill, scene


def snapshot(folder):
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def test_pixels_labels_and_hashes_in_listing_order(tmp_path, read):
    data = fill(tmp_path / "data", {"b": 40, "a": 40})
    before = snapshot(data)
    listing = find(str(data))
    images = read(listing)
    assert images.pixels.shape == (80, 8, 8, 3)
    assert images.pixels.dtype == np.uint8
    assert images.label_ids.dtype == np.int32
    assert images.names == tuple(item.name for item in listing.items)
    assert images.label_ids.tolist() == [0] * 40 + [1] * 40
    for row in (0, 39, 79):
        file = data / images.names[row]
        assert images.hashes[row] == hashlib.sha256(file.read_bytes()).hexdigest()
        assert (images.pixels[row] == decode(file.read_bytes(), contract(8))).all()
    assert snapshot(data) == before  # sources are never changed


def test_rows_and_split_off(tmp_path, read):
    images = read(find(str(fill(tmp_path / "data", {"a": 60, "b": 60}))), val_fraction=0.3, test_fraction=0.2)
    rows = [images.rows(split) for split in ("train", "val", "test")]
    assert all(len(part) > 5 and part.dtype == np.int64 for part in rows)
    assert sorted(np.concatenate(rows)) == list(range(120))
    with pytest.raises(ValueError, match="'valid' is not one of"):
        images.rows("valid")


def test_another_size_has_the_same_images_and_says_nothing_twice(tmp_path, read, caplog):
    data = fill(tmp_path / "data", {"a": 40, "b": 40})
    (data / "a" / "damaged.png").write_bytes(b"no image")
    listing = find(str(data))
    images = read(listing)
    assert "left out" in caplog.text
    caplog.clear()
    options = data_images.LoadOptions(
        split=SplitOptions(val_fraction=0.2, test_fraction=0.0, seed=0), max_bad_fraction=0.05, memory_mib=64, cache=tmp_path / "cache"
    )
    larger = data_images.resized(images, listing, contract(16), options)
    assert not caplog.text
    assert larger.pixels.shape == (80, 16, 16, 3)
    assert (larger.hashes, larger.names, larger.rejected) == (images.hashes, images.names, images.rejected)
    with pytest.raises(DataError, match="changed while it was read"):
        data_images.resized(replace(images, hashes=images.hashes[::-1]), listing, contract(16), options)


@pytest.mark.parametrize("memory_mib", [64, 0])
@pytest.mark.parametrize("earlier", [(), (8,), (16,)])
def test_sizes_that_are_read_together_are_those_read_apart(tmp_path, read, memory_mib, earlier):
    data = fill(tmp_path / "data", {"a": 40, "b": 40})
    (data / "a" / "large.jpg").write_bytes(encode(scene(90, 120, 7), "JPEG"))
    (data / "b" / "damaged.png").write_bytes(b"no image")
    listing, sizes = find(str(data)), (8, 16)
    apart = [read(listing, size) for size in sizes]
    for size in earlier:
        read(listing, size, memory_mib=memory_mib)
    split = SplitOptions(val_fraction=0.2, test_fraction=0.0, seed=0)
    options = data_images.LoadOptions(split=split, max_bad_fraction=0.05, memory_mib=memory_mib, cache=tmp_path / "cache")
    for _ in range(2):
        together = data_images.load_sizes(listing, [contract(size) for size in sizes], options)
        for one, other in zip(apart, together, strict=True):
            assert np.array_equal(one.pixels[:], other.pixels[:])
            assert DataIndex.of(one) == DataIndex.of(other)
    assert len(list((tmp_path / "cache").glob("*"))) == (0 if memory_mib else 4)


def test_splits_of_the_source_are_used(tmp_path, read):
    images = read(find(str(fill(tmp_path / "data", {"train/a": 3, "train/b": 3, "val/a": 2, "val/b": 2}))), test_fraction=0.3)
    assert images.splits.tolist() == ["train"] * 6 + ["val"] * 4


def test_val_is_split_off_from_train_alone(tmp_path, read):
    images = read(find(str(fill(tmp_path / "data", {"train/a": 9, "train/b": 9, "test/a": 2, "test/b": 2}))), test_fraction=0.5)
    assert [images.names[row][:5] for row in images.rows("test")] == ["test/"] * 4
    assert len(images.rows("val")) >= 2
    assert len(images.rows("train")) + len(images.rows("val")) == 18
    only_train = read(find(str(fill(tmp_path / "only", {"train/a": 30, "train/b": 30}))), test_fraction=0.3)
    assert all(len(only_train.rows(split)) for split in ("train", "val", "test"))


def test_a_class_missing_in_val_is_a_warning(tmp_path, read, caplog):
    read(find(str(fill(tmp_path / "data", {"train/a": 3, "train/b": 3, "val/a": 2}))))
    assert "no validation image in 'b'" in caplog.text


def test_adding_images_keeps_splits_and_changes_the_fingerprint(tmp_path, read):
    data = fill(tmp_path / "data", {"a": 50, "b": 50})
    before = read(find(str(data)))
    assert read(find(str(data))).fingerprint == before.fingerprint
    after = read(find(str(fill(data, {"a": 10, "b": 10}, start=500))))
    splits = dict(zip(after.names, after.splits, strict=True))
    assert all(splits[name] == split for name, split in zip(before.names, before.splits, strict=True))
    assert after.fingerprint != before.fingerprint


def test_duplicates_share_a_split(tmp_path, read):
    data = fill(tmp_path / "data", {"a": 30, "b": 30})
    for path in sorted(data.rglob("*.png")):
        path.with_name("copy of " + path.name).write_bytes(path.read_bytes())
    images = read(find(str(data)), val_fraction=0.4)
    assert len({(content, split) for content, split in zip(images.hashes, images.splits, strict=True)}) == 60


def test_bad_files_are_left_out_with_reasons(tmp_path, read, caplog):
    data = fill(tmp_path / "data", {"a": 30, "b": 30})
    (data / "a/empty.jpg").touch()
    (data / "b/new\nline.jpg").write_bytes(b"no image")
    images = read(find(str(data)))
    assert len(images.names) == len(images.pixels) == 60
    assert images.rejected == (
        Rejected("a/empty.jpg", "the file is empty"),
        Rejected("b/new\nline.jpg", IN_NONE),
    )
    assert r"'b/new\nline.jpg': not a JPEG" in caplog.text
    assert (images.pixels[-1] == decode((data / images.names[-1]).read_bytes(), contract(8))).all()


def test_too_many_bad_files(tmp_path, read):
    data = fill(tmp_path / "data", {"a": 38, "b": 38})
    for index in range(4):
        (data / f"a/bad{index}.jpg").touch()
    assert len(read(find(str(data))).rejected) == 4  # 4 of 80 are 5 %: just allowed
    for index in range(4, 30):
        (data / f"a/bad{index}.jpg").touch()
    with pytest.raises(DataError) as caught:
        read(find(str(data)))
    assert "30 of 106 files cannot be used" in caught.value.problem
    assert caught.value.problem.count("the file is empty") == 20
    assert "and 10 more" in caught.value.problem
    assert "--set data.max_bad_fraction=1" in caught.value.remedy
    assert len(read(find(str(data)), max_bad_fraction=1.0).rejected) == 30


def test_a_file_that_vanishes_is_rejected(tmp_path, read):
    data = fill(tmp_path / "data", {"a": 5, "b": 5})
    listing = find(str(data))
    (data / "a/000.png").unlink()
    assert read(listing, max_bad_fraction=0.2).rejected == (Rejected("a/000.png", "No such file or directory"),)


@pytest.mark.parametrize(
    ("tree", "bad", "problem"),
    [
        ({"a": 3, "b": 1}, [], "fewer than 2 different usable images in 'b'"),
        ({"a": 3, "b": 0}, [], "in 'b'"),
        ({"a": 0, "b": 0}, [], "no image that can be used"),
        ({"a": 1, "b": 1}, ["a/000.png", "b/000.png"], "no image that can be used"),
        ({"train/a": 2, "train/b": 1, "val/a": 1, "val/b": 2}, ["train/b/000.png"], "no usable training image in 'b'"),
        ({"train/a": 2, "train/b": 2, "val/a": 1}, ["val/a/000.png"], "no usable validation image"),
    ],
)
def test_too_few_images(tmp_path, read, tree, bad, problem):
    data = fill(tmp_path / "data", tree)
    for name in bad:
        (data / name).write_bytes(b"")
    with pytest.raises(DataError, match=problem):
        read(find(str(data)), max_bad_fraction=1.0)


def test_a_class_of_copies_is_too_few(tmp_path, read):
    data = fill(tmp_path / "data", {"a": 3, "b": 1})
    (data / "b/copy.png").write_bytes((data / "b/000.png").read_bytes())
    with pytest.raises(DataError, match="fewer than 2 different"):
        read(find(str(data)))


def test_cache_gives_the_same_and_is_reused(tmp_path, read, monkeypatch):
    data = fill(tmp_path / "data", {"a": 8, "b": 8})
    (data / "a/bad.jpg").touch()
    listing = find(str(data))
    in_memory = read(listing, max_bad_fraction=0.1)
    on_disk = read(listing, max_bad_fraction=0.1, memory_mib=0)
    monkeypatch.setattr(data_images, "decode_sizes", lambda *_: pytest.fail("decoded again"))
    for images in (on_disk, read(listing, max_bad_fraction=0.1, memory_mib=0)):
        assert isinstance(images.pixels, data_images.StoredRows)
        assert (images.pixels[:] == in_memory.pixels).all()
        assert (images.pixels[np.array([[3, 0], [5, 5]])] == in_memory.pixels[[[3, 0], [5, 5]]]).all()
        assert (images.pixels[7] == in_memory.pixels[7]).all()
        assert DataIndex.of(images) == DataIndex.of(in_memory)
        assert len(images.rejected) == 1
    monkeypatch.undo()
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_cache_is_renewed_when_anything_changed(tmp_path, read):
    data = fill(tmp_path / "data", {"a": 4, "b": 4})
    read(find(str(data)), memory_mib=0)
    (data / "a/000.png").write_bytes(encode(scene(10, 12, 999)))
    changed = read(find(str(data)), memory_mib=0)
    assert len(list((tmp_path / "cache").iterdir())) == 2  # the older one is gone
    assert (changed.pixels[0] == decode(encode(scene(10, 12, 999)), contract(8))).all()
    assert read(find(str(data)), 6, memory_mib=0).pixels.shape == (8, 6, 6, 3)
    assert len(list((tmp_path / "cache").iterdir())) == 4  # sizes live side by side: a run validates in one and trains in another
    next((tmp_path / "cache").glob("pixels-6-*.npy")).unlink()
    assert read(find(str(data)), 6, memory_mib=0).pixels.shape == (8, 6, 6, 3)


def test_an_interrupted_cache_leaves_nothing(tmp_path, read, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(data_images, "decode_sizes", interrupt)
    with pytest.raises(KeyboardInterrupt):
        read(find(str(fill(tmp_path / "data", {"a": 4, "b": 4}))), memory_mib=0)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_full_disk_is_an_error(tmp_path, read, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(data_images._CacheFile, "append", full)
    with pytest.raises(RunError, match=r"cannot write .*No space left"):
        read(find(str(fill(tmp_path / "data", {"a": 2, "b": 2}))), memory_mib=0)
    assert list((tmp_path / "cache").iterdir()) == []


def test_little_is_in_flight(tmp_path, read):
    """A set of any size streams: reading is at most one window ahead of what was taken."""
    listing = find("digits")
    begun: list[str] = []

    def watched(item):
        def _read():
            begun.append(item.name)
            return item.read()

        return replace(item, read=_read)

    stream = data_images.stream([watched(item) for item in listing.items], partial(data_images._read, [contract(8)]))
    for _ in range(10):
        next(stream)
    assert len(begun) <= 10 + data_images._IN_FLIGHT
    stream.close()


def test_index(tmp_path, read):
    data = fill(tmp_path / "dätä", {"a": 20, "b": 20})
    (data / "a/bad.txt").write_text("x")
    images = read(find(str(data)))
    DataIndex.of(images, ["a/gone.png"]).write(tmp_path / "data.json")
    index = DataIndex.read(tmp_path / "data.json")
    assert index.source == str(data)
    assert index.class_names == ("a", "b")
    assert index.stamp == find(str(data)).stamp
    assert index.fingerprint == images.fingerprint
    assert sum(index.counts[split]["a"] for split in ("train", "val", "test")) == 20
    assert index.images[0] == IndexedImage("a/000.png", "a", str(images.splits[0]), images.hashes[0])
    assert index.rejected == (Rejected("a/bad.txt", IN_NONE),)
    assert index.excluded == ("a/gone.png",)


def test_digits_load(read):
    images = read(find("digits"))
    assert len(images.names) == 1797
    assert 290 < len(images.rows("val")) < 430  # 359 +- 4 standard deviations of 17
    assert images.fingerprint == read(find("digits"), 4).fingerprint


def test_images_refuse_nonsense():
    with pytest.raises(ValueError, match="not images"):
        Images(np.zeros((2, 4, 4, 3), np.uint8), np.zeros(1, np.int32), np.array(["train"]), ("x",), ("h",), ("a", "b"), (), "f")


def test_flowers(read, shared_data):
    listing = find(str(shared_data("tf_flowers")))
    counts = [sum(item.split == split for item in listing.items) for split in ("train", "val", "test")]
    assert counts == [2934, 736, 0]
    assert not listing.rejected
    assert listing.class_names == ("daisy", "dandelion", "roses", "sunflowers", "tulips")
    some = replace(listing, items=listing.items[::12])
    images = read(some, 32)
    assert images.pixels.shape == (306, 32, 32, 3)
    assert not images.rejected
    assert 60 < images.pixels.mean() < 160  # photographs: neither blank ...
    assert images.pixels.std() > 40  # ... nor flat
