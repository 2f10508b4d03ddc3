"""Tables of a run: its settings and its stages."""

from edgetl import console
from edgetl.run_record import (
    BaselineFacts,
    CompressFacts,
    DataFacts,
    ExportFacts,
    FloatFacts,
    QuantizedFacts,
    RunRecord,
    StageFacts,
    Training,
    ValidateFacts,
)
from edgetl.wording import counted


def print_settings(record: RunRecord) -> None:
    """Print the recipe, a row for each of its tables."""
    tables = record.recipe.model_dump(mode="json")
    rows = [[name, ", ".join(f"{key} {value}" for key, value in table.items())] for name, table in tables.items()]
    console.table("settings", ["section", "values"], rows)


def print_stages(record: RunRecord) -> None:
    """Print the finished stages in order."""
    rows = [[name, f"{stage.seconds:.0f} s", _outcome(stage.facts), ", ".join(stage.files)] for name, stage in record.stages.items()]
    console.table("stages", ["stage", "duration", "outcome", "files"], rows)


def _outcome(facts: StageFacts) -> str:
    if isinstance(facts, DataFacts):
        return ", ".join(f"{count} {split}" for split, count in facts.counts.items()) + f", {facts.rejected} left out"
    if isinstance(facts, FloatFacts):
        kept = str(facts.choice) if facts.choice else _best(facts.fine_tuning or facts.head)
        return f"{kept}; trained again on all" if facts.trained_again else kept
    if isinstance(facts, CompressFacts):
        kept = _best(facts.clustering or facts.pruning)
        return f"{kept}; against the float model before {facts.cost}" if facts.cost else kept
    if isinstance(facts, QuantizedFacts):
        return _best(facts.training) or f"calibrated on {counted(facts.calibration.images, 'image')}"
    if isinstance(facts, BaselineFacts):
        return facts.verdict
    if isinstance(facts, ExportFacts):
        return f"{facts.choice.chosen.name}: {facts.choice.reason}" if facts.choice else ""
    if isinstance(facts, ValidateFacts):
        return "passed" if facts.passed else "FAILED"
    return f"{facts.chosen.unfreeze} at a learning rate of {facts.chosen.learning_rate:.2g}"


def _best(training: Training | None) -> str:
    if training is None:
        return ""
    if training.best is None:
        return f"no epoch of {len(training.epochs)} improved on the initial weights"
    return f"held-out top-1 {100 * training.best.val_accuracy:.2f} %, epoch {training.best_epoch} of {len(training.epochs)}"
