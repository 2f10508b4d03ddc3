"""Tables of a run: its settings and its stages."""

from edgetl import console
from edgetl.accuracy import Metric
from edgetl.chosen import choice_and_measure, judged_on
from edgetl.compared import right
from edgetl.float_record import NetworkFacts
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
from edgetl.wording import counted, setting


def print_settings(record: RunRecord) -> None:
    """Print the recipe, a row for each of its tables."""
    head = set() if "network" in record.stages else {"pooling", "dense", "dropout", "l2"}
    foreign = {"model": {"backbone", "alpha", *head}} if record.recipe.model.imported else {"imported"}
    tables = record.recipe.model_dump(mode="json", exclude=foreign)  # without what says nothing of such a network
    rows = [[name, ", ".join(f"{key} {setting(value)}" for key, value in table.items())] for name, table in tables.items()]
    console.table("settings", ["section", "values"], rows)


def print_stages(record: RunRecord) -> None:
    """Print the finished stages in order, then what chose the models and what measures them."""
    stages = record.stages.items()
    rows = [[name, f"{stage.seconds:.0f} s", _outcome(record, name, stage.facts), ", ".join(stage.files)] for name, stage in stages]
    console.table("stages", ["stage", "duration", "outcome", "files"], rows)
    sentences = "" if "validate" in record.stages else choice_and_measure(record)  # which a validation has itself
    if sentences:
        console.note(sentences)


def _outcome(record: RunRecord, stage: str, facts: StageFacts) -> str:
    if isinstance(facts, DataFacts):
        return ", ".join(f"{count} {split}" for split, count in facts.counts.items()) + f", {facts.rejected} left out"
    if isinstance(facts, FloatFacts) and facts.imported:
        return str(facts.imported)
    if isinstance(facts, NetworkFacts):
        return str(facts.imported)
    if isinstance(facts, FloatFacts):
        kept = str(facts.choice) if facts.choice else _best(record, stage, facts.fine_tuning or facts.head)
        kept += "; trained again on all" if facts.trained_again else ""
        return f"{kept}; its teacher: {facts.teacher}" if facts.teacher else kept
    if isinstance(facts, CompressFacts):
        kept = _best(record, "pruning", facts.clustering or facts.pruning)
        return f"{kept}; against the float model before {facts.cost}" if facts.cost else kept
    if isinstance(facts, QuantizedFacts):
        left = f"; {facts.distance}" if facts.distance else ""
        if record.recipe.quantize.own:
            return "the file's own integers, neither calibrated nor trained"
        return _best(record, stage, facts.training) or f"calibrated on {counted(facts.calibration.images, 'image')}{left}"
    if isinstance(facts, BaselineFacts):
        return facts.verdict
    if isinstance(facts, ExportFacts):
        return f"{facts.choice.chosen.name}: {facts.choice.reason}" if facts.choice else ""
    if isinstance(facts, ValidateFacts):
        new = "; ".join(f"{file} was exported {'again since' if again else 'since'}" for file, again in record.unvalidated().items())
        return ("passed" if facts.passed else "FAILED") + (f"; {new}" if new else "")
    return f"{facts.chosen.unfreeze} at a learning rate of {facts.chosen.learning_rate:.2g}"


def _best(record: RunRecord, name: str, training: Training | None) -> str:
    if training is None:
        return ""
    if training.best is None:
        return f"no epoch of {len(training.epochs)} improved on the initial weights"
    data, images = record.find("data", DataFacts), judged_on(record, name)
    metric: Metric = "mAP" if data and data.task == "multi-label" else "top-1"
    share = f"{right(data.truth if data else 'labels', metric)} {100 * training.best.val_accuracy:.2f} %"
    return f"{share} on {images}, epoch {training.best_epoch} of {len(training.epochs)}"
