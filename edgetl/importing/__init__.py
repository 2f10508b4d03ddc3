"""Model files from elsewhere, read as data and never run. A kind of file is one file with an `IMPORTER` and one line here."""

import hashlib
from pathlib import Path

from edgetl.errors import ModelFileError
from edgetl.files import sha256
from edgetl.importing.base import ImportedModel, Wish, damaged
from edgetl.importing.graph import Importer
from edgetl.importing.torch_file import SUFFIXES as PYTORCH
from edgetl.registry import Registry

IMPORTERS: "Registry[Importer]" = Registry(
    "kind of model file",
    {
        # The first one, since it loads little.
        "torch": ("edgetl.importing.torch_file:IMPORTER", "PyTorch's own files: the error says how to export them"),
        "onnx": ("edgetl.importing.onnx_file:IMPORTER", "ONNX files of PyTorch, Paddle, tf2onnx and others"),
        "keras": ("edgetl.importing.keras_file:IMPORTER", ".keras and .h5 files of Keras 2 and Keras 3"),
        "tflite": ("edgetl.importing.tflite_file:IMPORTER", "TFLite files, float or of 8 bits"),
        "saved_model": ("edgetl.importing.saved_model:IMPORTER", "TensorFlow's SavedModel folders"),
    },
)


def read(path: Path, wish: Wish | None = None) -> ImportedModel:
    """Return the float model that a file holds, of plain layers, and the integers of one that is quantized.

    Raises ModelFileError when it is damaged, unknown, or no classifier of images; QuantizedFile where it is quantized in another way than
    edgetl's files are.
    """
    from edgetl.importing.convert import converted

    importer = IMPORTERS.load(kind(path))
    wish = wish or Wish()
    graph, origin = importer.read(path, wish)
    return converted(path, graph, origin, identity(path), features=wish.features)


def check(path: Path) -> None:
    """Raise ModelFileError where the path alone shows that there is no network to be read; it takes no time, which reading does."""
    importer = IMPORTERS.load(kind(path))
    if path.suffix.lower() in PYTORCH:
        importer.read(path, Wish())  # which refuses them all


def is_network(path: Path) -> bool:
    """Return whether a path holds a network, or is named like one where nothing is there; files of weights alone hold no network."""
    suffix = path.suffix.lower()
    if suffix in (".h5", ".hdf5"):
        from edgetl.importing.keras_file import is_complete

        return is_complete(path)
    return suffix in (".onnx", ".keras", ".tflite", *PYTORCH) or path.is_dir()  # PyTorch's are refused with what to do


def kind(path: Path) -> str:
    """Return which kind of model file a path is. Raises ModelFileError where it is not a model file."""
    if not path.exists():
        raise ModelFileError(f"there is no model at {path}", "give the path of a model file, or of a SavedModel folder")
    if path.is_file() and not path.stat().st_size:
        raise damaged(path, "the file is empty")
    for name in IMPORTERS:
        if IMPORTERS.load(name).takes(path):
            return name
    raise ModelFileError(
        f"{path} is not a model file that edgetl can read", "give an .onnx, .keras, .h5 or .tflite file, or a SavedModel folder"
    )


def identity(path: Path) -> str:
    """Return the sha256 of a file, or of the names and contents of a folder's files."""
    if path.is_file():
        return sha256(path)
    every = hashlib.sha256()
    for file in sorted(one for one in path.rglob("*") if one.is_file()):
        every.update(f"{file.relative_to(path).as_posix()} {sha256(file)}\n".encode("utf-8", "surrogateescape"))
    return every.hexdigest()
