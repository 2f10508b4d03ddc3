"""The contract that every registered runtime keeps: raw pixels in, the right probabilities out, and no traceback for a bad file."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgetl.contract import Contract
from edgetl.errors import ExportError, RunError, UsageError
from edgetl.input import FREE_BATCH, Batch
from edgetl.runtimes import RUNTIMES, open_session, runtime_of
from edgetl.runtimes.base import SIDE_BY_SIDE, check_dtypes, check_shapes, in_batches, predict, profitable

FILES = ("float.keras", "model_float32.tflite", "model_float32.onnx", "model_int8.tflite", "model_int8.onnx", "model_int8.tflm.zip")
# Float: the order of 256 summands. int8: activations, weights and logits rounded to 8 bits in three layers, each worth about a step
# of 1/256, on logits that are several units apart.
TOLERANCE = {"float": 1e-5, "int8": 8 / 256}
HERE = [name for name in RUNTIMES if not RUNTIMES.load(name).missing]
SUFFIXES = {runtime_of(Path(file)): "".join(Path(file).suffixes) for file in FILES}


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_every_runtime_runs_a_file_here_or_says_why_not(runtime: str) -> None:
    assert (runtime in SUFFIXES) is not bool(RUNTIMES.load(runtime).missing)
    assert RUNTIMES.summary(runtime)


@pytest.mark.parametrize("file", FILES)
def test_gives_the_probabilities_of_the_network(
    file: str, folder: Path, expected: NDArray[np.float64], contract: Contract, images: NDArray[np.uint8]
) -> None:
    session = open_session(folder / file, contract)
    predictions = predict(session, images, np.arange(len(images)), "testing")
    tolerance = TOLERANCE["int8" if "int8" in file else "float"]
    assert np.ptp(expected, axis=0).min() > 0.3, "the network must tell the images apart, or this test shows nothing"
    assert predictions.shape == (len(images), 3)
    assert predictions.dtype == np.float32
    np.testing.assert_allclose(predictions.sum(axis=1), 1, atol=3 / 512 + 1e-6)  # each of three is rounded by up to half a step
    np.testing.assert_allclose(predictions, expected, atol=tolerance)


def test_the_two_int8_files_agree_to_a_step(folder: Path, contract: Contract, images: NDArray[np.uint8]) -> None:
    lite, onnx = (open_session(folder / f"model_int8{suffix}", contract)(images) for suffix in (".tflite", ".onnx"))
    assert np.abs(lite - onnx).max() <= 2 / 256
    np.testing.assert_array_equal(lite * 256, np.round(lite * 256))
    np.testing.assert_array_equal(onnx * 256, np.round(onnx * 256))


@pytest.mark.parametrize("file", FILES)
def test_any_number_of_images_gives_the_same_predictions(file: str, folder: Path, contract: Contract, images: NDArray[np.uint8]) -> None:
    session = open_session(folder / file, contract, threads=2)
    alone = np.concatenate([session(images[row : row + 1]) for row in range(5)])
    np.testing.assert_allclose(session(images[:5]), alone, atol=1e-6)


def test_predict_takes_chosen_rows_of_a_memory_map(folder: Path, contract: Contract, images: NDArray[np.uint8], tmp_path: Path) -> None:
    np.save(tmp_path / "pixels.npy", images)
    mapped = np.load(tmp_path / "pixels.npy", mmap_mode="r")
    rows = np.array([9, 3, 3, 60])
    for file in ("float.keras", "model_int8.tflite"):
        session = open_session(folder / file, contract)
        np.testing.assert_allclose(predict(session, mapped, rows, "testing"), session(images)[rows], atol=1e-6)


def test_predict_asks_for_no_more_than_a_batch_at_a_time() -> None:
    asked = []

    class Counting:
        batch: Batch = FREE_BATCH
        batch_size = 4

        def __call__(self, pixels: NDArray[np.uint8], /) -> NDArray[np.float32]:
            asked.append(len(pixels))
            return np.zeros((len(pixels), 2), np.float32)

    assert predict(Counting(), np.zeros((20, 2, 2, 3), np.uint8), np.arange(10), "testing").shape == (10, 2)
    assert asked == [4, 4, 2]


@pytest.mark.parametrize("runtime", HERE)
@pytest.mark.parametrize("content", [b"", b"not a model at all", b"TFL3" * 40, b"\x08\x07\x12\x00PK\x03\x04"])
def test_a_damaged_file_is_a_message(runtime: str, content: bytes, contract: Contract, tmp_path: Path) -> None:
    path = tmp_path / f"damaged{SUFFIXES[runtime]}"
    path.write_bytes(content)
    with pytest.raises(ExportError, match="damaged") as caught:
        open_session(path, contract)
    assert "export it again" in caught.value.remedy


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_a_file_cut_short_is_a_message(file: str, kept: float, folder: Path, contract: Contract, tmp_path: Path) -> None:
    whole = (folder / file).read_bytes()
    path = tmp_path / file
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(ExportError):
        open_session(path, contract)


@pytest.mark.parametrize("runtime", HERE)
def test_a_missing_file_is_a_message(runtime: str, contract: Contract, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no model"):
        open_session(tmp_path / f"none{SUFFIXES[runtime]}", contract)


def test_keras_files_that_could_run_code_are_refused(contract: Contract, tmp_path: Path) -> None:
    from edgetl.keras import keras, layers

    unsafe = keras.Sequential([layers.Input((16, 16, 3)), layers.Lambda(lambda values: values[:, 0, 0])])
    unsafe.save(tmp_path / "lambda.keras")
    unsafe.save(tmp_path / "legacy.h5")
    (tmp_path / "legacy.h5").rename(tmp_path / "legacy.keras")
    with zipfile.ZipFile(tmp_path / "other.keras", "w") as archive:
        archive.writestr("readme.txt", "an archive of something else")
    for name in ("lambda.keras", "legacy.keras", "other.keras"):
        with pytest.raises(ExportError, match=name):
            open_session(tmp_path / name, contract)


@pytest.mark.parametrize("file", FILES)
def test_a_contract_of_another_model_is_refused(file: str, folder: Path, contract: Contract) -> None:
    for other in (contract.enlarged(2), Contract.square(contract.height, contract.scale, contract.zero_point, ("cat", "dog"))):
        with pytest.raises(ExportError, match="its contract"):
            open_session(folder / file, other)


def test_an_unknown_suffix_names_the_choices() -> None:
    with pytest.raises(UsageError, match=r"\.keras, \.tflite, \.onnx"):
        runtime_of(Path("model.pb"))
    assert runtime_of(Path("MODEL.TFLITE")) == "litert"


def test_images_in_batches_of_which_the_last_is_filled_up() -> None:
    images = np.arange(35, dtype=np.uint8).reshape(35, 1, 1, 1)
    assert [len(part) for part in in_batches(images, FREE_BATCH)] == [16, 16, 3]
    assert [len(part) for part in in_batches(images, 1)] == [1] * 35
    *whole, last = in_batches(images, 10)
    assert np.concatenate(whole).ravel().tolist() == list(range(30))
    assert last.ravel().tolist() == [30, 31, 32, 33, 34, 34, 34, 34, 34, 34]
    for batch in (1, 3, 40):
        assert profitable(batch) % (batch * SIDE_BY_SIDE) == 0, "every core has whole batches"


def test_other_rows_than_images_and_mixed_dtypes_are_refused(contract: Contract) -> None:
    check_shapes(Path("m"), [None, 16, 16, 3], [None, 3], contract)
    check_shapes(Path("m"), ["N", 16, 16, 3], ["N", 3], contract)
    check_shapes(Path("m"), [8, 16, 16, 3], [8, 3], contract)
    check_dtypes(Path("m"), "uint8", "uint8", contract)
    check_dtypes(Path("m"), "uint8", "float32", contract.ending_in("float32"))
    with pytest.raises(ExportError):
        check_shapes(Path("m"), [8, 16, 16, 3], [1, 3], contract)
    with pytest.raises(ExportError, match="uint8 to float32"):
        check_dtypes(Path("m"), "uint8", "float32", contract)
    with pytest.raises(ExportError, match="uint8 to uint8"):
        check_dtypes(Path("m"), "uint8", "uint8", contract.ending_in("float32"))


@pytest.mark.parametrize("file", FILES)
def test_an_open_session_needs_its_file_no_more(
    file: str, folder: Path, contract: Contract, images: NDArray[np.uint8], tmp_path: Path
) -> None:
    """Not even for more images than before, which more interpreters share."""
    path = tmp_path / file
    path.write_bytes((folder / file).read_bytes())
    session = open_session(path, contract)
    first = session(images[:1])
    path.unlink()
    np.testing.assert_allclose(session(images[:9])[:1], first, atol=1e-6)
