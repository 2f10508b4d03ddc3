"""What cannot come in is one error with a remedy: unknown operators all at once, code, links, sizes that files claim."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgetl.errors import ModelFileError
from edgetl.importing import read
from edgetl.importing.base import QuantizedFile
from tests.importing.conftest import Onnx, weights


def test_unknown_operators_are_listed_together(tmp_path: Path) -> None:
    graph = Onnx()
    x = graph.add("Erf", graph.convolution("image"))
    y = graph.add("Einsum", graph.add("Relu", graph.convolution("image")), weights(2, 2), equation="nchw,hw->nchw")
    path = graph.save(tmp_path / "model.onnx", graph.head(graph.add("Add", x, y), 6))
    with pytest.raises(ModelFileError) as found:
        read(path)
    assert "2 operators" in found.value.problem
    assert "Erf 'Erf_1'" in found.value.problem
    assert "Einsum" in found.value.problem
    assert "export it again" in found.value.remedy


def test_a_transposition_that_stays_is_named(tmp_path: Path) -> None:
    graph = Onnx()
    turned = graph.add("Transpose", graph.convolution("image"), perm=[0, 1, 3, 2])
    path = graph.save(tmp_path / "model.onnx", graph.head(graph.convolution(turned, reads=6), 6))
    with pytest.raises(ModelFileError, match="transposed"):
        read(path)


def test_an_integer_onnx_file(tmp_path: Path) -> None:
    graph = Onnx()
    x = graph.add("QuantizeLinear", "image", np.array(0.1, np.float32), np.array(128, np.uint8))
    path = graph.save(
        tmp_path / "model.onnx", graph.head(graph.add("DequantizeLinear", x, np.array(0.1, np.float32), np.array(128, np.uint8)), 3)
    )
    with pytest.raises(QuantizedFile):
        read(path)


def test_text_that_is_not_utf_8(tmp_path: Path) -> None:
    """Protobuf gives it as bytes, in a node's name as in a key of the metadata (found by fuzzing)."""
    graph = Onnx()
    path = graph.save(tmp_path / "model.onnx", graph.head(graph.add("Softsign", graph.convolution("image")), 6))
    path.write_bytes(path.read_bytes().replace(b"Softsign", b"Softsi\xff\xfe"))
    with pytest.raises(ModelFileError, match="UTF-8"):
        read(path)


def test_pytorchs_own_file_is_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    path.write_bytes(b"anything")
    with pytest.raises(ModelFileError) as found:
        read(path)
    assert "torch.onnx.export(model, torch.zeros(1, 3, 224, 224), 'net.onnx')" in found.value.remedy


@pytest.mark.parametrize("place", ["../weights.bin", "/etc/hostname", "linked.bin", "missing.bin"])
def test_weights_outside_of_the_folder_are_refused(place: str, tmp_path: Path) -> None:
    import onnx

    graph = Onnx()
    path = graph.save(tmp_path / "model.onnx", graph.head(graph.convolution("image"), 6))
    (tmp_path / "linked.bin").symlink_to("/etc/hostname")
    model = onnx.load(path)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=place)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelFileError, match="in the same folder"):
        read(path)


def test_weights_beside_the_file_are_read(tmp_path: Path) -> None:
    import onnx

    graph = Onnx()
    path = graph.save(tmp_path / "model.onnx", graph.head(graph.convolution("image"), 6))
    inside = read(path).model.get_weights()
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert all(np.array_equal(one, other) for one, other in zip(inside, read(path).model.get_weights(), strict=True))
    (tmp_path / "weights.bin").write_bytes(b"short")
    with pytest.raises(ModelFileError, match="larger than"):
        read(path)


def test_a_constant_that_would_fill_the_memory(tmp_path: Path) -> None:
    graph = Onnx()
    huge = graph.add("ConstantOfShape", np.array([1, 3, 1 << 20, 1 << 20]))
    path = tmp_path / "model.onnx"
    graph.save(path, graph.head(graph.add("Add", "image", huge), 3))
    with pytest.raises(ModelFileError, match="far too large"):
        read(path)


@pytest.mark.parametrize(("kind", "module"), [("Lambda", "keras.layers"), ("ReLU", "evil.layers"), ("HardSigmoid", "edgetl_evil")])
def test_keras_code_is_never_looked_up(kind: str, module: str, tmp_path: Path) -> None:
    layer = {"class_name": kind, "module": module, "name": "evil", "config": {"name": "evil", "function": "os.system"}}
    start = {"class_name": "InputLayer", "name": "image", "config": {"name": "image", "batch_shape": [None, 8, 8, 3]}, "inbound_nodes": []}
    layer["inbound_nodes"] = [{"args": [{"class_name": "__keras_tensor__", "config": {"keras_history": ["image", 0, 0]}}], "kwargs": {}}]
    inside = {"layers": [start, layer], "input_layers": [["image", 0, 0]], "output_layers": [["evil", 0, 0]]}
    import h5py

    with h5py.File(tmp_path / "model.weights.h5", "w") as file:
        file.create_group("layers")
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr("config.json", json.dumps({"class_name": "Functional", "config": inside}))
        archive.write(tmp_path / "model.weights.h5", "model.weights.h5")
    with pytest.raises(ModelFileError, match="'evil': it is unknown"):
        read(tmp_path / "model.keras")


@pytest.mark.parametrize("name", ["model.onnx", "model.keras", "model.h5", "model.tflite", "model.txt"])
def test_damaged_files(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04 nothing that anybody reads")
    with pytest.raises(ModelFileError):
        read(tmp_path / name)
