import dataclasses
import math

import numpy as np
import pytest

from edgetl.accuracy import Accuracy
from edgetl.evaluation.metrics import measure


def test_numbers_by_hand() -> None:
    probabilities = np.array([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0.25, 0.25, 0.5], [0.0, 1.0, 0.0]])
    found = measure(probabilities, np.array([0, 1, 1, 0]))
    assert found.images == 4
    assert found.top1_accuracy == 0.5
    assert found.top5_accuracy == 1.0  # three classes: top-3
    # Class 0: 1 hit, 1 miss, F1 2/3. Class 1: 1 hit, 1 miss, 1 false alarm, F1 1/2. Class 2: never right, F1 0.
    assert found.macro_f1 == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    assert found.loss == pytest.approx(-(math.log(0.5) + math.log(0.6) + math.log(0.25) + math.log(1 / 512)) / 4)
    # Wilson for 2 of 4: centre 1/2, half-width z sqrt(pq/n + z^2/4n^2) / (1 + z^2/n)
    z = 1.959964
    half = z * math.sqrt(0.25 / 4 + z * z / 64) / (1 + z * z / 4)
    assert found.top1_interval_95 == pytest.approx((0.5 - half, 0.5 + half), abs=1e-6)


def test_top5_and_ties_go_to_the_lower_class() -> None:
    probabilities = np.zeros((2, 8))
    probabilities[:, 7] = 1.0
    # After class 7 come 0, 1, 2 and 3 in order, all of them 0: class 3 is the fifth, class 4 the sixth.
    assert measure(probabilities, np.array([3, 4])).top5_accuracy == 0.5
    assert measure(np.full((1, 2), 0.5), np.array([0])).top1_accuracy == 1.0
    assert measure(np.full((1, 2), 0.5), np.array([1])).top1_accuracy == 0.0


def test_a_perfect_and_an_always_wrong_model() -> None:
    labels = np.arange(4).repeat(5)
    perfect = measure(np.eye(4)[labels], labels)
    assert (perfect.top1_accuracy, perfect.macro_f1, perfect.loss) == (1.0, 1.0, 0.0)
    assert perfect.top1_interval_95[0] < 1.0 == perfect.top1_interval_95[1]
    wrong = measure(np.eye(4)[(labels + 1) % 4], labels)
    assert (wrong.top1_accuracy, wrong.macro_f1) == (0.0, 0.0)
    assert wrong.loss == pytest.approx(math.log(512))  # the floor: bad, not infinite


def test_neither_the_order_of_images_nor_the_names_of_classes_matter() -> None:
    for seed in range(20):
        random = np.random.default_rng(seed)
        images, classes = int(random.integers(2, 60)), int(random.integers(2, 9))
        probabilities, labels = random.dirichlet(np.ones(classes), images), random.integers(0, classes, images)
        found = measure(probabilities, labels)
        shuffled, renamed = random.permutation(images), random.permutation(classes)
        assert _close(found, measure(probabilities[shuffled], labels[shuffled]))
        assert _close(found, measure(probabilities[:, renamed], np.argsort(renamed)[labels]))
        assert found.top1_interval_95[0] <= found.top1_accuracy <= found.top1_interval_95[1]
        assert found.top1_accuracy <= found.top5_accuracy


def _close(a: Accuracy, b: Accuracy) -> bool:
    return all(np.allclose(x, y) for x, y in zip(dataclasses.astuple(a), dataclasses.astuple(b), strict=True))


@pytest.mark.parametrize(
    ("shape", "labels"), [((0, 3), []), ((2, 3), [0]), ((2, 3), [0, 3]), ((2, 3), [-1, 0]), ((6,), [0, 0, 0, 0, 0, 0])]
)
def test_nonsense_is_refused(shape: tuple[int, ...], labels: list[int]) -> None:
    with pytest.raises(ValueError, match="labels"):
        measure(np.zeros(shape), np.array(labels, np.int64))
