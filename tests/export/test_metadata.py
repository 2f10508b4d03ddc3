"""What a .tflite file says of itself, read by others: MediaPipe Tasks, zip, LiteRT, tf2onnx."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgetl.contract import Contract
from edgetl.export import FORMATS, tflite_stamp
from edgetl.importing import tflite_reader
from edgetl.output import Rejection, Thresholds
from edgetl.pipeline.project import Project
from edgetl.runtimes import open_session
from tests.conftest import Classify, Made
from tests.export.conftest import ABOUT, Network, from_lite

GetNetwork = Callable[[str], Network]
PRECISIONS = FORMATS.load("tflite").precisions


@pytest.mark.parametrize("precision", ["int8", "float32", "float16"])
def test_mediapipe_gives_our_predictions(precision: str, made: Made, mediapipe: Classify) -> None:
    project = Project.open(made.run)
    pixels = project.data.images.pixels[project.data.rows("val")]
    model = project.run.export / f"model_{precision}.tflite"
    ours, told = open_session(model, project.contract)(pixels), mediapipe(model, pixels)
    assert len(set(ours.argmax(1).tolist())) == 3
    assert [(index, name) for index, name, _ in told["predictions"]] == [(row, str(row)) for row in ours.argmax(1)]
    np.testing.assert_allclose([score for *_, score in told["predictions"]], ours.max(1), atol=1e-5)


@pytest.mark.parametrize(("precision", "mean", "std"), [("int8", 128, 127.5), ("float32", 0, 1), ("dynamic_int8", 0, 1)])
def test_the_metadata_are_what_the_schema_says(precision: str, mean: float, std: float, network: GetNetwork, mediapipe: Classify) -> None:
    net = network("mobilenet_v2")
    told = mediapipe(net.file("tflite", precision), net.pixels[:1])
    said = told["metadata"]
    assert [said[key] for key in ("name", "version", "license", "author", "description")] == [
        *(ABOUT.name, ABOUT.version, ABOUT.licence, ABOUT.author, ABOUT.description),
    ]
    [graph] = said["subgraphMetadata"]
    [image], [probabilities] = graph["inputTensorMetadata"], graph["outputTensorMetadata"]
    assert (image["name"], probabilities["name"]) == ("image", "probabilities")
    assert image["content"] == {"contentPropertiesType": 2, "contentProperties": {"colorSpace": 1}}
    [normalization] = image["processUnits"]
    assert normalization["options"] == {"mean": [pytest.approx(mean)] * 3, "std": [pytest.approx(std)] * 3}
    assert image["stats"] == {"max": [255] * 3, "min": [0] * 3}
    assert [(one["name"], one["type"]) for one in probabilities["associatedFiles"]] == [("labels.txt", 2)]
    assert told["predictions"][0][1] in net.contract.class_names


def test_mediapipe_names_nothing_below_the_threshold(network: GetNetwork, mediapipe: Classify, tmp_path: Path) -> None:
    net, path = network("mobilenet_v2"), tmp_path / "model.tflite"
    probabilities = net.predictions("tflite", "int8")
    threshold = (np.floor(256 * np.median(probabilities.max(1))) + 0.5) / 256
    contract = net.contract.rejecting(Rejection(threshold=threshold, keep=0.95, inside_the_model=False))
    contract = contract.with_thresholds(Thresholds(per_class=(0.999, 0.1, 0.1)))
    path.write_bytes(FORMATS.load("tflite").stamp(net.lite("int8"), contract, ABOUT))
    told = mediapipe(path, net.pixels)
    named = [one is not None for one in told["predictions"]]
    assert named == (probabilities.max(1) >= threshold).tolist(), "the lowest threshold, as MediaPipe has one for all classes"
    assert 0 < sum(named) < len(named)
    [said] = told["metadata"]["subgraphMetadata"][0]["outputTensorMetadata"]
    assert said["processUnits"][0]["optionsType"] == 3
    assert said["processUnits"][0]["options"] == {"globalScoreThreshold": pytest.approx(threshold)}
    assert said["description"].endswith(f"shows none of the classes: café 0.9990, tree {threshold:.4f}, sea {threshold:.4f}.")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_labels_lie_in_a_zip_behind_the_model(precision: str, network: GetNetwork) -> None:
    with zipfile.ZipFile(network("mobilenet_v2").file("tflite", precision)) as archive:
        [entry] = archive.infolist()
        assert (entry.filename, entry.date_time, entry.compress_type) == ("labels.txt", (1980, 1, 1, 0, 0, 0), zipfile.ZIP_STORED)
        assert archive.read(entry).decode() == "café\ntree\nsea\n"
        assert archive.testzip() is None


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_graph_is_as_it_was(precision: str, network: GetNetwork, tmp_path: Path) -> None:
    net = network("mobilenet_v2")
    stamped, plain = net.file("tflite", precision), tmp_path / "plain.tflite"
    plain.write_bytes(net.lite(precision))
    bare = tflite_reader.read(stamped.read_bytes())
    [entry] = [entry for entry in bare.metadata if entry.name == b"TFLITE_METADATA"]
    bare.metadata.remove(entry)
    assert entry.buffer == len(bare.buffers) - 1
    del bare.buffers[-1]
    assert tflite_reader.packed(bare) == net.lite(precision)
    np.testing.assert_array_equal(net.predictions("tflite", precision)[:4], open_session(plain, net.contract)(net.pixels[:4]))


def test_a_stamped_file_converts_as_before(network: GetNetwork) -> None:
    net = network("mobilenet_v2")
    content = net.file("tflite", "int8").read_bytes()
    assert from_lite(content, "onnx", net.contract, "int8") == from_lite(net.lite("int8"), "onnx", net.contract, "int8")


def test_weights_that_look_like_a_zip_do_no_harm(network: GetNetwork) -> None:
    """The archive is put behind whatever is there, and its directory found from the end."""
    disguised = b"TFL3" + b"PK\x05\x06" + bytes(18)
    whole = tflite_stamp.with_text_files(disguised, Contract.square(8, 1 / 255, 0, ("a", "b")))
    assert whole.startswith(disguised)
    assert whole.count(b"labels.txt") == 2


@pytest.mark.parametrize("labels", [("\u202eabc \\", "日本 \U0001f469\u200d\U0001f33e", "x\u2028y"), ("</b>", "$x", "'")])
def test_any_label_comes_back(labels: tuple[str, ...], network: GetNetwork, tmp_path: Path, mediapipe: Classify) -> None:
    net, path = network("mobilenet_v2"), tmp_path / "model.tflite"
    contract = Contract.square(net.contract.height, net.contract.scale, net.contract.zero_point, labels)
    path.write_bytes(FORMATS.load("tflite").stamp(net.lite("int8"), contract, ABOUT))
    told = mediapipe(path, net.pixels)["predictions"]
    assert {name for _, name, _ in told} == set(labels)
    assert all(labels[index] == name for index, name, _ in told)
