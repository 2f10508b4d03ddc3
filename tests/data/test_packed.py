"""Packed images are the same images, from a disk and from TensorFlow's own store of files; a damaged pack is found out."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgetl.contract import Contract
from edgetl.data import images, sources
from edgetl.data.base import Images
from edgetl.data.index import DataIndex
from edgetl.data.packed import find
from edgetl.data.shards import INDEX
from edgetl.data.splits import SplitOptions
from edgetl.errors import DataError, RunError
from edgetl.pipeline.pack import pack
from tests.data.conftest import fill


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fill(tmp_path / "Bilder für 数字", {"a": 20, "b": 15, "c": 5})


def load(source: object, tmp_path: Path, **options: Any) -> Images:
    listing = sources.find(str(source))
    contract = Contract.square(8, 1 / 127.5, 127, listing.class_names)
    settings = {"max_bad_fraction": 0.0, "memory_mib": 100, "cache": tmp_path / "cache"}
    split = SplitOptions(val_fraction=0.2, test_fraction=0.1, seed=0)
    return images.load(listing, contract, images.LoadOptions(split=split, **settings | options))


def by_name(loaded: Images) -> dict[str, Any]:
    rows = zip(loaded.names, loaded.label_ids, loaded.splits, loaded.hashes, strict=True)
    return {name: (label, split, content, loaded.pixels[row].tobytes()) for row, (name, label, split, content) in enumerate(rows)}


@pytest.mark.parametrize("where", ["packed", "ram://pack_test/flowers"])
def test_the_same_images_in_another_order(folder: Path, tmp_path: Path, where: str) -> None:
    out = str(tmp_path / where) if "://" not in where else where
    made = pack(sources.find(str(folder)), out, 3, 1, 0)
    assert (len(made.index.shards), made.kept) == (3, 0)
    packed, loose = load(out, tmp_path), load(folder, tmp_path)
    assert by_name(packed) == by_name(loose), "names, labels, splits, contents and pixels"
    assert packed.fingerprint == loose.fingerprint, "a run that was trained on the folder knows its images again"
    assert packed.names != loose.names, "shuffled"


def test_shards_are_bounded_and_even(folder: Path, tmp_path: Path) -> None:
    for number in range(40):
        (folder / "a" / f"{number}.bmp").write_bytes(b"B" * 100_000)
    made = pack(sources.find(str(folder)), str(tmp_path / "out"), 1, 1, 0)
    sizes = [path.stat().st_size for path in (tmp_path / "out").glob("*.tfrecord")]
    assert len(sizes) == len(made.index.shards) > 3
    assert max(sizes) <= 2**20
    assert min(sizes) > 0.5 * max(sizes)
    with pytest.raises(DataError, match="larger than a shard"):
        (folder / "a" / "large.bmp").write_bytes(b"B" * 2**20)
        pack(sources.find(str(folder)), str(tmp_path / "other"), 1, 1, 0)


def test_an_interrupted_pack_goes_on(folder: Path, tmp_path: Path) -> None:
    out, calls, listing = tmp_path / "out", iter(range(100)), sources.find(str(folder))
    whole = pack(listing, str(tmp_path / "whole"), 4, 1, 7)

    def read(item: Any) -> bytes:
        if next(calls) == 25:
            raise KeyboardInterrupt
        return bytes(item.read())

    dying = replace(listing, items=tuple(replace(item, read=lambda item=item: read(item)) for item in listing.items))
    with pytest.raises(KeyboardInterrupt):
        pack(dying, str(out), 4, 1, 7)
    assert not (out / INDEX).exists()
    with pytest.raises(DataError):
        load(out, tmp_path)
    again = pack(sources.find(str(folder)), str(out), 4, 1, 7)
    assert (again.kept, again.index) == (2, whole.index)
    assert not list(out.glob(".partial-*"))
    assert pack(sources.find(str(folder)), str(out), 4, 1, 7).kept == 4


def test_nothing_is_overwritten(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    pack(sources.find(str(folder)), str(out), 2, 1, 0)
    with pytest.raises(RunError, match="other images"):
        pack(sources.find(str(folder)), str(out), 2, 1, 1)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(RunError, match=r"thesis\.txt"):
        pack(sources.find(str(folder)), str(tmp_path / "mine"), 2, 1, 0)


def test_an_unreadable_file_is_named(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = sources.find(str(folder))
    gone = Path(folder, listing.items[3].name)
    monkeypatch.setattr(sources, "find", lambda _: listing)
    gone.unlink()
    made = pack(sources.find(str(folder)), str(tmp_path / "out"), 2, 1, 0)
    assert [one.name for one in made.index.left_out] == [listing.items[3].name]
    monkeypatch.undo()
    assert len(load(tmp_path / "out", tmp_path, max_bad_fraction=0.1).names) == 39


@pytest.fixture
def packed(folder: Path, tmp_path: Path) -> Path:
    pack(sources.find(str(folder)), str(tmp_path / "out"), 2, 1, 0)
    return tmp_path / "out"


def test_a_changed_byte_costs_one_image(packed: Path, tmp_path: Path) -> None:
    shard = next(packed.glob("*.tfrecord"))
    data = bytearray(shard.read_bytes())
    data[data.index(b"IDAT")] ^= 1
    shard.write_bytes(data)
    loaded = load(packed, tmp_path, max_bad_fraction=0.1)
    assert [one.reason.partition(":")[0] for one in loaded.rejected] == ["damaged in its shard"]
    shard.write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match="damaged in its shard"):
        load(packed, tmp_path)


def _wrong_hash(pack_index: dict[str, Any], shard_index: dict[str, Any]) -> None:
    pack_index["shards"][0]["index_sha256"] = "0" * 64


def _unknown_key(pack_index: dict[str, Any], shard_index: dict[str, Any]) -> None:
    pack_index["more"] = 1


def _other_classes(pack_index: dict[str, Any], shard_index: dict[str, Any]) -> None:
    pack_index["class_names"] = ["a", "b"]


def _path_outside(pack_index: dict[str, Any], shard_index: dict[str, Any]) -> None:
    pack_index["shards"][0]["file"] = "../../etc/passwd"


def _changed_shard_index(pack_index: dict[str, Any], shard_index: dict[str, Any]) -> None:
    shard_index["images"][0]["class_name"] = "b"


@pytest.mark.parametrize("damage", [_wrong_hash, _unknown_key, _other_classes, _path_outside, _changed_shard_index])
def test_a_changed_index_is_refused(packed: Path, damage: Any) -> None:
    paths = packed / INDEX, packed / "images-00000.json"
    documents = [json.loads(path.read_text()) for path in paths]
    damage(*documents)
    for path, document in zip(paths, documents, strict=True):
        path.write_text(json.dumps(document))
    with pytest.raises(DataError):
        find(str(packed))


def test_a_store_that_tensorflow_does_not_reach_is_to_be_mounted(folder: Path) -> None:
    with pytest.raises(DataError, match="mount any other as a folder"):
        sources.find("s3://bucket/flowers")
    with pytest.raises(RunError, match="mount any other as a folder"):
        pack(sources.find(str(folder)), "s3://bucket/flowers", 1, 1, 0)


def test_train_takes_it(packed: Path, cli: Any, tmp_path: Path) -> None:
    moved = shutil.move(packed, tmp_path / "moved ä")
    outcome = cli(
        *("train", moved, "--out", tmp_path / "run", "--backbone", "small_cnn", "--weights", "none", "--image-size", 32, "--json"),
        *("--set", "train.epochs=0", "--set", "train.head_epochs=1", "--no-qat"),
    )
    assert outcome.code == 0, outcome.err
    assert sum(DataIndex.read(tmp_path / "run/data.json").counts["train"].values()) > 20
