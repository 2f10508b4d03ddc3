"""Predictions that an export keeps for the validation are taken for the very same file, images, software and processor alone."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgetl.data import stored
from edgetl.evaluation.parity import REFERENCE
from edgetl.pipeline import known_predictions, validate
from edgetl.pipeline.known_predictions import KnownPredictions
from edgetl.pipeline.project import Project
from edgetl.pipeline.shown import predictions_of
from edgetl.report.page.facts import Predictions

QUICK = {"validation.warmup_runs": 0, "validation.timed_runs": 1}


@pytest.fixture
def predicted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the models that predict from now on."""
    names: list[str] = []
    predict = validate.predict_rows

    def counted(session, pixels, rows, name: str) -> np.ndarray:
        names.append(name)
        return predict(session, pixels, rows, name)

    monkeypatch.setattr(validate, "predict_rows", counted)
    monkeypatch.setattr("edgetl.runtimes.base.predict", counted)
    return names


def test_a_validation_takes_what_the_export_predicted_and_a_report_what_the_validation_measured(
    run_copy: Path, predicted: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    before = Project.open(run_copy).run.validation.read_text(encoding="utf-8")
    with caplog.at_level(logging.INFO):
        validation = validate.validate(Project.open(run_copy, QUICK))
    assert validation.passed
    assert f"{REFERENCE}, tflite_int8: predicted these images already" in caplog.text
    assert set(predicted) == set(validation.subjects) - {REFERENCE, "tflite_int8"}
    for name, subject in validation.subjects.items():
        assert str(subject.accuracy.loss) in before, f"{name} predicts the same as in the run that made it"
    predicted.clear()
    found = predictions_of(Project.open(run_copy).run, validation, "")
    assert isinstance(found, Predictions)
    assert predicted == []
    assert found.quantized == "tflite_int8"
    for kept in (run_copy / "cache").glob("*.np?"):
        kept.unlink()
    again = predictions_of(Project.open(run_copy).run, validation, "")
    assert isinstance(again, Predictions)
    assert set(predicted) == set(again.probabilities) == set(found.probabilities), "what is not kept is predicted again"
    assert again.image_names == found.image_names
    for name in found.probabilities:
        assert (again.probabilities[name] == found.probabilities[name]).all()
    predicted.clear()
    validate.validate(Project.open(run_copy, QUICK))
    assert set(predicted) == set(validation.subjects), "the cache may be deleted at any time"


def test_another_file_image_order_software_or_processor_predicts_again(run_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project.open(run_copy)
    rows, model = project.data.measuring_rows(), run_copy / "export" / "model_int8.tflite"
    known = KnownPredictions.of(project, rows)
    found = known.find(model)
    assert found is not None
    assert found.shape == (len(rows), 3)
    copy = run_copy / "elsewhere.tflite"
    copy.write_bytes(model.read_bytes())
    assert (known.find(copy) == found).all(), "the content counts, not the name"
    copy.write_bytes(model.read_bytes() + b"\0")
    assert known.find(copy) is None

    def unknown(changed: Project = project, rows: np.ndarray = rows) -> bool:
        return KnownPredictions.of(changed, rows).find(model) is None

    assert not unknown()
    assert unknown(rows=rows[::-1])
    assert unknown(rows=rows[1:])
    with monkeypatch.context() as patch:
        patch.setattr(known_predictions, "software", lambda: {"ai-edge-litert": "0.1"})
        assert unknown()
    with monkeypatch.context() as patch:
        facts = replace(known_predictions.cpu_facts(), features={"avx512_vnni": False})
        patch.setattr(known_predictions, "cpu_facts", lambda: facts)
        assert unknown()
    images = project.data.images
    pixels = images.pixels[:]
    pixels[rows[-1], 0, 0, 0] ^= 1
    project.data.images = replace(images, pixels=pixels)
    assert unknown(), "one value of one pixel is another image"


def test_what_is_kept_replaces_what_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, probabilities = tmp_path / "model", np.ones((2, 3), np.float32)
    model.write_bytes(b"model")
    first = KnownPredictions(tmp_path, "1")
    first.keep({model: probabilities})
    other = replace(first, identity="2")
    other.keep({model: 2 * probabilities})
    assert first.find(model) is None
    found = other.find(model)
    assert found is not None
    assert (found == 2).all()
    monkeypatch.setattr(stored, "_MOST_BYTES", 23)
    other.keep({model: probabilities})
    assert other.find(model) is None
