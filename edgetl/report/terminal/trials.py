"""The trials of a search for the terminal."""

from edgetl import console
from edgetl.tuning_record import TuningRecord, TuningTrial
from edgetl.wording import counted

_COLUMNS = ("network", "px", "epochs", "learning rate", "top-1 %", "p50 ms", "size KiB", "Pareto front")


def show(record: TuningRecord) -> None:
    """Print all trials whose accuracy was measured, the most accurate first, and what the best one is worth on other images."""
    trials = sorted(record.accurate, key=lambda one: -(one.top1_accuracy or 0.0))
    if trials:
        title = f"{counted(len(trials), 'trial')} on {record.device}, calibrated int8; head: only a head was trained"
        console.table(title, _COLUMNS, [_row(one) for one in trials])
        console.note(f"top-1, which ranks, is of {record.ranked_on}")
        console.note(f"best: {record.verdict}")


def _row(trial: TuningTrial) -> list[object]:
    rate = "" if trial.learning_rate is None else f"{trial.learning_rate:g}"
    accuracy, size = f"{100 * (trial.top1_accuracy or 0.0):.2f}", f"{(trial.size_bytes or 0) / 1024:,.0f}"
    on_front, epochs = "yes" if trial.front else "", "head" if trial.learning_rate is None else trial.epochs
    return [trial.network, trial.image_size, epochs, rate, accuracy, f"{trial.latency_ms:.2f}", size, on_front]
