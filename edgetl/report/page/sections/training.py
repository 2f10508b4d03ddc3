"""The section on training: loss and accuracy by epoch."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from edgetl.chosen import choice_and_measure, judged_on
from edgetl.compared import MeasuredImages
from edgetl.report.page.blocks import Absent, Block, Plot, Section, Text
from edgetl.report.page.facts import Facts
from edgetl.report.plots.axes import widen
from edgetl.report.plots.draw import BLUE, FAINT, GOLD, INK, PURPLE, legend, panel
from edgetl.run_record import CompressFacts, DataFacts, Epoch, FloatFacts, Training
from edgetl.wording import counted

_TITLE = "Training curves"
_AGAIN = " It was then trained again on all training images, these too: those weights are the model's."
_ACCURACY = "accuracy"
_TITLES = {"head": "Head on the frozen backbone", "float": "Fine-tuning", "pruning": "Pruning", "clustering": "Weight clustering"}


def section(facts: Facts) -> Section | Absent:
    """Return a plot of each training."""
    data = facts.record.find("data", DataFacts)
    metric = "mAP" if data and data.task == "multi-label" else _ACCURACY
    blocks: list[Block] = []
    before: Training | None = None
    for name, training in facts.record.trainings():
        title = _TITLES.get(name) or f"Quantization-aware training ({name})"
        note = "" if name in _TITLES else " Its training loss is the divergence from the float model's predictions."
        judged = judged_on(facts.record, name)
        kept = _kept(training, judged, metric)
        caption = f"{title}: {_count(training.epochs)}; {kept}.{note}"
        head = before if name == "float" else None
        before = training
        blocks.append(
            Plot(_curves(training, metric, judged, head), _alt(title, training.epochs, kept, metric) + _beside(head, metric), caption)
        )
    trained = facts.record.find("float", FloatFacts)
    if not blocks and trained and trained.imported:
        return Absent(_TITLE, "the network was trained elsewhere")
    if not blocks:
        return Absent(_TITLE, "no training is finished", "edgetl train DATA")
    where = f"Trained on {trained.device}. " if trained else ""
    chosen = "" if facts.validation else choice_and_measure(facts.record)  # else the summary says it
    blocks.insert(0, Text(f"{where}{chosen}"))
    if trained and trained.choice:
        blocks.insert(1, Text(f"Kept: {trained.choice}.{_AGAIN if trained.trained_again else ''}"))
    compressed = facts.record.find("compress", CompressFacts)
    if compressed and compressed.cost:
        blocks.append(
            Text(
                f"Compressed against the float model before: {compressed.cost}.",
                warning=compressed.cost.shown and compressed.cost.gain_points < 0,
            )
        )
    if trained and trained.teacher:
        blocks.insert(1, Text(f"It learned from a teacher beside the labels: {trained.teacher}."))
    return Section(_TITLE, blocks)


def _kept(training: Training, images: MeasuredImages, metric: str) -> str:
    if not training.best:
        return f"no epoch did better than the start on {images}, and the start was kept"
    share = f"{100 * training.best.val_accuracy:.1f} %"
    figure = f"{share} right" if metric == _ACCURACY else f"{metric} {share}"
    return f"the weights of epoch {training.best_epoch} were kept, {figure} on {images}"


def _curves(training: Training, metric: str, judged: MeasuredImages, head: Training | None = None) -> Figure:
    """Draw accuracy and loss by epoch.

    Args:
        judged: the held-out images.
        head: the training of the head before, whose best accuracy is a line to compare with.
    """
    epochs, best = training.epochs, training.best_epoch
    figure = Figure(figsize=(5.6, 4.4), layout="constrained", facecolor="white")
    upper, lower = figure.subplots(2, 1, sharex=True)
    numbers = range(1, len(epochs) + 1)
    marker = "o" if len(epochs) < 25 else ""
    curves = (
        (upper, [100 * one.accuracy for one in epochs], [100 * one.val_accuracy for one in epochs]),
        (lower, [one.loss for one in epochs], [one.val_loss for one in epochs]),
    )
    for axes, learned, held_out in curves:
        panel(axes, "y")
        for values, colour, label in ((learned, GOLD, "training"), (held_out, BLUE, "held out")):
            axes.plot(numbers, values, marker=marker, markersize=3, linewidth=1.6, color=colour, label=label)
        if best:
            axes.axvline(best, color=FAINT, linewidth=0.9, linestyle=(0, (3, 3)))
    if head and head.best:
        value = 100 * head.best.val_accuracy
        upper.axhline(value, color=PURPLE, linewidth=1.2, linestyle=(0, (4, 2)), label=f"head before, held out: {value:.1f} %")
    widen(upper, "y", judged.count)
    upper.set_ylabel(f"{metric}{'' if metric == _ACCURACY else ' (training: right decisions)'}, %", color=INK)
    lower.set_ylabel("loss", color=INK)
    lower.set_xlabel("epoch", color=INK)
    lower.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    legend(upper)
    return figure


def _alt(title: str, epochs: Sequence[Epoch], kept: str, metric: str) -> str:
    first, last = epochs[0], epochs[-1]
    return (
        f"{title}: held-out {metric} from {100 * first.val_accuracy:.1f} to {100 * last.val_accuracy:.1f} %, "
        f"training accuracy from {100 * first.accuracy:.1f} to {100 * last.accuracy:.1f} % over {_count(epochs)}; {kept}"
    )


def _beside(head: Training | None, metric: str) -> str:
    return f"; the head alone had a held-out {metric} of {100 * head.best.val_accuracy:.1f} %" if head and head.best else ""


def _count(epochs: Sequence[Epoch]) -> str:
    return counted(len(epochs), "epoch")
