"""Find how the makers of a network fed it: measure the usual conventions on labelled training images, and take the one that is right."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax

from edgetl.compared import P_SIGNIFICANT
from edgetl.errors import UsageError
from edgetl.evaluation.calibration import find_temperature
from edgetl.evaluation.metrics import measure
from edgetl.evaluation.statistics import gain_interval, paired
from edgetl.float_record import TriedPreprocessing
from edgetl.importing.convention import Convention
from edgetl.pipeline.imported.class_order import Order, order_of
from edgetl.wording import counted, joined, quoted

logger = logging.getLogger(__name__)

IMAGES = 256  # that measure: enough for a difference of some six points, and a minute's work for a large network
_FIRST = 64  # that all are measured on: what is far off on these is not measured on the rest
_LEAST_SKILL = 0.2  # of the way from the most frequent class to all right; less is "slight" agreement (Landis and Koch 1977)
_SHOWN_T = 2.0  # standard errors of a mean difference of losses: 95 %
_MOST_LOST = 10.0  # percentage points that what counts as equal may be worse by
_LET_NORMS_LEARN = (
    "check the images and the file; where its weights are random, let its batch norms learn their statistics: --set train.live_norms_from=0"
)
ASK = "name the one that the network was trained with: --preprocessing raw, zero-one, minus-one-one, imagenet, caffe, or MEAN/STD"


@dataclass(frozen=True)
class Feeding:
    """A way to feed a network; `resize` is "crop" or "stretch"."""

    convention: Convention
    resize: str

    def __str__(self) -> str:
        return f"{self.convention.name} ({self.resize})"


@dataclass(frozen=True, eq=False)
class Measured:
    """Holds what a network gives when it is fed in one way: logits float32 [N, K]."""

    candidate: Feeding
    logits: NDArray[np.float32]
    label_ids: NDArray[np.int64]

    @property
    def right(self) -> NDArray[np.bool_]:
        right: NDArray[np.bool_] = self.logits.argmax(axis=1) == self.label_ids
        return right

    @property
    def losses(self) -> NDArray[np.float64]:
        """Cross-entropy of each image in nats, at the temperature that suits these logits best: no way gains by being less sure."""
        logits = self.logits.astype(np.float64)
        logits /= find_temperature(logits, self.label_ids).temperature
        found: NDArray[np.float64] = -log_softmax(logits, axis=1)[np.arange(len(logits)), self.label_ids]
        return found

    def recorded(self) -> TriedPreprocessing:
        """Return what the run records of it."""
        return TriedPreprocessing(
            preprocessing=self.candidate.convention.name,
            resize=self.candidate.resize,
            images=len(self.right),
            right=int(self.right.sum()),
            loss=round(float(self.losses.mean()), 4),
        )


@dataclass(frozen=True, eq=False)
class Found:
    """The way that was taken, why, all that were tried, the best first, and why the network may be of no use; empty: it is."""

    chosen: Feeding
    reason: str
    tried: tuple[TriedPreprocessing, ...]
    doubt: str = ""


Score = Callable[[Feeding, slice], NDArray[np.float32]]


def search(candidates: Sequence[Feeding], score: Score, label_ids: NDArray[np.int64], class_names: Sequence[str]) -> Found:
    """Measure the candidates, the simplest first, and choose.

    Args:
        score: the logits of a candidate for a part of the images, which are in random order.
        class_names: what the network's outputs mean; empty: the logits are those of heads that were trained on its features.

    Raises UsageError that shows the table where none of several conventions is right, or where the images cannot tell them apart; where
    only one is to be measured, it is warned of.
    """
    everything, first = slice(len(label_ids)), slice(min(_FIRST, len(label_ids)))
    quick = [Measured(one, score(one, first), label_ids[first]) for one in candidates]
    # Where none is right, the outputs may mean the classes in another order: the one that is right then may be the worst of all.
    ahead = any(_skilled(one.logits, label_ids[first]) for one in quick)
    kept = [one.candidate for one in (_not_worse(quick, P_SIGNIFICANT / len(quick)) if ahead else quick)]
    if len(label_ids) > _FIRST:
        measured = [Measured(one, score(one, everything), label_ids) for one in kept]
    else:
        measured = [one for one in quick if one.candidate in kept]
    complete = {one.candidate for one in measured}
    every = [*measured, *(one for one in quick if one.candidate not in complete)]
    every.sort(key=lambda one: -float(one.right.mean()))
    tried = tuple(one.recorded() for one in every)
    best = max(measured, key=lambda one: int(one.right.sum()))
    doubt = ""
    if not _skilled(best.logits, label_ids):
        if class_names and (error := _of_another_order(measured, class_names, tried)):
            raise error
        doubt, remedy = _hopeless(best, trained=bool(class_names))
        if len({one.convention for one in candidates}) > 1:
            raise UsageError(f"{doubt}\n{table(tried)}", f"{remedy}; or {ASK}")
        logger.warning(f"{doubt}; check --preprocessing too; {remedy}")
    elif class_names:
        _warn_of_a_better_order(best, class_names)
    if len(candidates) == 1:
        return Found(best.candidate, "as asked", tried, doubt)
    rivals = _not_worse(measured, P_SIGNIFICANT)
    return replace(_chosen(rivals, best, tried) if class_names else _surest(rivals, tried), doubt=doubt)


def _hopeless(best: Measured, *, trained: bool) -> tuple[str, str]:
    """Return what may be wrong, and what to look at first, where a trained classifier, or a head on features, knows nothing."""
    chance = f"hardly better than chance, {100 * best.right.mean():.1f} % right of {counted(len(best.right), 'training image')}"
    if trained:
        why = "its weights are random, it knows other classes, or it is fed in another way"
        return f"the network is {chance}: {why}", "check the images and --class-names"
    why = "the network's weights are random, its features say nothing of these classes, or it is fed in another way"
    return f"a head on the network's features is {chance}: {why}", _LET_NORMS_LEARN


def table(tried: Sequence[TriedPreprocessing]) -> str:
    """Return what was tried as lines of text."""
    rows = [
        f"  {one.preprocessing:20s} {one.resize:8s} {100 * one.right / one.images:5.1f} % of {one.images} right, loss {one.loss:.3f}"
        for one in tried
    ]
    return "\n".join(rows)


def _not_worse(measured: Sequence[Measured], p: float) -> list[Measured]:
    """Return those that are not shown to be worse than the best, in their order."""
    best = max(measured, key=lambda one: int(one.right.sum()))
    return [one for one in measured if one is best or paired(best.right, one.right).mcnemar_p >= p]


def _skilled(logits: NDArray[np.float32], label_ids: NDArray[np.int64]) -> bool:
    """Return whether a network certainly knows more than the most frequent class."""
    chance = np.bincount(label_ids).max() / len(label_ids)
    low, _ = measure(softmax(logits.astype(np.float64), axis=1), label_ids).top1_interval_95
    return bool(low > chance + _LEAST_SKILL * (1 - chance))


def _chosen(rivals: Sequence[Measured], best: Measured, tried: tuple[TriedPreprocessing, ...]) -> Found:
    """Take the best of the rivals by accuracy, then by loss; of those that remain equal the simplest."""
    if len(rivals) == 1:
        return Found(best.candidate, "ahead of all others by accuracy (McNemar)", tried)
    losses = {one.candidate: one.losses for one in rivals}
    least = min(rivals, key=lambda one: float(losses[one.candidate].mean()))
    equal = [one for one in rivals if one is least or not _shown(losses[one.candidate] - losses[least.candidate])]
    taken = equal[0]
    others = ", ".join(str(one.candidate) for one in equal[1:])
    _check_told_apart(taken, best, tried)
    if len(equal) == 1:
        accurate = ", ".join(str(one.candidate) for one in rivals if one is not taken)
        return Found(taken.candidate, f"the lowest loss; as accurate within chance: {accurate}", tried)
    return Found(taken.candidate, f"the simplest of those that are equal within chance; the others: {others}", tried)


def _surest(rivals: Sequence[Measured], tried: tuple[TriedPreprocessing, ...]) -> Found:
    """Take the one with the lowest loss: a network that is trained further will do with any that is not shown to be worse."""
    taken = min(rivals, key=lambda one: float(one.losses.mean())).candidate
    others = ", ".join(str(one.candidate) for one in rivals if one.candidate != taken)
    worse = f"as right within chance: {others}" if others else "the others are right less often (McNemar)"
    return Found(taken, f"the lowest loss of heads on the network's features; {worse}", tried)


def _check_told_apart(taken: Measured, best: Measured, tried: tuple[TriedPreprocessing, ...]) -> None:
    """Raise UsageError where the images are so few that what is called equal may be much worse."""
    pair = paired(best.right, taken.right)
    _, most = gain_interval(pair.only_a, pair.only_b, len(best.right))
    if most > _MOST_LOST:
        raise UsageError(
            f"{counted(len(best.right), 'training image')} cannot tell how the network is fed: {taken.candidate} may be "
            f"{most:.0f} points worse than {best.candidate}\n{table(tried)}",
            f"give more labelled images, or {ASK}",
        )


def _shown(differences: NDArray[np.float64]) -> bool:
    error = differences.std(ddof=1) / np.sqrt(len(differences))
    return bool(differences.mean() > _SHOWN_T * error)


def _warn_of_a_better_order(measured: Measured, class_names: Sequence[str]) -> None:
    """Warn where two or more outputs seem to mean each other's classes: shown on images on which that was not found (McNemar)."""
    order = order_of(measured.logits.argmax(axis=1), measured.label_ids, measured.logits.shape[1])
    if order is None:
        return
    as_named = measured.right[order.checked]
    if order.accuracy > as_named.mean() and paired(order.right, as_named).mcnemar_p < P_SIGNIFICANT:
        meant = [(class_names[output], name) for name, output in zip(class_names, order.outputs, strict=True)]
        exchanged = joined([f"'{now}' means '{name}'" for now, name in meant if now != name])
        images = counted(len(as_named), "training image")
        logger.warning(
            f"the class names may be in another order: {100 * as_named.mean():.0f} % of {images} are right as they are named, "
            f"{100 * order.accuracy:.0f} % if {exchanged}; check --class-names and the folders"
        )


def _of_another_order(measured: Sequence[Measured], class_names: Sequence[str], tried: tuple[TriedPreprocessing, ...]) -> UsageError | None:
    """Return the error that names the order of the classes that explains the predictions, if there is one."""
    orders: list[tuple[Order, Feeding]] = []
    for one in measured:
        order = order_of(one.logits.argmax(axis=1), one.label_ids, one.logits.shape[1])
        if order and _skilled(one.logits[order.checked][:, list(order.outputs)], one.label_ids[order.checked]):
            orders.append((order, one.candidate))
    if not orders:
        return None
    order, candidate = max(orders, key=lambda one: one[0].accuracy)
    names = [class_names[order.outputs.index(output)] for output in range(len(class_names))]
    given, meant = (", ".join(quoted(one)) for one in (class_names, names))
    return UsageError(
        f"the network is hardly better than chance with its outputs as {given}, but {100 * order.accuracy:.0f} % of its "
        f"predictions are right ({candidate}) with its outputs as {meant}\n{table(tried)}",
        "put these names into a file in that order, one a line, and name it with --class-names FILE",
    )
