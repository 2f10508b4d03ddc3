"""Sets of small images that everybody measures with: from a folder where they are, else downloaded once by Keras and kept in its cache.

Only plain formats are read (NumPy arrays, IDX, CIFAR's binary records): none of these can hold code. Each file must have its known hash.
"""

import gzip
import hashlib
import logging
import tarfile
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgetl.data.base import Item, Listing
from edgetl.data.decode import png
from edgetl.errors import DataError
from edgetl.files import place_in

logger = logging.getLogger(__name__)

DATA_DIR = "EDGETL_DATA_DIR"  # environment variable: a folder with the sets' files by their publishers' names
_KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_CIFAR10 = (
    "cifar-10-binary.tar.gz",
    "https://www.cs.toronto.edu/~kriz/",
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
)
_MNIST = ("mnist.npz", _KERAS, "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1")
_FASHION = {  # MD5, as its authors publish it
    "train": (
        ("train-images-idx3-ubyte.gz", _KERAS, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("train-labels-idx1-ubyte.gz", _KERAS, "25c81989df183df01b3e8a0aad5dffbe"),
    ),
    "test": (
        ("t10k-images-idx3-ubyte.gz", _KERAS, "bef4ecab320f06d8554ea6380940ec79"),
        ("t10k-labels-idx1-ubyte.gz", _KERAS, "bb300cfdad3c16e7a12a480ee83cd310"),
    ),
}
_CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_FASHION_CLASSES = ("T-shirt or top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
_RECORD = 1 + 3 * 32 * 32  # bytes: the label, then the red, green and blue planes

Part = tuple[str, NDArray[np.uint8], NDArray[np.uint8]]  # split, pixels [N, H, W] or [N, H, W, 3], labels [N]


def cifar10(source: str) -> Listing:
    """60000 colour images of 32 x 32 pixels, 10000 of them kept for testing (Krizhevsky 2009)."""
    file = _file(*_CIFAR10)

    def parts() -> Iterator[Part]:
        with tarfile.open(file) as archive:
            for number in (1, 2, 3, 4, 5, 0):
                member = archive.extractfile(f"cifar-10-batches-bin/{f'data_batch_{number}' if number else 'test_batch'}.bin")
                records = np.frombuffer(member.read() if member else b"", np.uint8).reshape(-1, _RECORD)
                pixels = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
                yield "train" if number else "test", pixels, records[:, 0]

    return _listing(source, _CIFAR10_CLASSES, parts())


def mnist(source: str) -> Listing:
    """70000 handwritten digits of 28 x 28 grey pixels, 10000 of them kept for testing (LeCun et al. 1998)."""
    with _file(*_MNIST).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        parts: list[Part] = [(split, arrays[f"x_{split}"], arrays[f"y_{split}"]) for split in ("train", "test")]
    return _listing(source, tuple("0123456789"), parts)


def fashion_mnist(source: str) -> Listing:
    """70000 pieces of clothing of 28 x 28 grey pixels, 10000 of them kept for testing (Xiao et al. 2017, arXiv:1708.07747)."""
    contents = {split: [gzip.decompress(_file(*one).read_bytes()) for one in files] for split, files in _FASHION.items()}
    parts = [  # an IDX file's header has 4 bytes and 4 for each of its dimensions
        (split, np.frombuffer(pixels, np.uint8, offset=16).reshape(-1, 28, 28), np.frombuffer(label_ids, np.uint8, offset=8))
        for split, (pixels, label_ids) in contents.items()
    ]
    return _listing(source, _FASHION_CLASSES, parts)


def _listing(source: str, classes: tuple[str, ...], parts: Iterable[Part]) -> Listing:
    items: list[Item] = []
    for split, pixels, label_ids in parts:
        for image, label in zip(pixels, label_ids, strict=True):
            items.append(Item(f"{source}:{len(items)}", classes[label], split, partial(png, image), f"{source}, png 1"))
    return Listing(source, classes, tuple(items), ())


def _file(name: str, address: str, wanted: str) -> Path:
    """Raises DataError when it is not to be had, or is another file; UsageError where the user's folder is not there."""
    folder = place_in(DATA_DIR)
    if folder and not (folder / name).is_file():
        logger.info(f"{name} is not in {folder}, which {DATA_DIR} names: it is downloaded, or was before")
        folder = None
    path = folder / name if folder else _downloaded(name, address, wanted)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256" if len(wanted) == 64 else "md5").hexdigest()
    if found != wanted:
        raise DataError(f"{path} is not the published {name}: its hash is {found}, not {wanted}", "delete it, and get it again")
    return path


def _downloaded(name: str, address: str, wanted: str) -> Path:
    from edgetl.keras import download  # TensorFlow takes seconds to import, and what is here already needs none of it

    try:
        return download(name, address, "datasets", wanted)
    except OSError as error:
        raise DataError(
            f"{name} could not be obtained: {error}",
            f"set {DATA_DIR} to a folder that holds {address}{name} under that name, or use the set that comes with edgetl: digits",
        ) from error
