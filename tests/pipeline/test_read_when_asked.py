"""A bundle reads the few images that it holds, and takes its choice from what the validation measured."""

from pathlib import Path

import numpy as np
import pytest

from edgetl.errors import DataError
from edgetl.pipeline import measured, read_when_asked
from edgetl.pipeline.project import Project
from edgetl.pipeline.ship import golden_images
from edgetl.pipeline.ship.golden_images import GoldenImages
from edgetl.run_folder import RunFolder
from tests.conftest import Made


def test_it_is_the_images_as_they_were_read(made: Made) -> None:
    lazy, read = Project.open(made.run).data.recorded, Project.open(made.run).data.trained_images()
    assert lazy.names == read.names
    assert lazy.hashes == read.hashes
    assert lazy.fingerprint == read.fingerprint
    assert (lazy.label_ids == read.label_ids).all()
    assert (lazy.splits == read.splits).all()
    for rows in (3, slice(2, 5), np.array([7, 0, 7])):
        assert (lazy.pixels[rows] == read.pixels[rows]).all()
        assert lazy.pixels[rows].shape == read.pixels[rows].shape
    assert (lazy.pixels.shape, lazy.pixels.dtype, len(lazy.pixels)) == (read.pixels.shape, np.dtype(np.uint8), len(read.pixels))


def test_a_bundle_decodes_its_own_images_alone(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded, predicted = [], []
    decode, predict = read_when_asked.decode, golden_images.predict_rows
    monkeypatch.setattr(read_when_asked, "decode", lambda *given: (decoded.append(1), decode(*given))[1])
    monkeypatch.setattr(golden_images, "predict_rows", lambda *given: (predicted.append(given[-1]), predict(*given))[1])
    project, path = Project.open(made.run), made.run / "export" / "model_int8.tflite"
    found = GoldenImages(project, [path], {path.name: path.read_bytes()}).validation(np.empty((0, *project.contract.shape), np.uint8))
    assert len(decoded) == len(found.pixels) < len(project.data.rows("val"))
    assert predicted == []
    run = RunFolder(made.run)
    monkeypatch.setattr(measured, "find", lambda run: None)
    again = GoldenImages(Project.open(run), [path], {path.name: path.read_bytes()}).validation(
        np.empty((0, *project.contract.shape), np.uint8)
    )
    assert (again.pixels == found.pixels).all(), "the same choice as when it predicts"
    assert predicted == ["golden images"]


def test_a_changed_or_missing_image_is_a_message(own_images: Made) -> None:
    data = Project.open(own_images.run).data
    images = data.recorded
    first = Path(data.listing.source) / images.names[0]
    first.write_bytes((Path(data.listing.source) / images.names[1]).read_bytes())
    with pytest.raises(DataError, match="is not the image any more"):
        _ = images.pixels[0]
    first.write_bytes(b"no image")
    with pytest.raises(DataError, match="any more"):
        _ = images.pixels[0]
    first.unlink()
    with pytest.raises(DataError, match="lacks 1 of"):
        _ = Project.open(own_images.run).data.recorded


def test_what_was_validated_is_known_of_that_file_alone(run_copy: Path) -> None:
    run, model = RunFolder(run_copy), run_copy / "export" / "model_int8.tflite"
    kept = measured.find(run)
    assert kept is not None
    found = measured.known(run, model, kept.names)
    assert found is not None
    assert (found == kept.probabilities["tflite_int8"]).all()
    assert measured.known(run, model, kept.names[1:]) is None
    model.write_bytes(model.read_bytes() + b"\0")
    assert measured.known(run, model, kept.names) is None
