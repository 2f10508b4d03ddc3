"""One optimizer step as a TensorFlow graph, and a run of such steps over an epoch's batches."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol

from edgetl.keras import keras, tf

from edgetl import stops
from edgetl.training.objective import ONE_CLASS, Objective
from edgetl.training.team import Team

Loss = Callable[[Any, Any, Any], tuple[Any, Any]]
"""Computes a batch's scalar loss and its logits float32 [N, K] from the inputs as `augment` returned them, such as float32 pixels
0..255 [N, H, W, 3], int32 label ids [N] or [N, K], and an int32 seed [2] for random draws."""


class Constraint(Protocol):
    """Put the weights back onto what is allowed; called after every update, inside the step's graph."""

    state: Sequence[Any]  # variables that a resumed training needs too

    def __call__(self) -> None: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Optimizer:
    """A built Keras optimizer and the variables that it updates; a LossScaleOptimizer where the model computes in float16."""

    keras: Any
    variables: Sequence[Any]


def _unchanged(inputs: Any, seed: Any) -> Any:
    return inputs


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """All work on one batch: augment, forward, backward, update, constrain.

    It must not hold images: TensorFlow may keep a graph, and all that the graph's function holds, for ever.

    Args:
        optimizers: one for all variables, or one for each depth of the network.
        augment: function of the batch's inputs and its seed.
        objective: of the task, by which accuracies are counted.
        jit: compile all but the augmentation, whose crops XLA cannot resize.
        steps_per_execution: steps that TensorFlow takes on its own between two looks at the results.
    """

    loss: Loss
    optimizers: Sequence[Optimizer]
    augment: Callable[[Any, Any], Any] = _unchanged
    constraint: Constraint | None = None
    objective: Objective = ONE_CLASS
    jit: bool = False
    steps_per_execution: int = 1

    @property
    def state(self) -> list[Any]:
        """The variables beside the model's that a resumed training needs."""
        state = [variable for optimizer in self.optimizers for variable in optimizer.keras.variables]
        return [*state, *(self.constraint.state if self.constraint else ())]

    def on(self, team: Team) -> Callable[[Any], Iterator[tuple[int, float, float]]]:
        """Return a function that takes an epoch's dataset through the step on all replicas.

        It yields (number of steps, sum of their losses, sum of their accuracies) until the epoch ends. The graph is traced once.
        """
        learn = tf.function(self._learn, jit_compile=True) if self.jit else self._learn

        # No control flow to convert; the second line says so to layers, too, of which AutoGraph would convert each one's `call`.
        @tf.function(autograph=False)
        @tf.autograph.experimental.do_not_convert
        def once(inputs: Any, label_ids: Any, seed: Any, share: Any) -> Any:
            def replica(inputs: Any, label_ids: Any, seed: Any, share: Any) -> tuple[Any, Any]:
                return learn(self.augment(inputs, seed), label_ids, seed, share)

            parts = team.strategy.run(replica, (inputs, label_ids, seed, share))
            return tf.stack([1.0, *(team.strategy.reduce(tf.distribute.ReduceOp.SUM, part, axis=None) for part in parts)])

        @tf.function
        def several(batches: Any) -> Any:
            sums = tf.zeros(3)
            for _ in tf.range(self.steps_per_execution):
                batch = batches.get_next_as_optional()
                if batch.has_value():
                    sums += once(*batch.get_value())
            return sums

        def run(dataset: Any) -> Iterator[tuple[int, float, float]]:
            if self.steps_per_execution == 1:
                # For batches of any size, as the last one is smaller: a second trace takes 5 to 13 s, free shapes 2 ms a step.
                once.get_concrete_function(*dataset.element_spec)
                stops.check()  # tracing took seconds, and the first step, before which the graph is optimized, takes as long again
                results: Iterator[Any] = (once(*batch) for batch in dataset)
            else:
                batches = iter(dataset)
                results = (several(batches) for _ in count())
            for result in results:
                steps, loss, accuracy = result.numpy().tolist()
                if not steps:
                    return
                yield int(steps), loss, accuracy

        return run

    def _learn(self, inputs: Any, label_ids: Any, seed: Any, share: Any) -> tuple[Any, Any]:
        """Take one replica's step; returns its share of the batch's loss and accuracy, whose sums over the replicas are the batch's.

        Each part takes seconds to trace: the looks at the stop flag happen then, and do not belong to the graph.
        """
        with tf.GradientTape() as tape:
            loss, logits = self.loss(inputs, label_ids, seed)
            loss *= share
            scaled = self.optimizers[0].keras.get_scaled_loss(loss) if self._scales else loss
        stops.check()
        gradients = tape.gradient(scaled, [optimizer.variables for optimizer in self.optimizers])
        stops.check()
        for optimizer, own in zip(self.optimizers, gradients, strict=True):
            own = optimizer.keras.get_unscaled_gradients(own) if self._scales else own
            optimizer.keras.apply_gradients(zip(own, optimizer.variables, strict=True))
        if self.constraint is not None:
            self.constraint()
        return loss, share * self.objective.right(label_ids, logits)

    @property
    def _scales(self) -> bool:
        return isinstance(self.optimizers[0].keras, keras.mixed_precision.LossScaleOptimizer)
