"""The trials of a search for the terminal."""

from edgetl import console
from edgetl.tuning_record import TuningRecord, TuningTrial
from edgetl.wording import counted

_P50, _ESTIMATED = "p50 ms", "estimated ms"
_COLUMNS = ("network", "px", "epochs", "learning rate", "top-1 %", _P50, "size KiB", "Pareto front")


def show(record: TuningRecord) -> None:
    """Print all trials whose accuracy was measured, the most accurate first, and what the best one is worth on other images."""
    trials = sorted(record.accurate, key=lambda one: -(one.top1_accuracy or 0.0))
    if trials:
        title = f"{counted(len(trials), 'trial')} on {record.device}, calibrated int8; head: only a head was trained"
        columns = [_ESTIMATED if one == _P50 and record.estimated else one for one in _COLUMNS]
        console.table(title, *record.with_memory(columns, [_row(one) for one in trials], trials))
        if record.memory_note:
            console.note(record.memory_note)
        console.note(f"top-1, which ranks, is of {record.ranking_images}")
        console.note(f"best: {record.verdict}")


def _row(trial: TuningTrial) -> list[str]:
    rate = "" if trial.learning_rate is None else f"{trial.learning_rate:g}"
    accuracy, size = f"{100 * (trial.top1_accuracy or 0.0):.2f}", f"{(trial.size_bytes or 0) / 1024:,.0f}"
    on_front, epochs = "yes" if trial.front else "", "head" if trial.learning_rate is None else f"{trial.epochs}"
    latency = "" if trial.latency_ms is None else f"{trial.latency_ms:.2f}"
    return [trial.network, trial.input_text.replace(" px", ""), epochs, rate, accuracy, latency, size, on_front]
