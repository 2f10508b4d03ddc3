"""The devices that train together. Each batch is split among them and the gradients are summed, so that all replicas stay the same.

A replica is one copy of the model: a GPU of this machine (MirroredStrategy), or one of a worker process among several
(MultiWorkerMirroredStrategy, configured by TF_CONFIG). Rank 0 decides, and writes; the others compute in step with it.
"""

import json
import logging
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any

from edgetl.keras import tf

import numpy as np

from edgetl.data.examples import Share
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


@dataclass(frozen=True)
class Team:
    """A TensorFlow strategy, and which of how many worker processes this one is."""

    strategy: Any
    rank: int = 0
    workers: int = 1

    @property
    def replicas(self) -> int:
        """Number of replicas in all workers together."""
        return int(self.strategy.num_replicas_in_sync)

    def scope(self) -> AbstractContextManager[Any]:
        """Variables made inside are kept the same on all replicas."""
        scope: AbstractContextManager[Any] = self.strategy.scope()
        return scope

    def share(self, pipeline: int) -> Share:
        """Return the share of each batch that the replicas of an input pipeline take: a worker has one for all of its own."""
        local = self.replicas // self.workers
        return Share(pipeline * local, local, self.replicas)

    def broadcast_arrays(self, values: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return rank 0's arrays in all workers; each worker passes arrays of the same shapes."""
        if self.workers == 1:
            return list(values)
        # As one vector: one exchange. float64 holds float32 and the optimizer's counters exactly.
        flat = np.concatenate([np.asarray(value, np.float64).reshape(-1) for value in values])
        received = self._sum_over_workers(flat if self.rank == 0 else np.zeros_like(flat))
        ends = np.cumsum([np.size(value) for value in values])[:-1]
        parts = zip(values, np.split(received, ends), strict=True)
        return [part.reshape(np.shape(value)).astype(np.asarray(value).dtype) for value, part in parts]

    def broadcast(self, value: Any = None) -> Any:
        """Return rank 0's value, which JSON can hold, in all workers; what the others pass is ignored."""
        if self.workers == 1:
            return value
        text = json.dumps(value).encode() if self.rank == 0 else b""
        [length] = self.broadcast_arrays([np.array([len(text)])])
        [codes] = self.broadcast_arrays([np.frombuffer(text.ljust(int(length[0])), np.uint8)])
        return json.loads(codes.tobytes())

    def _sum_over_workers(self, value: np.ndarray) -> np.ndarray:
        """Add up the workers' values; each worker's first replica contributes its own."""

        def contribution(context: Any) -> Any:
            first = context.replica_id_in_sync_group % (self.replicas // self.workers) == 0
            return tf.constant(value if first else np.zeros_like(value))

        summed: np.ndarray = self.strategy.reduce(
            tf.distribute.ReduceOp.SUM, self.strategy.experimental_distribute_values_from_function(contribution), axis=None
        ).numpy()
        return summed


ALONE = Team(tf.distribute.get_strategy())


@cache
def team(strategy: str) -> Team:
    """Return the devices that a strategy names: auto, one, mirrored or multi-worker. Raises UsageError.

    A team of several workers must be made before TensorFlow computes anything.
    """
    config = os.environ.get("TF_CONFIG", "")
    if strategy == "multi-worker" or (strategy == "auto" and config):
        rank, workers = _place(config)
        if workers > 1:
            logger.info(f"rank {rank} of {workers}: waiting for the other workers")
            return Team(tf.distribute.MultiWorkerMirroredStrategy(), rank, workers)
        if strategy == "multi-worker":
            raise UsageError("TF_CONFIG names a single worker", "name all workers in it, or leave --strategy out")
    devices = [device.name for device in tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")]
    if strategy == "mirrored" and len(devices) == 1:
        raise UsageError("there is only one device to train on, so there is nothing to mirror", "leave --strategy out")
    if strategy in ("mirrored", "auto") and len(devices) > 1:
        return Team(tf.distribute.MirroredStrategy(devices))
    return ALONE


def _place(config: str) -> tuple[int, int]:
    """Return (rank, number of workers) from TF_CONFIG, as Kubeflow, Vertex AI and SageMaker set it; a chief is rank 0."""
    try:
        parsed = json.loads(config)
        cluster, kind, index = parsed["cluster"], parsed["task"]["type"], int(parsed["task"]["index"])
        names = [(role, number) for role in ("chief", "worker") for number in range(len(cluster.get(role, ())))]
        unknown = set(cluster) - {"chief", "worker", "evaluator"}
        if unknown:
            raise ValueError(f"it names {', '.join(sorted(unknown))}")
        return names.index((kind, index)), len(names)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"TF_CONFIG does not say which worker this is: {error}",
            'it must be JSON such as {"cluster": {"worker": ["a:2222", "b:2222"]}, "task": {"type": "worker", "index": 0}}',
        ) from None
