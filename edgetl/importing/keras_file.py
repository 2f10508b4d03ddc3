"""Keras files of both generations, `.keras` and `.h5`: their configuration is read as data, their weights as arrays; Keras never sees them.

So there is no Lambda, no custom object and no code: what is not in our own table of layers is an error.
"""

import tempfile
import zipfile
from pathlib import Path

import numpy as np

from edgetl.backbones.weights import hdf5
from edgetl.errors import ModelFileError
from edgetl.files import check_directory, parse_json
from edgetl.importing.base import Origin, Unsupported, Wish, damaged
from edgetl.importing.graph import Graph, Importer
from edgetl.importing.keras_graph import KerasModel, graph_of

_LARGEST_BYTES = 1 << 30
_LARGEST_CONFIG_BYTES = 1 << 24
_HDF5 = b"\x89HDF\r\n\x1a\n"
_FAULTS = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    EOFError,
    RuntimeError,
    MemoryError,
    OverflowError,
    zipfile.BadZipFile,
)


def _takes(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in (".keras", ".h5", ".hdf5")


def _read(path: Path, wish: Wish) -> tuple[Graph, Origin]:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ValueError(f"it is larger than {_LARGEST_BYTES >> 20} MiB")
        with path.open("rb") as file:
            is_hdf5 = file.read(len(_HDF5)) == _HDF5
        model = _of_hdf5(path) if is_hdf5 else _of_archive(path)
        return graph_of(model, path, wish), Origin(f"Keras {model.version}")
    except Unsupported as error:
        raise damaged(path, error) from error
    except _FAULTS as error:
        raise damaged(path, error) from error


def _of_archive(path: Path) -> KerasModel:
    """Read a .keras file: its weights lie by kind of layer, counted."""
    check_directory(path)
    with zipfile.ZipFile(path) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
        if "config.json" not in sizes or "model.weights.h5" not in sizes:
            raise ValueError("it is not a Keras v3 archive")
        if sum(sizes.values()) > _LARGEST_BYTES or sizes["config.json"] > _LARGEST_CONFIG_BYTES:
            raise ValueError("it unpacks to more than a classifier has")
        config = parse_json(archive.read("config.json"))
        about = parse_json(archive.read("metadata.json")) if sizes.get("metadata.json", 1 << 20) < 1 << 20 else {}
        with tempfile.TemporaryDirectory() as folder:
            arrays = _arrays(Path(archive.extract("model.weights.h5", folder)), "")
    version = str(about.get("keras_version", "")) if isinstance(about, dict) else ""
    return KerasModel(config, version, _Counted(arrays))


def _of_hdf5(path: Path) -> KerasModel:
    """Read an .h5 file: its weights lie by the layers' names."""
    import h5py

    arrays = _arrays(path, "model_weights")
    with h5py.File(path, "r") as file:
        text, version = file.attrs.get("model_config"), file.attrs.get("keras_version", "")
    if text is None:
        raise ModelFileError(
            f"{path} holds weights without the network that they belong to", "save the complete model: model.save('model.keras')"
        )
    config = parse_json(text if isinstance(text, bytes) else str(text).encode())
    return KerasModel(config, version.decode() if isinstance(version, bytes) else str(version), _Named(arrays))


def is_complete(path: Path) -> bool:
    """Return whether an .h5 file has a network beside its weights."""
    import h5py

    try:
        hdf5.check(path)
        with h5py.File(path, "r") as file:
            return "model_config" in file.attrs
    except _FAULTS:
        return False


def _arrays(path: Path, below: str) -> dict[str, np.ndarray]:
    """Return every array of an HDF5 file below a group, by its path. Raises one of HDF5's own exceptions, or ValueError."""
    import h5py

    hdf5.check(path)
    found: dict[str, np.ndarray] = {}

    def keep(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with h5py.File(path, "r") as file:
        if not below or below in file:
            (file[below] if below else file).visititems(keep)
    return {name: array for name, array in found.items() if array.dtype.kind in "fiu"}


class _Named:
    """Finds a layer's arrays in an .h5 file by its name, also inside of nested models."""

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self._layers: dict[str, dict[str, np.ndarray]] = {}
        for path, array in arrays.items():
            layer, _, name = path.rpartition("/")
            self._layers.setdefault(layer, {})[name.removesuffix(":0")] = array

    def find(self, kinds: tuple[str, ...], name: str, order: tuple[str, ...]) -> dict[str, np.ndarray]:
        """Return the arrays of the layer called so, by their names."""
        exact, ends = f"{name}/{name}", f"/{name}"
        close = [layer for layer in self._layers if layer == exact or layer.endswith(ends)]
        close = close or [layer for layer in self._layers if layer.startswith(f"{name}/")]  # renamed since it was made
        return self._layers[min(close, key=lambda layer: (layer != exact, len(layer)))] if close else {}


class _Counted:
    """Finds a layer's arrays in a .keras file: by its class and its number among those, in each model for itself."""

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self._arrays = arrays

    def find(self, kinds: tuple[str, ...], name: str, order: tuple[str, ...]) -> dict[str, np.ndarray]:
        """Return the arrays of the layer at this place, in `order`."""
        for layers in ("layers", "_layer_checkpoint_dependencies"):  # as later and as the first releases call it
            start = "".join(f"{layers}/{kind}/" for kind in kinds) + "vars/"
            found = [self._arrays.get(f"{start}{number}") for number in range(len(order))]
            if found and found[0] is not None:
                return {one: array for one, array in zip(order, found, strict=True) if array is not None}
        return {}


IMPORTER = Importer(_takes, _read)
