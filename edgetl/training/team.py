"""The devices that train together. Each step's images are shared out and the gradients summed, so that all replicas stay the same.

A replica is one copy of the model: a GPU of this machine (MirroredStrategy), or one of a worker process among several
(MultiWorkerMirroredStrategy, told by TF_CONFIG). Rank 0 decides, and writes; the others compute in step with it.
"""

import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

from edgetl.keras import tf

import numpy as np

from edgetl.data.batches import Share
from edgetl.errors import UsageError

logger = logging.getLogger(__name__)

# What TensorFlow raises in a worker when another one is gone, sooner or later.
LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.InternalError,
    tf.errors.DeadlineExceededError,
)


Steps = Callable[[Any], Iterator[tuple[int, float, float]]]
"""An epoch's batches, a dataset of TensorFlow's that tells its `element_spec`, to (number of steps, sum of their losses, sum of their
accuracies), again and again until the epoch ends."""


@dataclass(frozen=True)
class Team:
    """A TensorFlow strategy, and which of how many worker processes this one is."""

    strategy: Any
    rank: int = 0
    workers: int = 1

    @property
    def replicas(self) -> int:
        """Of all workers together."""
        return int(self.strategy.num_replicas_in_sync)

    def scope(self) -> AbstractContextManager[Any]:
        """Variables made inside are kept the same on all replicas."""
        scope: AbstractContextManager[Any] = self.strategy.scope()
        return scope

    def batches(self, shared: Callable[[Share], Any]) -> Iterable[tuple[Any, ...]]:
        """What this process's replicas take, of a dataset made for their share."""
        local = self.replicas // self.workers
        dataset: Iterable[tuple[Any, ...]] = self.strategy.distribute_datasets_from_function(
            lambda context: shared(Share(context.input_pipeline_id * local, local, self.replicas))
        )
        return dataset

    def steps(self, one: Callable[..., tuple[Any, Any]], at_once: int = 1) -> Steps:
        """A replica's step, to that replica's parts of the loss and the accuracy, as a walk through an epoch's batches by all replicas.

        Args:
            at_once: steps that TensorFlow does on its own between two looks at the results.
        """

        @tf.function
        def once(*batch: Any) -> Any:
            parts = self.strategy.run(one, batch)
            return tf.stack([1.0, *(self.strategy.reduce(tf.distribute.ReduceOp.SUM, part, axis=None) for part in parts)])

        @tf.function
        def several(batches: Any) -> Any:
            sums = tf.zeros(3)
            for _ in tf.range(at_once):
                batch = batches.get_next_as_optional()
                if batch.has_value():
                    sums += once(*batch.get_value())
            return sums

        def walk(dataset: Any) -> Iterator[tuple[int, float, float]]:
            if at_once == 1:
                # For batches of any size, as the last one is smaller: a second trace takes 5 to 13 s, free shapes 2 ms a step.
                once.get_concrete_function(*dataset.element_spec)
                results: Iterator[Any] = (once(*batch) for batch in dataset)
            else:
                batches = iter(dataset)
                results = (several(batches) for _ in count())
            for result in results:
                done, loss, accuracy = result.numpy().tolist()
                if not done:
                    return
                yield int(done), loss, accuracy

        return walk

    def arrays(self, values: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Rank 0's values, in all workers; each brings some of the same shapes."""
        if self.workers == 1:
            return list(values)
        # As one vector: one exchange. float64 holds float32 and the optimizer's counters exactly.
        flat = np.concatenate([np.asarray(value, np.float64).reshape(-1) for value in values])
        told = self._sum(flat if self.rank == 0 else np.zeros_like(flat))
        ends = np.cumsum([np.size(value) for value in values])[:-1]
        parts = zip(values, np.split(told, ends), strict=True)
        return [part.reshape(np.shape(value)).astype(np.asarray(value).dtype) for value, part in parts]

    def tell(self, value: Any = None) -> Any:
        """Rank 0's value, which JSON can hold, in all workers; the others' is not looked at."""
        if self.workers == 1:
            return value
        text = json.dumps(value).encode() if self.rank == 0 else b""
        [length] = self.arrays([np.array([len(text)])])
        [codes] = self.arrays([np.frombuffer(text.ljust(int(length[0])), np.uint8)])
        return json.loads(codes.tobytes())

    def _sum(self, value: np.ndarray) -> np.ndarray:
        """Over the workers; each one's first replica brings its value."""

        def brought(context: Any) -> Any:
            first = context.replica_id_in_sync_group % (self.replicas // self.workers) == 0
            return tf.constant(value if first else np.zeros_like(value))

        summed: np.ndarray = self.strategy.reduce(
            tf.distribute.ReduceOp.SUM, self.strategy.experimental_distribute_values_from_function(brought), axis=None
        ).numpy()
        return summed


ALONE = Team(tf.distribute.get_strategy())


@cache
def team(strategy: str) -> Team:
    """The devices by the name of a strategy: auto, one, mirrored, multi-worker.

    A team of several workers must be made before TensorFlow computes anything. Raises UsageError.
    """
    told = os.environ.get("TF_CONFIG", "")
    if strategy == "multi-worker" or (strategy == "auto" and told):
        rank, workers = _place(told)
        if workers > 1:
            logger.info(f"rank {rank} of {workers}: waiting for the other workers")
            return Team(tf.distribute.MultiWorkerMirroredStrategy(), rank, workers)
        if strategy == "multi-worker":
            raise UsageError("TF_CONFIG names one worker alone", "name all workers in it, or leave --strategy out")
    devices = [device.name for device in tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")]
    if strategy == "mirrored" and len(devices) == 1:
        raise UsageError("there is one device alone to train on, so nothing to mirror", "leave --strategy out")
    if strategy in ("mirrored", "auto") and len(devices) > 1:
        return Team(tf.distribute.MirroredStrategy(devices))
    return ALONE


def _place(told: str) -> tuple[int, int]:
    """(rank, number of workers) from TF_CONFIG, as Kubeflow, Vertex AI and SageMaker set it; a chief is rank 0."""
    try:
        config = json.loads(told)
        cluster, kind, index = config["cluster"], config["task"]["type"], int(config["task"]["index"])
        names = [(role, number) for role in ("chief", "worker") for number in range(len(cluster.get(role, ())))]
        if set(cluster) - {"chief", "worker", "evaluator"}:
            raise ValueError(f"it names {', '.join(sorted(set(cluster) - {'chief', 'worker', 'evaluator'}))}")
        return names.index((kind, index)), len(names)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"TF_CONFIG does not say which worker this is: {error}",
            'it must be JSON such as {"cluster": {"worker": ["a:2222", "b:2222"]}, "task": {"type": "worker", "index": 0}}',
        ) from None
