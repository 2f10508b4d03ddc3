"""The plot of a search: latency, or working memory, against accuracy and size."""

from pathlib import Path

from edgetl.report.plots.pareto import ARENA, ESTIMATED_LATENCY, LATENCY, ModelPoint, pareto
from edgetl.tuning_record import TuningRecord, TuningTrial

_KIB = 1024


def trials_plot(record: TuningRecord, path: Path) -> None:
    """Draw networks that were trained, and in another colour those with a head alone; those that nothing beats have their name."""
    points = [
        ModelPoint(
            series=f"{record.device}, {'trained' if trial.learning_rate is not None else 'a head alone'}",
            label=_label(trial) if trial.front else "",
            cost=trial.cost if record.timed else trial.cost / _KIB,
            size_bytes=trial.flash_bytes or trial.size_bytes or 0,
            accuracy=trial.top1_accuracy,
        )
        for trial in record.accurate
    ]
    pareto(points, path, record.ranking_images, cost=(ESTIMATED_LATENCY if record.estimated else LATENCY) if record.timed else ARENA)


def _label(trial: TuningTrial) -> str:
    """Return a network with its input."""
    return f"{trial.network}, {trial.input_text}"
