"""A report reads the images that it shows and no others, and loads no TensorFlow for a run that was validated."""

from pathlib import Path

import numpy as np
import pytest

from edgetl.contract import Contract
from edgetl.data import stored
from edgetl.data.base import Item
from edgetl.evaluation.validation import Validation
from edgetl.pipeline import measured, shown
from edgetl.pipeline.measured import KeptPredictions
from edgetl.pipeline.project import Project
from edgetl.pipeline.shown import predictions_of
from edgetl.report.page.facts import Predictions
from edgetl.run_folder import RunFolder
from tests.conftest import Made
from tests.processes import loaded_by


def predictions(path: Path, data: str = "") -> Predictions:
    found = predictions_of(RunFolder(path), Validation.of(RunFolder(path)), data)
    assert isinstance(found, Predictions)
    return found


def test_the_images_that_are_shown_are_read_and_no_others(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    read, read_one = [], shown.pixels_as_recorded

    def counted(item: Item, sha256: str, contract: Contract) -> object:
        read.append(item.name)
        return read_one(item, sha256, contract)

    monkeypatch.setattr(shown, "pixels_as_recorded", counted)
    found = predictions(made.run)
    assert read == []
    pixels = found.read([5, 2])
    assert sorted(read) == sorted(found.image_names[row] for row in (5, 2))
    images = Project.open(made.run).data.trained_images()
    for row, one in zip((5, 2), pixels, strict=True):
        assert one is not None
        assert (one == images.pixels[images.names.index(found.image_names[row])]).all(), "as the models saw it"
    assert (found.label_ids == images.label_ids[images.rows("val")]).all()


def test_an_image_that_was_changed_or_lies_elsewhere(own_images: Made, digit_folder: Path) -> None:
    run = RunFolder(own_images.run)
    folder = Path(run.read().recipe.data.source)
    found = predictions(own_images.run)
    changed, other = (folder / found.image_names[row] for row in (0, 1))
    changed.write_bytes(other.read_bytes())
    first, second = found.read([0, 1])
    assert first is None, "another image under its name"
    assert second is not None
    elsewhere, there = predictions(own_images.run, str(digit_folder)).read([0]), predictions(own_images.run).read([1])
    assert elsewhere[0] is not None
    assert there[0] is not None


def test_what_was_measured_is_of_one_validation(run_copy: Path) -> None:
    run = RunFolder(run_copy)
    kept = measured.find(run)
    assert kept is not None
    assert set(kept.probabilities) == set(Validation.of(run).subjects)
    run.validation.write_text(run.validation.read_text(encoding="utf-8") + " ", encoding="utf-8")
    assert measured.find(run) is None, "another validation was made from something else"
    measured.keep(run, kept)
    again = measured.find(run)
    assert again is not None
    assert again.names == kept.names
    assert again.hashes == kept.hashes
    assert len(list(run.cache.glob("measured-*"))) == 1
    [file] = run.cache.glob("measured-*")
    file.write_bytes(file.read_bytes()[:1000])
    assert measured.find(run) is None, "a file that was cut"


def test_too_much_is_not_kept(run_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunFolder(run_copy)
    monkeypatch.setattr(stored, "_MOST_BYTES", 23)
    measured.keep(run, KeptPredictions(("a",), ("0",), np.zeros(1, np.int32), {"keras_float": np.ones((1, 6), np.float32)}))
    assert measured.find(run) is None


def test_a_report_starts_without_tensorflow(made: Made, tmp_path: Path) -> None:
    program = f"import edgetl\nedgetl.Run({str(made.run)!r}).report({str(tmp_path / 'r.html')!r})"
    modules = ("tensorflow", "sklearn", "scipy.stats", "onnxruntime", "ai_edge_litert")
    assert loaded_by(program, modules, limit_s=120) == [], "each takes a second or more to load"
