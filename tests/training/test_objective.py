"""The loss and the figures of both tasks, and that they agree with each other and with what others compute."""

from edgetl.keras import tf

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import average_precision_score, log_loss

from edgetl.contract import Contract
from edgetl.training.objective import ONE_CLASS, objective_of

ONE = Contract.square(8, 1.0, 0, ("a", "b", "c", "d")).output
SEVERAL = objective_of(Contract.square(8, 1.0, 0, ONE.class_names).for_task("multi-label").output)
RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(0, 2, (50, 4)).astype(np.float32)
SHOWN = (RANDOM.random((50, 4)) < 0.4).astype(np.int32)
EVEN = np.ones(4, np.float32)


def test_accuracy_and_loss_of_logits_of_any_size() -> None:
    logits = np.array([[2.0, 0.0], [0.0, 1.0], [1000.0, 0.0]], np.float32)
    accuracy, loss = ONE_CLASS.judge(logits, np.array([0, 0, 0]))
    assert accuracy == pytest.approx(2 / 3)
    assert loss == pytest.approx((np.log(1 + np.exp(-2)) + np.log(1 + np.exp(1)) + 0) / 3, rel=1e-5)


def test_several_classes_are_judged_by_map_and_the_sum_of_binary_cross_entropies() -> None:
    figure, loss = SEVERAL.judge(LOGITS, SHOWN)
    assert figure == pytest.approx(np.mean([average_precision_score(SHOWN[:, k], LOGITS[:, k]) for k in range(4)]))
    assert loss == pytest.approx(sum(log_loss(SHOWN[:, k], expit(LOGITS[:, k].astype(np.float64))) for k in range(4)), rel=1e-5)
    assert SEVERAL.loss(SHOWN, LOGITS, EVEN, 0.0).numpy() == pytest.approx(loss, rel=1e-5)


def test_a_class_that_no_image_shows_does_not_count() -> None:
    absent = SHOWN * np.array([1, 1, 1, 0])
    assert SEVERAL.judge(LOGITS, absent)[0] == pytest.approx(SEVERAL.judge(LOGITS[:, :3], SHOWN[:, :3])[0])
    assert SEVERAL.judge(LOGITS, 0 * SHOWN)[0] == 0


def test_weights_are_those_of_images_that_show_a_class() -> None:
    none, all_of_them = 0 * SHOWN, 0 * SHOWN + 1
    assert SEVERAL.loss(none, LOGITS, 3 * EVEN, 0.0).numpy() == pytest.approx(SEVERAL.loss(none, LOGITS, EVEN, 0.0).numpy())
    doubled = SEVERAL.loss(all_of_them, LOGITS, 2 * EVEN, 0.0).numpy()
    assert doubled == pytest.approx(2 * SEVERAL.loss(all_of_them, LOGITS, EVEN, 0.0).numpy(), rel=1e-6)


@pytest.mark.parametrize("objective", [ONE_CLASS, SEVERAL])
def test_divergence_is_zero_for_the_same_logits_alone_and_the_same_in_both_arithmetics(objective: object) -> None:
    other = LOGITS + RANDOM.normal(0, 0.3, LOGITS.shape).astype(np.float32)
    apart, changed = objective.distances(LOGITS, other)  # type: ignore[attr-defined]
    assert (apart > 0).all()
    assert 0 < changed.mean() < 0.5
    assert objective.divergence(LOGITS, other, 1.0).numpy() == pytest.approx(apart.mean(), rel=1e-3)  # type: ignore[attr-defined]
    assert objective.divergence(LOGITS, LOGITS, 2.0).numpy() == pytest.approx(0, abs=1e-6)  # type: ignore[attr-defined]


def test_two_classes_of_one_are_one_of_several() -> None:
    """A softmax over the logits 0 and z is a sigmoid of z."""
    both, shown = np.column_stack([0 * LOGITS[:, 0], LOGITS[:, 0]]), SHOWN[:, :1]
    assert ONE_CLASS.judge(both, shown[:, 0])[1] == pytest.approx(SEVERAL.judge(LOGITS[:, :1], shown)[1], rel=1e-5)
    assert ONE_CLASS.right(shown[:, 0], both).numpy() == pytest.approx(SEVERAL.right(shown, LOGITS[:, :1]).numpy())


def test_smoothed_labels_are_the_least_loss() -> None:
    with tf.GradientTape() as tape:
        logits = tf.Variable(np.log([[0.95 / 0.05, 0.05 / 0.95]]).astype(np.float32))
        loss = SEVERAL.loss(np.array([[1, 0]]), logits, EVEN[:2], 0.1)
    assert np.abs(tape.gradient(loss, logits).numpy()).max() < 1e-6


def test_a_logit_of_unknown_images_above_all_others_makes_no_prediction_wrong() -> None:
    """Whether an image is rejected is no matter of how right its class is: accuracies are those before rejection."""
    beside, label_ids = np.column_stack([LOGITS, LOGITS.max(1) + 1]), LOGITS.argmax(1).astype(np.int32)
    objective = objective_of(ONE)
    assert objective.right(label_ids, beside).numpy() == 1
    assert objective.judge(beside, label_ids) == pytest.approx(ONE_CLASS.judge(LOGITS, label_ids))
    less = beside - np.array([0, 0, 0, 0, 8], np.float32)
    apart, changed = objective.distances(beside, less)
    assert not changed.any()
    assert (apart > 0.1).all()  # of what is rejected a student has to learn all the same
