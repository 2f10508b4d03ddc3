"""Loss and accuracy, epoch by epoch."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from edgetl.report.page.blocks import Absent, Block, Plot, Section, Text
from edgetl.report.page.facts import Facts
from edgetl.report.plots.draw import BLUE, FAINT, GOLD, INK, legend, panel
from edgetl.run_record import Epoch, FloatFacts

TITLES = {
    "head": "The head alone, on a frozen backbone",
    "float": "Fine-tuning",
    "compress": "Compression",
    "qat_int8": "Quantization-aware training",
}


def section(facts: Facts) -> Section | Absent:
    blocks: list[Block] = []
    for name, training in facts.record.trainings():
        epochs, best = training.epochs, training.best_epoch
        title = TITLES.get(name, name.capitalize())
        kept = f"epoch {best}" if best else "what it started from"
        blocks.append(Plot(_curves(epochs, best), _alt(title, epochs, kept), f"{title}: {len(epochs)} epochs; {kept} was kept."))
    if not blocks:
        return Absent("Training", "no stage with epochs is finished", "edgetl train DATA")
    trained = facts.record.find("float", FloatFacts)
    where = f"Trained on {trained.device}. " if trained else ""
    blocks.insert(0, Text(f"{where}Best means highest validation accuracy, then lowest validation loss."))
    return Section("Training", blocks)


def _curves(epochs: Sequence[Epoch], best: int) -> Figure:
    figure = Figure(figsize=(5.6, 4.4), layout="constrained", facecolor="white")
    upper, lower = figure.subplots(2, 1, sharex=True)
    numbers = range(1, len(epochs) + 1)
    marker = "o" if len(epochs) < 25 else ""
    for axes, trained, validated, factor in ((upper, "accuracy", "val_accuracy", 100), (lower, "loss", "val_loss", 1)):
        panel(axes, "y")
        for key, colour, label in ((trained, GOLD, "training"), (validated, BLUE, "validation")):
            axes.plot(
                numbers,
                [factor * getattr(one, key) for one in epochs],
                marker=marker,
                markersize=3,
                linewidth=1.6,
                color=colour,
                label=label,
            )
        if best:
            axes.axvline(best, color=FAINT, linewidth=0.9, linestyle=(0, (3, 3)))
    upper.set_ylabel("accuracy, %", color=INK)
    lower.set_ylabel("loss", color=INK)
    lower.set_xlabel("epoch", color=INK)
    lower.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend(upper)
    return figure


def _alt(title: str, epochs: Sequence[Epoch], kept: str) -> str:
    first, last = epochs[0], epochs[-1]
    return (
        f"{title}: validation accuracy from {100 * first.val_accuracy:.1f} to {100 * last.val_accuracy:.1f} %, "
        f"training accuracy from {100 * first.accuracy:.1f} to {100 * last.accuracy:.1f} % over {len(epochs)} epochs; {kept} was kept"
    )
