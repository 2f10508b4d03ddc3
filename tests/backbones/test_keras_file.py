"""`.keras` files are data of edgetl's own kinds of layers: anything else is refused before Keras looks at it."""

import io
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgetl.keras import keras, layers

import h5py
import numpy as np
import pytest

from edgetl import files
from edgetl.backbones import BACKBONES
from edgetl.backbones import keras_file as saved_model
from edgetl.contract import Contract
from edgetl.errors import ExportError, WeightsError
from edgetl.runtimes.keras import open_session
from tests.backbones.conftest import Build, every_backbone, smallest
from tests.fuzz import examples

CONTRACT = Contract.square(8, 1 / 127.5, 128, ("a", "b"))
Change = Callable[[dict[str, Any]], object]


def opened(content: bytes, folder: Path) -> Any:
    path = folder / "model.keras"
    path.write_bytes(content)
    return open_session(path, CONTRACT)


def config() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(examples.keras_config())
    return document


def test_our_own_is_read(tmp_path: Path) -> None:
    assert opened(examples.keras(), tmp_path)(np.zeros((1, 8, 8, 3), np.uint8)).shape == (1, 2)


@every_backbone
def test_every_backbone_comes_back(name: str, build: Build, tmp_path: Path) -> None:
    from edgetl.training.head import attach_head

    model = attach_head(build(name, smallest(name)), 2)
    model.save(tmp_path / "model.keras", save_format="keras")
    assert saved_model.load(tmp_path / "model.keras").count_params() == model.count_params()


@pytest.mark.parametrize("suffix", ["keras", "h5"])
@pytest.mark.parametrize("nested", [False, True])
def test_lambda_layers_are_refused(suffix: str, nested: bool, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    image = keras.Input((8, 8, 3))
    code = layers.Lambda(lambda x, path=str(ran): Path(path).touch() or x)
    changed = keras.Model(image, code(image))(image) if nested else layers.TimeDistributed(code)(image)
    model = keras.Model(image, layers.Dense(2)(layers.GlobalAveragePooling2D()(changed)))
    path = tmp_path / f"model.{suffix}"
    model.save(path)
    path = path.rename(tmp_path / "model.keras")
    ran.unlink(missing_ok=True)
    with pytest.raises(ExportError, match="cannot read the model"):
        open_session(path, CONTRACT)
    assert not ran.exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("subprocess", "Popen"),
        ("builtins", "eval"),
        ("antigravity", "geohash"),
        ("keras.utils", "get_file"),
        ("keras.layers", "TFOpLambda"),
        ("keras.layers", "Lambda"),
        (None, "HardSigmoid"),
        ("edgetl.console", "hushed"),
    ],
)
@pytest.mark.parametrize(
    "put",
    [
        lambda document, code: document["config"]["layers"][2].update(code),
        lambda document, code: document.update(code),
        lambda document, code: document["config"]["layers"][1]["config"].update(activation=code | {"config": code["class_name"]}),
        lambda document, code: document["config"]["layers"][1]["config"].update(kernel_initializer=code | {"config": {}}),
        lambda document, code: document.update(compile_config=code),
    ],
    ids=["layer", "model", "activation", "initializer", "elsewhere"],
)
def test_no_other_module_is_imported(put: Callable[..., object], module: str | None, name: str, tmp_path: Path) -> None:
    document = config()
    put(document, {"module": module, "class_name": name, "registered_name": None})
    with pytest.raises(ExportError, match="code from model files is never run"):
        opened(examples.keras_with(json.dumps(document).encode()), tmp_path)
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize(
    "put",
    [
        lambda layer: layer.update(inbound_nodes=[[["gate", 0, 0, {}]]]),  # which is called on it
        lambda layer: layer.update(inbound_nodes=[[["deep", 0, 0, {}]]]),
        lambda layer: layer.update(inbound_nodes=[[["conv", 1, 0, {}]]]),
        lambda layer: layer.update(inbound_nodes=[[["conv", 0, 0, {"mask": ["gate", 0, 0]}]]]),
        lambda layer: layer.update(inbound_nodes=[]),
        lambda layer: layer["config"].update(name="other"),
    ],
)
def test_layers_called_in_a_circle_or_on_nothing_are_refused(put: Callable[[dict[str, Any]], object], tmp_path: Path) -> None:
    """Keras waits for ever for the layer that is to come first."""
    configuration = json.loads(examples.keras_config())
    put(next(layer for layer in configuration["config"]["layers"] if layer["name"] == "deep"))
    with pytest.raises(ExportError, match="its layer 'deep'"):
        opened(examples.keras_with(json.dumps(configuration).encode()), tmp_path)


@pytest.mark.parametrize("content", [b"", b"5", b"[]", b"{}", b'{"config": {}}', b"[" * 100_000, b"\xff", b'{"class_name": "__lambda__"}'])
def test_a_broken_configuration_is_a_message(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="cannot read the model"):
        opened(examples.keras_with(content), tmp_path)


def test_absurd_numbers_are_refused_before_memory_is_taken(tmp_path: Path) -> None:
    document = config()
    document["config"]["layers"][-1]["config"]["units"] = 10**9
    with pytest.raises(ExportError, match="it holds the number 1e"):
        opened(examples.keras_with(json.dumps(document).encode()), tmp_path)


def weights(fill: Callable[[Any], object]) -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w") as group:
        fill(group)
    return file.getvalue()


HOSTILE_WEIGHTS = {
    "a bomb": lambda file: file.create_dataset("a", (10**6, 10**4), "f4", compression="gzip"),
    "never written": lambda file: file.create_dataset("a", (10**6, 10**6), "f4"),
    "another file": lambda file: file.create_dataset("a", (4,), "f4", external=[("/etc/passwd", 0, 16)]),
    "a link out": lambda file: file.__setitem__("a", h5py.ExternalLink("/etc/passwd", "/x")),
    "a loop": lambda file: file.__setitem__("a", h5py.SoftLink("/")),
    "objects": lambda file: file.create_dataset("a", (4,), h5py.string_dtype()),
}


@pytest.mark.parametrize("fill", HOSTILE_WEIGHTS.values(), ids=HOSTILE_WEIGHTS.keys())
def test_weights_hold_plain_numbers_of_their_own(fill: Callable[[Any], object], build: Build, tmp_path: Path) -> None:
    from edgetl.backbones.weights import load as weights_of

    content, backbone = weights(fill), BACKBONES.load("mobilenet_v1")
    whole = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(examples.keras())) as archive, zipfile.ZipFile(whole, "w") as changed:
        for name in archive.namelist():
            changed.writestr(name, content if name.endswith(".h5") else archive.read(name))
    with pytest.raises(ExportError, match="cannot read the model"):
        opened(whole.getvalue(), tmp_path)
    (tmp_path / "weights.h5").write_bytes(content)
    with pytest.raises(WeightsError, match="does not match this backbone"):
        weights_of.load(build("mobilenet_v1", 32), backbone, str(tmp_path / "weights.h5"), 0.25, 32)


def archive_of(parts: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return whole.getvalue()


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"config.json": b"{}", "../../evil": b"x"}, "and not config.json"),
        ({f"{number}": b"" for number in range(5000)}, "far too many parts"),
        ({"metadata.json": b"{}", "config.json": b" " * (1 << 25), "model.weights.h5": b""}, "unpacks to more"),
    ],
)
def test_bombs_and_strange_parts_are_refused(parts: dict[str, bytes], says: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=says):
        opened(archive_of(parts), tmp_path)


def test_what_stands_behind_an_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "polyglot.zip"
    path.write_bytes(archive_of({"a": b"x"}) + b"#!/bin/sh")
    with pytest.raises(ValueError, match="something behind it"):
        files.check_directory(path)
