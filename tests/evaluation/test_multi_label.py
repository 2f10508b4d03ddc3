"""Metrics of several labels an image: scikit-learn's values, decisions instead of top-1, and faults that agreement does not show."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, f1_score, log_loss

from edgetl.accuracy import figure
from edgetl.contract import Contract
from edgetl.evaluation.judged import Judged
from edgetl.evaluation.measures import MultiLabel, WorstLabel, measures_of
from edgetl.evaluation.multi_label import average_precisions, mean_average_precision, micro_average_precision
from edgetl.evaluation.parity import Labelled, Parity, judge
from edgetl.output import Output, Thresholds
from edgetl.pipeline.validate import tolerances

Floats = NDArray[np.float64]
NAMES = ("a", "b", "c", "d")
OUTPUT: Output = Contract.square(32, 1 / 255, 0, NAMES).for_task("multi-label").output


def a_model(images: int = 300, seed: int = 0, *, sure: float = 2.5) -> tuple[Floats, NDArray[np.int32]]:
    """Return probabilities in steps of 1/256 [N, K], many of them equal, and labels [N, K], some images without any."""
    random = np.random.default_rng(seed)
    shown = (random.random((images, len(NAMES))) < 0.3).astype(np.int32)
    logits = sure * (2 * shown - 1) + 1.5 * random.standard_normal(shown.shape)
    return np.round(256 / (1 + np.exp(-logits))).clip(0, 255) / 256, shown


def judged(**subjects: Floats) -> Parity:
    labels = a_model()[1]
    return judge(subjects, Labelled.nameless(labels), tolerances(), OUTPUT)


def test_every_figure_is_scikit_learns() -> None:
    probabilities, shown = a_model()
    found = measures_of(OUTPUT).measure(probabilities, shown).multi_label
    assert found
    decided = OUTPUT.present(probabilities)
    assert found.mean_average_precision == pytest.approx(average_precision_score(shown, probabilities, average="macro"), abs=1e-12)
    assert found.macro_f1 == pytest.approx(f1_score(shown, decided, average="macro"), abs=1e-12)
    assert found.micro_f1 == pytest.approx(f1_score(shown, decided, average="micro"), abs=1e-12)
    assert found.exact_match == (decided == shown).all(axis=1).mean()
    floored = np.clip(probabilities, 1 / 512, 1 - 1 / 512).ravel()
    assert found.loss == pytest.approx(log_loss(shown.ravel(), floored), rel=1e-2)  # which floors the other end alone
    assert figure(found).metric == "mAP"
    assert found.map_interval_95[0] < found.mean_average_precision < found.map_interval_95[1]
    weights = np.ones((1, len(shown)))
    micro = average_precision_score(shown, probabilities, average="micro")
    assert micro_average_precision(probabilities, shown == 1)(weights)[0] == pytest.approx(micro, abs=1e-12)


def test_a_resample_counts_images_as_often_as_it_holds_them() -> None:
    probabilities, shown = a_model(60)
    rows = np.random.default_rng(1).integers(0, 60, 60)
    weights = np.bincount(rows, minlength=60)[None].astype(float)
    wanted = average_precision_score(shown[rows], probabilities[rows], average=None)
    assert average_precisions(probabilities, shown == 1)(weights)[0] == pytest.approx(wanted, abs=1e-12)


def test_a_class_that_no_image_shows_is_left_out_of_the_mean() -> None:
    probabilities, shown = a_model()
    shown[:, 2] = 0
    areas = average_precisions(probabilities, shown == 1)(np.ones((1, 300)))
    assert np.isnan(areas[0]).tolist() == [False, False, True, False]
    assert mean_average_precision(areas)[0] == np.nanmean(areas)


def test_files_that_differ_by_a_step_agree_unless_it_crosses_thresholds() -> None:
    model, _ = a_model()
    stepped = (model + np.where(np.random.default_rng(3).random(model.shape) < 0.1, 1 / 256, 0)).clip(0, 255 / 256)
    far = np.where(np.abs(model - 0.5) < 0.02, model, stepped)  # a step that no decision notices
    assert judged(keras_float=model, keras_int8=model, tflite_int8=model, onnx_int8=far).failures == ()
    tipped = model.copy()
    tipped[:9, 0] = np.where(model[:9, 0] < 0.5, 0.51, 0.49)  # 9 of 1200 decisions: more than 0.5 %
    failures = judged(keras_float=model, keras_int8=model, tflite_int8=model, onnx_int8=tipped).failures
    assert any("decide alike on 99.25 % of all classes of all images, at least 99.5 % are needed" in one for one in failures)


def test_a_drop_of_map_fails_and_the_worst_labels_are_named() -> None:
    model, shown = a_model()
    lost = np.where(shown[:, :1] * (np.arange(4) == 0) * (np.arange(300)[:, None] < 60) == 1, 0.25, model)  # 60 images' "a" is missed
    parity = judged(keras_float=model, keras_int8=lost, tflite_int8=lost)
    assert any("points of mAP less than keras_float, at most 0.7 may be lost" in one for one in parity.failures)
    pair = parity.pairs[0]
    before, after = (figure(parity.subjects[name].accuracy).value for name in ("keras_float", "tflite_int8"))
    assert pair.drop_points == pytest.approx(100 * (before - after))
    worst = pair.worst[0]
    assert isinstance(worst, WorstLabel)
    assert worst.texts(NAMES)[0] == "a: present"
    assert worst.texts(NAMES)[2] == "0.25, absent"


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (lambda p: np.full_like(p, 0.3), "gives the same prediction for all of 300 images (moved by 0 steps)"),
        (lambda p: np.full_like(p, 0.9), "finds every class on all of 300 images"),
        (lambda p: 0.6 + 0.4 * p, "finds every class on all of 300 images"),
        (lambda p: 0.3 + 0.02 * p, "gives the same prediction for all of 300 images (moved by 5.1 steps)"),
        (lambda p: p * 2, "gives values that are not probabilities (0..1)"),
        (lambda p: np.where(np.arange(300)[:, None] == 5, np.nan, p), "gives NaN or infinity for 1 of 300 images"),
    ],
)
def test_what_agrees_with_itself_alone_is_a_fault(broken: object, fault: str) -> None:
    wrong = broken(a_model()[0])  # type: ignore[operator]
    failures = judged(keras_float=wrong, keras_int8=wrong, tflite_int8=wrong).failures
    assert any(one.startswith(f"tflite_int8 {fault}") for one in failures)


def test_a_quantized_model_is_judged_by_map_and_exact_matches() -> None:
    model, shown = a_model()
    worse = np.clip(model + 0.3 * np.random.default_rng(2).standard_normal(model.shape), 0, 1)
    found = Judged.of(MultiLabel(OUTPUT), model, worse, shown)
    assert found.drop_points > 5
    assert found.cost.only_a > found.cost.only_b
    assert Judged.of(MultiLabel(OUTPUT), model, model, shown).kl == 0
    eager = OUTPUT.model_copy(update={"thresholds": Thresholds(per_class=(0.0, 0.0, 0.0, 0.0))})
    assert (MultiLabel(eager).right(model, shown) == (shown == 1).all(axis=1)).all()
