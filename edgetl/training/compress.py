"""Train kernels to fewer different values, for files that must be small when zipped: zeros (pruning) and clusters.

All is measured against the largest magnitude of each output channel, because a folded batch norm has scaled the channels apart and int8
has a scale for each: the smallest weights of the whole kernel would be whole channels, and centroids of the whole kernel would become as
many int8 values as there are channels. In units of the channel's limit, a centroid is one int8 value everywhere.

Depthwise kernels and biases stay as they are: few numbers, and the network is sensitive to each.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgetl.keras import layers, tf

import numpy as np

from edgetl.data.examples import AugmentedExamples
from edgetl.errors import UsageError
from edgetl.run_record import Compression
from edgetl.training.finetune import FineTuneSettings, fine_tune
from edgetl.training.history import History
from edgetl.training.schedule import Schedule

_EVERY = 8  # steps between two growths of the masks: sorting all weights takes about as long as a step
_LLOYD = 1000  # iterations at most; 65 536 weights converge in fewer
_MOST_CLUSTERS = 255  # int8 without -128
_SAME = 1e-5  # of a channel's limit: float32 rounding within a cluster is a hundredth of it, clusters are hundreds of it apart
_SMALLEST = 1e-6  # an all-zero channel still needs a scale


@dataclass(frozen=True, kw_only=True)
class CompressSettings:
    """How far to compress. Raises UsageError when it cannot be done.

    Args:
        sparsity: share of each kernel that becomes zero; 0: none.
        clusters: different values of each kernel, in units of its channels' limits, zero and both limits included; 0: any number.
        pruning: how the rest is trained while zeros grow.
        clustering: how the clusters are trained.
    """

    sparsity: float
    clusters: int
    pruning: FineTuneSettings
    clustering: FineTuneSettings

    def __post_init__(self) -> None:
        if not 0 <= self.sparsity < 1:
            raise UsageError(f"the sparsity {self.sparsity} is out of range", "choose a share from 0 (none) to below 1, such as 0.5")
        if self.clusters and not 4 <= self.clusters <= _MOST_CLUSTERS:
            raise UsageError(f"{self.clusters} clusters are out of range", f"choose 0 (none) or 4 to {_MOST_CLUSTERS}, such as 32")


def compressible(model: Any) -> list[Any]:
    """Return the layers whose kernels are compressed: regular and pointwise convolutions, and the dense head."""
    return [layer for layer in model.layers if type(layer) in (layers.Conv2D, layers.Dense)]


def compress(model: Any, examples: AugmentedExamples, settings: CompressSettings, schedule: Schedule) -> tuple[History, History]:
    """Prune, then cluster, a folded classifier in place, in a training each, with checkpoints beside the schedule's own.

    All zeros are there after the first epoch, and clusters before it: where the schedule keeps the best epoch, any may be it, and the
    clusters compete as they were before.

    Returns:
        The histories of pruning and of clustering; one without epochs where the settings do not ask for it.
    """
    pruning_history, clustering_history, kernels = History(), History(), [layer.kernel for layer in compressible(model)]
    if settings.sparsity:
        pruning = replace(settings.pruning, constraint=Pruning(kernels, settings.sparsity, schedule.steps_per_epoch))
        pruning_history = fine_tune(model, examples, pruning, schedule.part("pruning"))
    if settings.clusters:
        for kernel in kernels:
            kernel.assign(clustered(kernel.numpy(), settings.clusters))
        constraint = Kept((kernel, kernel.numpy()) for kernel in kernels)
        clustering = replace(settings.clustering, constraint=constraint, keep_start=bool(schedule.patience))
        clustering_history = fine_tune(model, examples, clustering, schedule.part("clustering"))
    return pruning_history, clustering_history


class Pruning:
    """Masks that grow to `sparsity` within `steps` steps: fast at first, while there is much to spare, then slower.

    `sparsity * (1 - (1 - t / steps)^3)` of each kernel at step t: Zhu and Gupta 2017, arXiv:1710.01878. What is zero stays zero.
    """

    def __init__(self, kernels: list[Any], sparsity: float, steps: int) -> None:
        self.kernels, self.sparsity, self.steps = kernels, sparsity, steps
        self.step = tf.Variable(0, trainable=False)
        self.masks = [tf.Variable(tf.ones_like(kernel), trainable=False) for kernel in kernels]
        self.state: Sequence[Any] = [self.step, *self.masks]

    def __call__(self) -> None:
        self.step.assign_add(1)
        due = (self.step == self.steps) | ((self.step < self.steps) & (self.step % _EVERY == 0))
        tf.cond(due, self._grow, tf.no_op)
        for kernel, mask in zip(self.kernels, self.masks, strict=True):
            kernel.assign(kernel * mask)

    def _grow(self) -> Any:
        share = self.sparsity * (1 - (1 - self.step / self.steps) ** 3)
        grown = []
        for kernel, mask in zip(self.kernels, self.masks, strict=True):
            magnitude = tf.reshape(tf.abs(kernel * mask) / _limits(kernel), [-1])  # what is masked is smallest, so masks only grow
            count = tf.cast(tf.round(share * tf.cast(tf.size(magnitude), share.dtype)), tf.int32)
            smallest = tf.argsort(magnitude, stable=True)[:count, None]
            left = tf.tensor_scatter_nd_update(tf.ones_like(magnitude), smallest, tf.zeros(count))
            grown.append(mask.assign(tf.reshape(left, mask.shape)))
        return tf.group(grown)


class Kept:
    """Kernels in training whose zeros stay zero and whose clusters stay clusters.

    A clustered kernel is put back onto a product of channel limits and centroids: the limits are what the weights in the clusters at -1
    and 1 have become, of which every channel has one; the other centroids are then the least-squares fit to their weights.
    """

    state: Sequence[Any] = ()  # all follows from the kernels that it starts with

    def __init__(self, pairs: Iterable[tuple[Any, np.ndarray]]) -> None:
        """Take pairs of a variable and the kernel [..., C_out], of the same shape, whose zeros and clusters it is to keep."""
        found = [(variable, codebook(kernel), kernel != 0) for variable, kernel in pairs]
        self._clustered = [(variable, *book) for variable, book, _ in found if book]
        self._masked = [(variable, mask.astype(np.float32)) for variable, book, mask in found if not book and not mask.all()]

    def __call__(self) -> None:
        for variable, mask in self._masked:
            variable.assign(variable * mask)
        for variable, centroids, clusters in self._clustered:
            variable.assign(_onto_clusters(variable, centroids, clusters))


def kept(float_model: Any, student: Any) -> Kept:
    """Return the constraint of quantization-aware training: what is compressed in the float model stays so in its student.

    An uncompressed model has nothing to keep, and the constraint does nothing.
    """

    def learning(layer: Any) -> Any:
        wrapper = student.get_layer(f"quant_{layer.name}")
        return next(variable for variable in wrapper.weights if variable.name.endswith("/kernel:0"))

    return Kept((learning(layer), layer.kernel.numpy()) for layer in compressible(float_model))


def clustered(kernel: np.ndarray, count: int) -> np.ndarray:
    """Return the kernel [..., C_out] with at most `count` different values in units of its channels' limits: -1, 1, 0, and k-means.

    Lloyd's iterations in one dimension from evenly spaced centroids, which keep the rare large weights (Han et al. 2016, arXiv:1510.00149).
    """
    limits = _limits(kernel).numpy()
    units = np.where(limits > _SMALLEST, kernel / limits, 0).astype(np.float64)  # a dead channel's weights are zeros among the values
    free = units != 0
    centroids = _k_means(np.sort(units[free]), count - (not free.all()))
    units[free] = centroids[np.searchsorted((centroids[1:] + centroids[:-1]) / 2, units[free])]
    made: np.ndarray = units.astype(np.float32) * limits
    return made


def _k_means(ordered: np.ndarray, count: int) -> np.ndarray:
    sums, centroids = np.concatenate([[0], np.cumsum(ordered)]), np.linspace(-1, 1, count)
    for _ in range(_LLOYD):
        cuts = np.searchsorted(ordered, (centroids[1:] + centroids[:-1]) / 2)
        sizes, totals = np.diff(cuts), np.diff(sums[cuts])
        moved = np.where(sizes, totals / np.maximum(sizes, 1), centroids[1:-1])
        if np.array_equal(moved, centroids[1:-1]):
            break
        centroids[1:-1] = moved  # the ends stay: int8's scale is read from them
    return centroids


def codebook(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the centroids float32 [n] in units of the channels' limits, and each weight's index among them, int32.

    Returns None for an unclustered kernel.
    """
    units = kernel / _limits(kernel).numpy()
    order = np.argsort(units, axis=None)
    ordered = units.ravel()[order]
    numbers = np.concatenate([[0], np.cumsum(np.diff(ordered) > _SAME)])
    first = np.unique(numbers, return_index=True)[1]
    centroids, last = ordered[first], np.append(first[1:], len(ordered)) - 1
    # Zeros may come from pruning alone; weights that are merely few are not yet clusters.
    if np.count_nonzero(centroids) > min(_MOST_CLUSTERS, int(np.count_nonzero(units)) // 2) or (ordered[last] - centroids).max() > _SAME:
        return None
    clusters = np.empty(kernel.size, np.int32)
    clusters[order] = numbers
    return centroids.astype(np.float32), clusters.reshape(kernel.shape)


def _onto_clusters(kernel: Any, centroids: np.ndarray, clusters: np.ndarray) -> Any:
    at_limit = np.abs(centroids) > 1 - _SAME
    axes, count = list(range(len(kernel.shape) - 1)), len(centroids)
    ends = at_limit[clusters].astype(np.float32)
    limits = tf.reduce_sum(tf.abs(kernel) * ends, axes) / np.maximum(ends.sum(tuple(axes)), 1)
    products = tf.math.unsorted_segment_sum(kernel * limits, clusters, count)
    squares = tf.linalg.matvec(np.stack([(clusters == number).sum(tuple(axes)) for number in range(count)]).astype(np.float32), limits**2)
    moved = tf.clip_by_value(tf.math.divide_no_nan(products, squares), -1.0, 1.0)
    return tf.gather(tf.where(at_limit | (centroids == 0), np.rint(centroids), moved), clusters) * limits


def _limits(kernel: Any) -> Any:
    """Return the largest magnitude of each output channel: float32 [C_out]."""
    return tf.maximum(tf.reduce_max(tf.abs(kernel), list(range(len(kernel.shape) - 1))), _SMALLEST)


def compression_of(model: Any) -> Compression:
    """Count the zeros and clusters in a model's compressible kernels."""
    kernels = {layer.name: layer.kernel.numpy() for layer in compressible(model)}
    books = [book for kernel in kernels.values() if (book := codebook(kernel))]
    size = sum(kernel.size for kernel in kernels.values())
    return Compression(
        weights=size,
        zero_fraction=round(float(sum((kernel == 0).sum() for kernel in kernels.values())) / size, 4),
        zero_fraction_by_layer={name: round(float(np.mean(kernel == 0)), 4) for name, kernel in kernels.items()},
        clusters=max((len(centroids) for centroids, _ in books), default=None),
    )
