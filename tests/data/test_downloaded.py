"""Published sets, from files of their formats: right pixels, classes and splits, by their hash only, and a clear message without them."""

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgetl.data import downloaded
from edgetl.data.sources import find, read_image
from edgetl.errors import DataError

RANDOM = np.random.default_rng(4)
GREY = {split: RANDOM.integers(0, 256, (count, 28, 28), dtype=np.uint8) for split, count in (("train", 30), ("test", 10))}
COLOUR = RANDOM.integers(0, 256, (60, 32, 32, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All files of the three sets, each with a few images, and their hashes in the place of the published ones."""
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as archive:
        for number, name in enumerate([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]):
            content = b"".join(bytes([row % 10]) + COLOUR[row].transpose(2, 0, 1).tobytes() for row in range(10 * number, 10 * number + 10))
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    labels = {split: (np.arange(len(pixels)) % 10).astype(np.uint8) for split, pixels in GREY.items()}
    arrays = {f"x_{split}": pixels for split, pixels in GREY.items()} | {f"y_{split}": values for split, values in labels.items()}
    np.savez(tmp_path / "mnist.npz", **arrays)
    fashion = {}
    for split, files in downloaded._FASHION.items():
        contents = bytes(16) + GREY[split].tobytes(), bytes(8) + labels[split].tobytes()
        for (name, _, _), content in zip(files, contents, strict=True):
            (tmp_path / name).write_bytes(gzip.compress(content))
        fashion[split] = tuple((name, address, digest(tmp_path / name, "md5")) for name, address, _ in files)
    monkeypatch.setattr(downloaded, "_FASHION", fashion)
    for attribute in ("_CIFAR10", "_MNIST"):
        name, address, _ = getattr(downloaded, attribute)
        monkeypatch.setattr(downloaded, attribute, (name, address, digest(tmp_path / name, "sha256")))
    monkeypatch.setenv(downloaded.DATA_DIR, str(tmp_path))
    return tmp_path


def digest(path: Path, kind: str) -> str:
    return hashlib.new(kind, path.read_bytes()).hexdigest()


@pytest.mark.parametrize(("name", "trained"), [("cifar10", 50), ("mnist", 30), ("fashion_mnist", 30)])
def test_images_classes_and_splits_are_those_of_the_files(name: str, trained: int, folder: Path) -> None:
    listing = find(name)
    assert len(listing.class_names) == 10
    assert [item.split for item in listing.items] == ["train"] * trained + ["test"] * 10
    wanted = COLOUR if name == "cifar10" else np.concatenate([GREY["train"], GREY["test"]])
    for row, item in enumerate(listing.items):
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(item.read()))), wanted[row])
        assert item.class_name == listing.class_names[row % 10]
    assert read_image(f"{name}:7") == listing.items[7].read()
    assert find(name).stamp == listing.stamp


@pytest.mark.parametrize(
    ("name", "file"), [("cifar10", "cifar-10-binary.tar.gz"), ("mnist", "mnist.npz"), ("fashion_mnist", "t10k-labels-idx1-ubyte.gz")]
)
def test_another_file_under_that_name_is_refused(name: str, file: str, folder: Path) -> None:
    (folder / file).write_bytes(b"something else")
    with pytest.raises(DataError, match=rf"{file} is not the published {file}: its hash is "):
        find(name)


@pytest.mark.parametrize("name", ["cifar10", "mnist", "fashion_mnist"])
def test_without_a_network_the_folder_is_named(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from edgetl.keras import keras

    def get_file(*args: object, **kwargs: object) -> str:
        raise Exception("URL fetch failure on https://...: None -- Network is unreachable")  # as Keras does

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    for folder in ("", str(tmp_path)):
        monkeypatch.setenv(downloaded.DATA_DIR, folder)
        with pytest.raises(DataError, match="could not be obtained: URL fetch failure") as caught:
            find(name)
        assert "EDGETL_DATA_DIR" in caught.value.remedy
        assert "https://" in caught.value.remedy


def test_a_download_is_kept_where_keras_keeps_it(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from edgetl.keras import keras

    asked = []

    def get_file(name: str, address: str, cache_subdir: str, file_hash: str) -> str:
        asked.append((name, address, cache_subdir, len(file_hash)))
        print("Downloading data from ...")  # noqa: T201  as Keras does
        return str(folder / name)

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    monkeypatch.delenv(downloaded.DATA_DIR)
    assert len(find("cifar10").items) == 60
    assert asked == [("cifar-10-binary.tar.gz", "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", "datasets", 64)]
    assert capsys.readouterr().out == "", "stdout is for results"
