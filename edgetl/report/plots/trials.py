"""The plot of a search: latency against accuracy and size."""

from pathlib import Path

from edgetl.report.plots.pareto import ModelPoint, pareto
from edgetl.tuning_record import TuningRecord


def trials_plot(record: TuningRecord, path: Path) -> None:
    """Draw networks that were trained, and in another colour those with a head alone; those that nothing beats have their name."""
    points = [
        ModelPoint(
            series=f"{record.device}, {'trained' if trial.learning_rate is not None else 'a head alone'}",
            label=f"{trial.network}, {trial.image_size} px" if trial.front else "",
            p50_ms=trial.latency_ms,
            size_bytes=trial.size_bytes or 0,
            accuracy=trial.top1_accuracy,
        )
        for trial in record.accurate
    ]
    pareto(points, path, "held-out training images")
