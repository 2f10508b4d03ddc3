"""Tables of a run and of its validation for the terminal, and any table as Markdown."""

from collections.abc import Sequence

from edgetl import console
from edgetl.evaluation.parity import Pair
from edgetl.evaluation.validation import Validation
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


def settings(record: RunRecord) -> None:
    """Print the recipe, a row for each of its tables."""
    tables = record.recipe.model_dump(mode="json")
    rows = [[name, ", ".join(f"{key} {value}" for key, value in table.items())] for name, table in tables.items()]
    console.table("settings", ["table", "values"], rows)


def stages(record: RunRecord) -> None:
    """What is finished, in order."""
    rows = [[name, f"{stage.seconds:.0f} s", _outcome(stage.facts), ", ".join(stage.files)] for name, stage in record.stages.items()]
    console.table("stages", ["stage", "took", "outcome", "files"], rows)


def _outcome(facts: StageFacts) -> str:
    if isinstance(facts, DataFacts):
        return ", ".join(f"{count} {split}" for split, count in facts.counts.items()) + f", {facts.rejected} left out"
    if isinstance(facts, FloatFacts):
        return _best(facts.fine_tuning or facts.head)
    if isinstance(facts, CompressFacts):
        return _best(facts.clustering or facts.pruning)
    if isinstance(facts, QuantizedFacts):
        return _best(facts.training) or f"calibrated on {facts.calibration.images} images"
    if isinstance(facts, BaselineFacts):
        return facts.verdict
    if isinstance(facts, ExportFacts):
        return f"{facts.int8.chosen.name}: {facts.int8.reason}" if facts.int8 else ""
    if isinstance(facts, ValidateFacts):
        return "passed" if facts.passed else "FAILED"
    return f"{facts.chosen.unfreeze} at a learning rate of {facts.chosen.learning_rate:.2g}"


def _best(training: Training | None) -> str:
    if training is None:
        return ""
    if training.best is None:
        return f"none of {len(training.epochs)} epochs better than calibration, which is kept"
    return f"validation top-1 {training.best.val_accuracy:.4f}, epoch {training.best_epoch} of {len(training.epochs)}"


def validation(document: Validation) -> None:
    """Accuracy and latency of each model, agreement of each pair, and the images on which the int8 file moved most."""
    rows = []
    for name, subject in document.subjects.items():
        accuracy, latency = subject.accuracy, subject.latency_ms
        low, high = accuracy.top1_interval_95
        percents = [f"{100 * share:.1f}" for share in (low, high, accuracy.top5_accuracy, accuracy.macro_f1)]
        size = f"{subject.size_bytes / 1024:,.0f}"
        rows.append(
            [
                name,
                f"{100 * accuracy.top1_accuracy:.2f}",
                *percents,
                f"{accuracy.loss:.3f}",
                size,
                f"{latency.p50:.2f}",
                f"{latency.p90:.2f}",
            ]
        )
    console.note(f"accuracy in % on {document.images} images; latency in ms on one thread, Keras on all cores")
    console.table("models", ["model", "top-1", "from", "to", "top-5", "F1", "loss", "KiB", "p50", "p90"], rows)
    console.note("steps are 1/256 of probability; drop is in points of top-1, p is McNemar's")
    columns = ["pair", "same %", "steps", "max", "|dp|", "KL", "drop", "p", ""]
    console.table("agreement", columns, [_pair(pair) for pair in document.pairs])
    _worst(document)
    console.note(f"CPU: {document.cpu.model}, {', '.join(document.cpu.found) or 'no feature that matters to int8'}")
    for name, reason in document.unverified.items():
        console.warn(f"{name} is unverified: {reason}")
    console.note("verdict: PASSED" if document.passed else "verdict: FAILED")


def _pair(pair: Pair) -> list[str]:
    agreement, compared, tolerance = pair.agreement, pair.paired, pair.tolerance
    closeness = [
        f"{agreement.mean_steps:.2f}",
        f"{agreement.max_steps:.0f}",
        f"{agreement.mean_abs_dp:.4f}",
        f"{agreement.kl:.4f}",
    ]
    cost = [f"{compared.drop_points:+.2f}", f"{compared.mcnemar_p:.2f}", "ok" if pair.passed else "FAILED"]
    pair_name = f"{tolerance.first}~{tolerance.second}".replace("float32", "f32").replace("float16", "f16")  # for 80 columns
    return [pair_name, f"{100 * agreement.top1_agreement:.2f}", *closeness, *cost]


def _worst(document: Validation) -> None:
    """The ten worst images of the pair that says what quantization cost, or of the last pair there is."""
    if not document.pairs:
        return
    pair = document.costs.get(document.main, document.pairs[-1])
    labels = document.class_names
    first, second = pair.tolerance.first, pair.tolerance.second
    rows = [
        [
            one.name,
            labels[one.label_id],
            f"{labels[one.first_top1]} {one.first_probability:.2f}",
            f"{labels[one.second_top1]} {one.second_probability:.2f}",
        ]
        for one in pair.worst
    ]
    console.table("where quantization moved most", ["image", "is", first, second], rows)


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table."""
    return ["| " + " | ".join(row) + " |" for row in (columns, ["---"] * len(columns), *rows)]
