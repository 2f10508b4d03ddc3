"""Core ML files, as far as they can be looked at where Core ML does not run."""

import io
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgetl.errors import DependencyError, UsageError
from edgetl.export import FORMATS
from edgetl.export.base import Conversion
from edgetl.runtimes import open_session
from edgetl.software import install
from tests.export.conftest import ABOUT, SIZE, Network

GetNetwork = Callable[[str], Network]
pytest.importorskip("coremltools", reason="coremltools is not installed: pip install edgetl[coreml]")


def package(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        root = f"{path.name.removesuffix('.zip')}/"
        assert all(name.startswith(root) for name in archive.namelist())
        return {name.removeprefix(root): archive.read(name) for name in archive.namelist()}


def spec(files: dict[str, bytes]) -> Any:
    from coremltools.proto import Model_pb2

    manifest = json.loads(files["Manifest.json"])
    root = manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]
    return Model_pb2.Model.FromString(files[f"Data/{root['path']}"])


NETWORKS = [("mobilenet_v3_small", "float16"), ("mobilenet_v2", "float16"), ("mobilenet_v2", "float32")]


@pytest.mark.parametrize(("name", "precision"), NETWORKS)
def test_from_an_image_to_a_class_name(name: str, precision: str, network: GetNetwork) -> None:
    model = spec(package(network(name).file("coreml", precision)))
    [image] = model.description.input
    kind = image.type.imageType
    assert (image.name, kind.width, kind.height, kind.ColorSpace.Name(kind.colorSpace)) == ("image", SIZE, SIZE, "RGB")
    assert [output.name for output in model.description.output] == ["classLabel", "classLabel_probs"]
    block = model.mlProgram.functions["main"].block_specializations
    operations = [operation for one in block.values() for operation in one.operations]
    kinds = [operation.type for operation in operations]
    assert kinds.count("conv") > 10
    assert kinds.count("softmax") == kinds.count("classify") == 1
    [classify] = [operation for operation in operations if operation.type == "classify"]
    labels = classify.inputs["classes"].arguments[0].value.immediateValue.list.values
    assert [label.immediateValue.tensor.strings.values[0] for label in labels] == ["café", "tree", "sea"]
    texts = model.description.metadata
    assert [texts.shortDescription, texts.versionString, texts.author, texts.license] == [
        *(ABOUT.description, ABOUT.version, ABOUT.author, ABOUT.licence),
    ]
    assert texts.userDefined["name"] == ABOUT.name
    assert not [key for key in texts.userDefined if "date" in key]


def test_several_classes_have_a_sigmoid_each_and_are_given_by_name(network: GetNetwork) -> None:
    net = network("mobilenet_v2")
    contract = net.contract.for_task("multi-label")
    content = Conversion(net.model, contract, "float16", FORMATS.load).file("coreml")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        model = spec({name.partition("/")[2]: archive.read(name) for name in archive.namelist()})
    block = model.mlProgram.functions["main"].block_specializations
    kinds = [operation.type for one in block.values() for operation in one.operations]
    assert (kinds.count("sigmoid"), kinds.count("softmax"), kinds.count("classify")) == (1, 0, 1)
    assert [output.name for output in model.description.output] == ["classLabel", "classLabel_probs"]


def test_nothing_stays_in_the_folder_for_temporary_files(network: GetNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = network("mobilenet_v2")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    Conversion(net.model, net.contract, "float16", FORMATS.load).file("coreml")
    assert not list(tmp_path.iterdir())


def test_halves_take_half_the_room(network: GetNetwork) -> None:
    net = network("mobilenet_v2")
    kinds = ("float16", "float32")
    half, whole = (len(package(net.file("coreml", kind))["Data/com.apple.CoreML/weights/weight.bin"]) for kind in kinds)
    assert 0.45 < half / whole < 0.55


def test_it_does_not_run_here(network: GetNetwork) -> None:
    net = network("mobilenet_v2")
    with pytest.raises(UsageError, match="Core ML predicts on macOS only"):
        open_session(net.file("coreml", "float16"), net.contract)


def test_without_coremltools_it_says_what_to_install(network: GetNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    net = network("mobilenet_v2")
    monkeypatch.setitem(sys.modules, "coremltools", None)
    with pytest.raises(DependencyError, match="coremltools") as caught:
        Conversion(net.model, net.contract, "float16", FORMATS.load).file("coreml")
    assert caught.value.remedy == install("coreml")


def test_a_layer_that_it_does_not_know_is_a_message(network: GetNetwork) -> None:
    from edgetl.keras import keras, layers, tf

    from edgetl.errors import ExportError

    image = keras.Input((SIZE, SIZE, 3))
    odd = layers.Lambda(lambda values: tf.raw_ops.Lgamma(x=values))(layers.GlobalAveragePooling2D()(image))
    with pytest.raises(ExportError, match="the Core ML converter failed"):
        Conversion(keras.Model(image, odd), network("mobilenet_v2").contract, "float32", FORMATS.load).file("coreml")


def test_the_zip_is_read_by_anything(network: GetNetwork) -> None:
    content = network("mobilenet_v2").file("coreml", "float16").read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())
