"""A step is traced once, and its sums are those of its batches."""

from typing import Any

from edgetl.keras import keras, tf

import numpy as np
import pytest

from edgetl import stops
from edgetl.training.step import Optimizer, Step
from edgetl.training.team import ALONE


def batches() -> Any:
    """Five numbers 0..4 in batches of two, the last one smaller."""
    numbers = tf.data.Dataset.from_tensor_slices((np.arange(5, dtype=np.float32), np.zeros(5, np.int32))).batch(2)
    return numbers.map(lambda values, labels: (values, labels, tf.zeros(2, tf.int32), 1.0))


@pytest.mark.parametrize(("steps_per_execution", "expected"), [(1, [(1, 1), (1, 5), (1, 4)]), (2, [(2, 6), (1, 4)])])
def test_a_smaller_last_batch_is_not_traced_anew(steps_per_execution: int, expected: list[tuple[int, float]]) -> None:
    """A trace of quantization-aware training takes 10 s and more."""
    traced, weight = [], tf.Variable(0.0)

    def loss(values: Any, labels: Any, seed: Any) -> tuple[Any, Any]:
        traced.append(values.shape)
        return tf.reduce_sum(values) + 0.0 * weight, tf.stack([values + 1, values], axis=1)

    adam = keras.optimizers.Adam(0.1)
    adam.build([weight])
    step = Step(loss=loss, optimizers=[Optimizer(keras=adam, variables=[weight])], steps_per_execution=steps_per_execution)
    run = step.on(ALONE)
    for _ in range(2):
        found = list(run(batches()))
        assert [(steps, value) for steps, value, _ in found] == expected
        assert sum(accuracy for _, _, accuracy in found) == 3, "each batch is right, and each counts as much"
    assert len(traced) == 1


def test_the_constraint_holds_after_every_update_and_its_state_is_kept() -> None:
    weight, count = tf.Variable(5.0), tf.Variable(0)

    class Positive:
        state = (count,)

        def __call__(self) -> None:
            count.assign_add(1)
            weight.assign(tf.maximum(weight, 0.0))

    def loss(values: Any, labels: Any, seed: Any) -> tuple[Any, Any]:
        return weight * 100.0, tf.stack([values, values], axis=1)

    sgd = keras.optimizers.SGD(1.0)
    sgd.build([weight])
    step = Step(loss=loss, optimizers=[Optimizer(keras=sgd, variables=[weight])], constraint=Positive())
    list(step.on(ALONE)(batches()))
    assert (float(weight), int(count)) == (0.0, 3)
    assert [variable is count for variable in step.state][-1], "a resumed training needs the constraint's own variables"


@pytest.mark.parametrize("steps_per_execution", [1, 2])
def test_a_stop_while_the_step_is_traced_ends_it(steps_per_execution: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trace takes seconds, and so does the first step after it."""
    weight = tf.Variable(5.0)

    def loss(values: Any, labels: Any, seed: Any) -> tuple[Any, Any]:
        monkeypatch.setattr(stops, "_asked", 143)  # the signal arrives here
        return weight * 100.0, tf.stack([values, values], axis=1)

    sgd = keras.optimizers.SGD(1.0)
    sgd.build([weight])
    step = Step(loss=loss, optimizers=[Optimizer(keras=sgd, variables=[weight])], steps_per_execution=steps_per_execution)
    with pytest.raises(SystemExit) as stop:
        list(step.on(ALONE)(batches()))
    assert stop.value.code == 143
    assert float(weight) == 5.0, "no step was taken"
