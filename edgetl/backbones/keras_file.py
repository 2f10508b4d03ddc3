"""The one door for `.keras` files: what is in them is data of edgetl's own kinds of layers, and never code.

Keras' safe mode is not enough: it refuses Lambda layers, but imports any module and calls any function that the file names.
"""

import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from edgetl.keras import keras, tf

import edgetl.backbones.channel_slice
import edgetl.backbones.hard_sigmoid  # noqa: F401  both register layers of our own
from edgetl.backbones.weights import hdf5
from edgetl.files import atomic, check_directory

_LARGEST_BYTES = 1 << 30  # of all parts together: ten times a large network of these families
_LARGEST_CONFIG_BYTES = 1 << 24
_LARGEST_NUMBER = 10_000_000  # of anything in the configuration: an image's edge, a layer's channels
_PARTS = {"metadata.json", "config.json", "model.weights.h5"}
_LAYERS = (
    "InputLayer",
    "Conv2D",
    "DepthwiseConv2D",
    "Dense",
    "BatchNormalization",
    "ReLU",
    "LeakyReLU",
    "PReLU",
    "Activation",
    "Add",
    "Multiply",
    "Concatenate",
    "ZeroPadding2D",
    "MaxPooling2D",
    "AveragePooling2D",
    "GlobalAveragePooling2D",
    "Dropout",
    "Reshape",
    "Flatten",
)
_INITIALIZERS = (
    "Zeros",
    "Ones",
    "Constant",
    "GlorotUniform",
    "GlorotNormal",
    "HeNormal",
    "HeUniform",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
)
_KNOWN = {
    ("tf_keras.src.engine.functional", "Functional", "Functional"),
    ("edgetl.backbones.hard_sigmoid", "HardSigmoid", "edgetl>HardSigmoid"),
    ("edgetl.backbones.channel_slice", "ChannelSlice", "edgetl>ChannelSlice"),
    *(("keras.layers", name, None) for name in _LAYERS),
    *(("keras.initializers", name, None) for name in _INITIALIZERS),
    ("keras.regularizers", "L2", None),
}
# What Keras lets through on damaged or hostile files: it promises no common class.
FAULTS = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    OverflowError,
    RecursionError,
    AssertionError,
    NotImplementedError,
    OSError,
    EOFError,
    RuntimeError,
    MemoryError,
    zipfile.BadZipFile,
    tf.errors.OpError,
)


def load(path: Path) -> Any:
    """Return the model, not compiled. Raises one of FAULTS when the file holds anything but such a model."""
    # Keras reads anything else under this suffix as HDF5, where its safe mode does not hold.
    if not zipfile.is_zipfile(path):
        raise ValueError("it is not a Keras v3 archive")
    check_directory(path)
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        names = [entry.filename for entry in entries]
        if sorted(names) != sorted(_PARTS):
            raise ValueError(f"it holds {', '.join(names[:5])} and not {', '.join(sorted(_PARTS))}")
        if sum(entry.file_size for entry in entries) > _LARGEST_BYTES or archive.getinfo("config.json").file_size > _LARGEST_CONFIG_BYTES:
            raise ValueError("it unpacks to more than a model of these families has")
        configuration = json.loads(archive.read("config.json"))
        _check(configuration)
        _check_order(configuration["config"]["layers"])
        with tempfile.TemporaryDirectory() as folder:
            weights = Path(archive.extract("model.weights.h5", folder))
            hdf5.check(weights)
            model = keras.saving.deserialize_keras_object(configuration | {"compile_config": None}, safe_mode=True)
            # Keras' own loading reads the weights inside of the archive, where each step back begins at the start: 25 s for Inception V3.
            model.load_weights(weights)
    return model


def save(model: Any, path: Path) -> None:
    """Write a model as `load` reads it, all of it or nothing."""
    with atomic(path) as temporary:
        model.save(temporary, save_format="keras")


def _check_order(layers: list[dict[str, Any]]) -> None:
    """Raises ValueError unless each layer is called once, on layers before it: Keras waits for ever for one that does not come."""
    known: set[str] = set()
    for layer in layers:
        name = layer["name"]
        if name in known or name != layer["config"]["name"] or len(layer["inbound_nodes"]) != (layer["class_name"] != "InputLayer"):
            raise ValueError(f"its layer {name!r} is there twice, or is not called once")
        for called in layer["inbound_nodes"]:
            for source, *place, options in called:
                if source not in known or place != [0, 0] or options:
                    raise ValueError(f"its layer {name!r} is not called on layers before it")
        known.add(name)


def _check(value: Any) -> None:
    """Raises ValueError for a class, function or module that is not one of edgetl's models', and for absurd numbers."""
    if isinstance(value, dict):
        if "class_name" in value or "module" in value:
            kind = value.get("module"), value.get("class_name"), value.get("registered_name")
            if kind not in _KNOWN:
                raise ValueError(f"it asks for {kind[0]}.{kind[1]}, which edgetl's models do not have: code from model files is never run")
        for inner in value.values():
            _check(inner)
    elif isinstance(value, list):
        for inner in value:
            _check(inner)
    elif isinstance(value, int | float) and not abs(value) <= _LARGEST_NUMBER:
        raise ValueError(f"it holds the number {value:g}")
