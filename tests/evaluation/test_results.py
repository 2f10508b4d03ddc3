"""The documents of `evaluate`, `compare` and `learning-curve`: read as they were written, refused when they contradict themselves."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetl.evaluation.curve import learning_curve
from edgetl.evaluation.results import ComparedPair, ComparedRun, Comparison, Evaluation, LearningCurve
from edgetl.evaluation.scores import score
from edgetl.evaluation.statistics import Paired

HOSTILE = "<img src=x onerror=alert(1)>"


def evaluation(**changed: Any) -> Evaluation:
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 60)
    scores = score(random.dirichlet(np.ones(3), 60) * 0.5 + 0.5 * np.eye(3)[labels], labels, ("a", "b", HOSTILE))
    values: dict[str, Any] = {
        "run": HOSTILE,
        "split": "val",
        "data_fingerprint": "0",
        "class_names": ("a", "b", HOSTILE),
        "caveat": "",
        "models": {"tflite_int8": scores},
    }
    return Evaluation(**values | changed)


def run(name: str, accuracy: float, loss: float = 0.5) -> ComparedRun:
    return ComparedRun(
        run=name,
        model="tflite_int8",
        architecture="small_cnn 1, 32 px",
        top1_accuracy=accuracy,
        top1_interval_95=(accuracy - 0.05, min(accuracy + 0.05, 1.0)),
        loss=loss,
        size_bytes=2048,
        latency_p50_ms=None,
    )


def comparison(holm_p: float) -> Comparison:
    pair = ComparedPair(first="runs/a", second="runs/b", paired=Paired(-5.0, 1, 6, holm_p), holm_p=holm_p)
    return Comparison(images=100, runs=(run("runs/a", 0.8), run("runs/b", 0.85)), pairs=(pair,))


def curve() -> LearningCurve:
    right = np.random.default_rng(0).random((4, 2, 200)) < np.array([0.6, 0.7, 0.8, 0.85])[:, None, None]
    found = learning_curve([50, 100, 200, 400], right)
    values = {"data_fingerprint": "0", "model": HOSTILE, "caveat": "", "seeds": 2, "validation_images": 200}
    return LearningCurve.model_validate(values | {"points": found.points, "law": found.law, "doubled": found.doubled})


@pytest.mark.parametrize("document", [evaluation(), comparison(0.01), curve()], ids=lambda one: type(one).__name__)
def test_a_document_is_read_as_it_was_written(document: Evaluation | Comparison | LearningCurve, tmp_path: Path) -> None:
    document.write(tmp_path / "document.json")
    assert type(document).read(tmp_path / "document.json") == document
    values = json.loads((tmp_path / "document.json").read_text(encoding="utf-8"))
    assert values["schema_version"] == 1
    with pytest.raises(ValueError, match="unknown"):
        type(document).parse(values | {"unknown": 1})


@pytest.mark.parametrize("document", [evaluation(), comparison(0.01), curve()], ids=lambda one: type(one).__name__)
def test_it_is_shown_as_a_table_whatever_its_names(document: Evaluation | Comparison | LearningCurve) -> None:
    assert "<img" not in document._repr_html_()
    assert "<table" in document._repr_html_()
    assert "top-1 %" in repr(document)


def test_the_best_run_comes_first_and_chance_is_said() -> None:
    assert [one.run for one in comparison(0.01).best_first] == ["runs/b", "runs/a"]
    assert comparison(0.01).summary() == "runs/b is better than runs/a"
    assert "may be chance" in comparison(0.2).summary()
    assert comparison(0.2).pair(run("runs/a", 0.8), run("runs/a", 0.8)) is None


def test_a_curve_says_what_twice_the_images_bring() -> None:
    assert "Twice as many images (800)" in curve().summary()
    assert "too few" in curve().model_copy(update={"law": None, "doubled": None}).summary()


def test_contradictions_are_refused() -> None:
    whole = evaluation().to_json()
    scores = evaluation().models["tflite_int8"]
    for wrong in (
        whole | {"models": {}},
        whole | {"class_names": ["a", "b"]},
        whole | {"split": "half"},
        evaluation().model_copy(update={"models": {"x": replace(scores, confusion=((1, 2), (3, 4), (5, 6)))}}).to_json(),
        curve().to_json() | {"law": None},
        comparison(0.01).to_json() | {"runs": []},
    ):
        kind = Evaluation if "split" in wrong else LearningCurve if "law" in wrong else Comparison
        with pytest.raises(ValueError, match=r"\w"):
            kind.parse(wrong)
