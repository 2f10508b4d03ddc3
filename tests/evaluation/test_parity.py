import dataclasses
import json
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from edgetl.contract import Contract
from edgetl.evaluation.agreement import compare
from edgetl.evaluation.faults import are_probabilities
from edgetl.evaluation.parity import REFERENCE, Labelled, Parity, Tolerance, Unknown, judge
from edgetl.evaluation.statistics import paired
from edgetl.export import FORMATS
from edgetl.output import Output, Rejection
from edgetl.pipeline.validate import tolerances

Array = NDArray[np.float64]
CLASSES = 4
TOLERANCES = tolerances()
FILES = [form.subject(precision) for form in map(FORMATS.load, FORMATS) for precision in form.precisions]
REFERENCES = (REFERENCE, "keras_int8")
SUBJECTS = (*REFERENCES, *FILES)


def a_model(images: int = 200, seed: int = 0) -> tuple[Array, NDArray[np.int64]]:
    """Sure and mostly right predictions [N, K] and labels [N]."""
    random = np.random.default_rng(seed)
    labels = np.arange(images) % CLASSES
    predictions = np.where(random.random(images) < 0.9, labels, (labels + 1) % CLASSES)
    return np.eye(CLASSES)[predictions] * 0.8 + 0.05, labels


def rounded(probabilities: Array) -> Array:
    return np.round(probabilities * 256).clip(0, 255) / 256


def judged(labels: NDArray[np.int64], output: Output | None = None, **subjects: Array) -> Parity:
    return judge(subjects, Labelled(labels, [f"image-{row}.jpg" for row in range(len(labels))]), TOLERANCES, output)


def rejecting(threshold: float, *, inside: bool = False) -> Output:
    contract = Contract.square(8, 1 / 255, 0, tuple("abcd"))
    return contract.rejecting(Rejection(threshold=threshold, keep=0.95, inside_the_model=inside)).output


def test_files_of_the_same_integers_decide_alike() -> None:
    model, labels = a_model()
    first = rounded(model)
    second = first.copy()
    second[:2] -= 1 / 256  # of 0.85
    output = rejecting(float(first.max()) - 0.5 / 256)
    found = judged(labels, output, tflite_int8=first, onnx_int8=second)
    [pair] = found.pairs
    assert (pair.same_decisions, pair.agreement.top1_agreement) == (0.99, 1.0)
    assert pair.failures == (
        "tflite_int8 and onnx_int8 decide otherwise on 2 of 200 images (2 near ties among them) by the contract's thresholds, at most 1 "
        "may differ",
    )
    assert judged(labels, rejecting(0.5), tflite_int8=first, onnx_int8=second).pairs[0].same_decisions == 1.0
    assert judged(labels, tflite_int8=first, onnx_int8=second).pairs[0].same_decisions is None, "there are no thresholds"
    kept = judged(labels, output, keras_float=model, tflite_int8=second)
    assert not any("decide otherwise" in failure for failure in kept.failures), "what rounding to 8 bits costs is no fault of a file"


def test_a_model_that_rejects_may_give_all_classes_little() -> None:
    model, labels = a_model()
    model[:20] *= 0.01
    model[20] = 0
    assert are_probabilities(model, sum_is_one=False)
    assert not are_probabilities(model)
    assert not are_probabilities(model * 1.2, sum_is_one=False)
    assert judged(labels, rejecting(0.5, inside=True), keras_float=model, tflite_float32=model).passed
    assert not judged(labels, rejecting(0.5), keras_float=model, tflite_float32=model).passed


def test_models_that_agree_pass() -> None:
    model, labels = a_model()
    found = judged(labels, **{name: rounded(model) if "int8" in name else model for name in SUBJECTS})
    assert found.passed
    assert found.failures == ()
    assert len(found.pairs) == len(TOLERANCES)
    assert all(pair.passed for pair in found.pairs)
    assert set(found.subjects) == set(SUBJECTS)


def test_every_tolerance_makes_sense_and_every_file_meets_the_float_model() -> None:
    assert {(t.first, t.second) for t in TOLERANCES if t.first == "keras_float"} == {("keras_float", file) for file in FILES}
    assert len({(t.first, t.second) for t in TOLERANCES}) == len(TOLERANCES)
    for tolerance in TOLERANCES:
        assert {tolerance.first, tolerance.second} <= set(SUBJECTS)
        assert tolerance.first != tolerance.second
        assert 0.9 <= tolerance.min_top1_agreement < 1
        assert 0 < tolerance.max_mean_abs_dp <= 0.1
        assert tolerance.max_drop_points > 0
        assert tolerance.reason


@pytest.mark.parametrize("tolerance", TOLERANCES, ids=lambda t: f"{t.first}~{t.second}")
def test_every_pair_fails_on_swapped_classes(tolerance: Tolerance) -> None:
    model, labels = a_model()
    pair = {tolerance.first: model, tolerance.second: model[:, [1, 0, 2, 3]]}
    found = judge(pair, Labelled(labels, [""] * len(labels)), TOLERANCES)
    assert not found.passed
    assert len(found.pairs) == 1
    assert any("name another class on 1" in failure for failure in found.failures)


def test_a_constant_model_fails_though_it_agrees_with_itself() -> None:
    _, labels = a_model()
    constant = np.tile([0.7, 0.1, 0.1, 0.1], (200, 1))
    jitter = np.random.default_rng(0).uniform(-1, 1, constant.shape) / 1000
    for stuck in (constant, constant + jitter, np.full((200, CLASSES), 0.25) + jitter):
        found = judged(labels, keras_float=stuck, tflite_float32=stuck)
        assert all(pair.agreement.disagreements == 0 for pair in found.pairs)
        assert not found.passed
        assert all("same prediction" in subject.faults[0] for subject in found.subjects.values())


def test_one_class_for_everything_fails_unless_the_probabilities_tell_the_images_apart() -> None:
    _, labels = a_model()
    random = np.random.default_rng(0)
    for spread, passes in ((5 / 256, False), (40 / 256, True)):
        first = 0.7 + random.uniform(-0.5, 0.5, 200) * spread
        lazy = np.column_stack([first, *[(1 - first) / 3] * 3])
        assert judged(labels, keras_float=lazy, tflite_float32=lazy).passed is passes


def test_a_sure_model_of_one_class_of_images_is_not_constant() -> None:
    sure = np.tile([0.97, 0.01, 0.01, 0.01], (200, 1))
    sure[::2] = [0.94, 0.02, 0.02, 0.02]
    assert judged(np.zeros(200, np.int64), keras_float=sure, tflite_float32=sure).passed


def test_a_single_image_shows_nothing() -> None:
    model, labels = a_model(1)
    assert not judged(labels, keras_float=model, tflite_float32=model).passed


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_fail_and_still_make_json(broken: float) -> None:
    model, labels = a_model()
    bad = model.copy()
    bad[7, 2] = broken
    found = judged(labels, keras_float=bad, tflite_float32=bad)
    assert not found.passed
    assert "NaN or infinity for 1 of 200" in found.subjects["keras_float"].faults[0]
    json.dumps(dataclasses.asdict(found), allow_nan=False)


def test_logits_are_not_probabilities() -> None:
    model, labels = a_model()
    for wrong in (np.log(model), model * 2, model / 2):
        found = judged(labels, keras_float=wrong, tflite_float32=wrong)
        assert not found.passed
        assert "not probabilities" in found.failures[0]
    assert judged(labels, tflite_int8=rounded(model), onnx_int8=rounded(model)).passed


MANY = (2, 256, 257, 1000, 20000)


@pytest.mark.parametrize("classes", MANY)
@pytest.mark.parametrize("row", ["zero", "tenth", "twice"])
def test_a_row_far_from_a_sum_of_one_is_refused_at_any_number_of_classes(classes: int, row: str) -> None:
    model = np.full((3, classes), 1 / 256) if classes == 256 else np.zeros((3, classes))
    model[:, 0] += 1 - model.sum(axis=1)
    wrong = model.copy()
    wrong[1] *= {"zero": 0, "tenth": 26 / 256, "twice": 2}[row]
    assert are_probabilities(model)
    assert not are_probabilities(wrong)
    assert not are_probabilities(wrong * 0.999), "nor where it is no uint8 output's"


@pytest.mark.parametrize("classes", MANY)
def test_only_a_uint8_output_may_be_as_far_from_one_as_its_steps_round(classes: int) -> None:
    model = np.random.default_rng(0).dirichlet(np.full(min(classes, 100), 0.5), 50)
    model = np.pad(model, ((0, 0), (0, classes - model.shape[1])))
    assert are_probabilities(rounded(model))
    assert are_probabilities(model)
    assert not are_probabilities(model * 0.98)


def test_zeros_and_ties_name_the_steps_as_their_cause() -> None:
    random = np.random.default_rng(0)
    model = random.dirichlet(np.full(1000, 2.0), 200)
    labels = model.argmax(axis=1)
    found = judged(labels, keras_float=model, tflite_int8=rounded(model / 2))
    [fault] = found.subjects["tflite_int8"].faults
    assert fault.startswith("gives 0 for every class of ")
    assert "export.output=float32" in fault
    [failure] = [one for one in found.failures if "name another class" in one]
    assert "both classes are tied: the output's steps of 1/256 are the cause" in failure
    other = judged(labels, keras_float=model, tflite_int8=np.roll(model, 1, axis=1))
    assert not any("1/256" in one for one in other.failures), "what is wrong by itself is not put down to steps"


def test_a_model_of_many_classes_is_not_constant_for_being_unsure() -> None:
    random = np.random.default_rng(0)
    labels = np.arange(200)
    model = np.exp(0.5 * random.normal(size=(200, 1000)))
    model /= model.sum(axis=1, keepdims=True)
    assert model.max() < 8 / 256
    assert judged(labels, keras_float=model, tflite_float32=model).passed


def test_on_a_small_set_one_near_tie_may_tip_over_but_not_two() -> None:
    model, labels = a_model(20)
    model[4] = model[9] = [0.4, 0.4 - 1e-4, 0.1, 0.1 + 1e-4]
    tipped = model.copy()
    for row, passes in ((4, True), (9, False)):
        tipped[row, :2] = model[row, 1], model[row, 0]
        found = judged(labels, keras_float=model, tflite_float32=tipped)
        assert found.passed is passes
        assert ("at most 1 may differ" in " ".join(found.failures)) is not passes


def test_one_image_that_goes_from_sure_to_sure_of_something_else_fails_a_float_pair() -> None:
    model, labels = a_model(20)
    other = model.copy()
    other[3] = np.roll(model[3], 1)
    [pair] = judged(labels, keras_float=model, tflite_float32=other).pairs
    assert pair.agreement.disagreements == 1
    assert not pair.passed
    assert all("in probability" in failure for failure in pair.failures)


@pytest.mark.parametrize(
    ("fraction", "images", "allowed"), [(0.9, 10, 1), (0.985, 200, 3), (0.95, 100, 5), (0.95, 119, 5), (0.999, 100, 1)]
)
def test_allowed_disagreements(fraction: float, images: int, allowed: int) -> None:
    tolerance = dataclasses.replace(TOLERANCES[0], min_top1_agreement=fraction, max_mean_abs_dp=1.0, max_drop_points=100.0)
    for tipped, passes in ((allowed, True), (allowed + 1, False)):
        a, b = np.tile([0.6, 0.4], (images, 1)), np.tile([0.6, 0.4], (images, 1))
        b[:tipped] = [0.4, 0.6]
        right = np.ones(images, bool)
        assert (not tolerance.failures(compare(a, b), paired(right, right))) is passes


def test_a_drop_fails_beyond_its_bound_a_gain_never_does() -> None:
    labels = np.arange(1000) % CLASSES
    model = np.eye(CLASSES)[labels] * 0.8 + 0.05
    for lost, passes in ((7, True), (8, False)):  # 0.7 points of 1000 images
        worse = model.copy()
        worse[:lost] = np.roll(model[:lost], 1, axis=1)
        assert judged(labels, keras_float=model, tflite_int8=worse).passed is passes
    assert judged(labels, keras_float=worse, tflite_int8=model).passed


def test_losing_one_image_of_a_small_set_is_no_failure() -> None:
    labels = np.arange(40) % CLASSES
    model = np.eye(CLASSES)[labels] * 0.8 + 0.05
    worse = model.copy()
    worse[0] = np.roll(model[0], 1)
    [pair] = judged(labels, keras_float=model, tflite_int8=worse).pairs
    assert pair.paired.drop_points == 2.5
    assert pair.passed


def test_wrong_confidence_fails_though_every_answer_is_the_same() -> None:
    model, labels = a_model()
    unsure = model * 0.5 + 0.125
    [pair] = judged(labels, keras_float=model, tflite_int8=unsure).pairs
    assert pair.agreement.disagreements == 0
    assert not pair.passed


def test_worst_images_are_named_with_what_was_said_of_them() -> None:
    model, labels = a_model()
    other = model.copy()
    other[7] = [0.05, 0.05, 0.05, 0.85] if model[7].argmax() == 0 else [0.85, 0.05, 0.05, 0.05]
    [pair] = judged(labels, keras_float=model, tflite_int8=other).pairs
    worst = pair.worst[0]
    assert (worst.name, worst.label_id) == ("image-7.jpg", 3)
    assert (worst.first_top1, worst.second_top1) == (int(model[7].argmax()), int(other[7].argmax()))
    assert [worst.first_probability, worst.second_probability] == pytest.approx([0.85, 0.85])
    assert len(pair.worst) == 10


def test_only_pairs_that_are_present_are_judged_and_none_is_a_failure() -> None:
    model, labels = a_model()
    assert [pair.tolerance.second for pair in judged(labels, keras_float=model, onnx_float32=model).pairs] == ["onnx_float32"]
    for subjects in ({}, {"keras_float": model}, dict.fromkeys(REFERENCES, model), {"tflite_int8": model, "onnx_float32": model}):
        assert not judged(labels, **subjects).passed


def test_the_two_onnx_int8_files_may_not_differ_by_a_step_here_and_there() -> None:
    model, labels = a_model()
    first = rounded(model)
    second = first.copy()
    second[::4, 0] += 1 / 256
    assert judged(labels, tflite_int8=first, onnx_int8=second).passed, "two engines may"
    assert judged(labels, onnx_int8=first, onnx_qdq_int8=first).passed
    assert not judged(labels, onnx_int8=first, onnx_qdq_int8=second).passed


def test_a_file_that_was_compared_with_nothing_is_a_failure() -> None:
    model, labels = a_model()
    found = judged(labels, tflite_float32=model, onnx_float32=model, tflite_int8=model)
    assert found.failures == ("tflite_int8 was compared with nothing",)


def test_names_that_are_not_subjects_and_names_that_do_not_fit_are_refused() -> None:
    model, labels = a_model()
    with pytest.raises(ValueError, match="tflite_in8"):
        judge({"tflite_in8": model}, Labelled(labels, [""] * 200), TOLERANCES)
    with pytest.raises(ValueError, match="199 names for 200 labels"):
        judge({"keras_float": model}, Labelled(labels, [""] * 199), TOLERANCES)
    with pytest.raises(ValueError, match="not both"):
        judged(labels, keras_float=model, tflite_float32=np.full((200, 5), 1 / 5))


def test_decisions_on_unknown_images_are_compared_too() -> None:
    model, labels = a_model()
    output = rejecting(0.5, inside=True)
    stranger = np.where(np.arange(400)[:, None] % 2, model[0], model[0] * 0.4)  # half of them pass
    tipped = stranger.copy()
    tipped[:6:2] *= 2  # 3 of 400 pass in one engine alone: more than 0.5 %
    subjects = {"keras_float": model, "keras_int8": model, "tflite_int8": model, "onnx_int8": model}

    def failures(of_onnx: Array) -> tuple[str, ...]:
        unknown = Unknown({"keras_float": stranger, "keras_int8": stranger, "tflite_int8": stranger, "onnx_int8": of_onnx})
        return judge(subjects, Labelled.nameless(labels), TOLERANCES, output, unknown).failures

    assert failures(stranger) == ()
    assert any("decide otherwise on 3 of 400 unknown images by the contract's thresholds, at most 2" in one for one in failures(tipped))
