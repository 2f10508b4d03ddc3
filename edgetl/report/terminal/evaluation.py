"""Tables of an evaluation: every model's scores, then each class, then the cross-validation."""

from collections.abc import Mapping

from edgetl import console
from edgetl.evaluation.multi_label_scores import MultiLabelScores
from edgetl.evaluation.resampling import Estimate
from edgetl.evaluation.results import Evaluation
from edgetl.evaluation.scores import Averages, Scores
from edgetl.wording import ends, measured_on


def print_evaluation(evaluation: Evaluation) -> None:
    """Print the scores of every model, each class as the first model predicts it, and the cross-validation."""
    console.note(f"{evaluation.measured_on}; values in % with their 95 % interval, loss in nats")
    if evaluation.caveat:
        console.note(evaluation.caveat)
    if evaluation.chosen_by:
        console.note(evaluation.chosen_by)
    _scores("models", evaluation)
    for note in dict.fromkeys(note for scores in evaluation.models.values() for note in scores.notes):
        console.warn(note)
    name, first = next(iter(evaluation.models.items()))
    if isinstance(first, MultiLabelScores):
        _labels(f"per-class metrics of {name}", first)
    else:
        _classes(f"per-class metrics of {name}", first)
    _rejection(evaluation)
    crossed = evaluation.cross_validation
    if crossed:
        mean, std = 100 * crossed.mean_accuracy, 100 * crossed.std_accuracy
        spread = f"mean accuracy {mean:.2f} %, standard deviation over the folds {std:.2f}"
        console.note(f"cross-validation in {crossed.folds} folds of {measured_on(crossed.pooled.images, 'image')}: {spread}")
        console.note(crossed.caveat)
        for note in (*crossed.notes, *crossed.pooled.notes):
            console.warn(note)
        _columns("cross-validation of the head", {"all folds": _column(crossed.pooled)})
        _classes("per-class metrics in cross-validation", crossed.pooled)


def _rejection(evaluation: Evaluation) -> None:
    """Print what thresholds keep, what unknown images pass, and the thresholds of the classes with what they change."""
    if found := evaluation.rejection:
        for note in found.notes():
            console.note(note)
        for caveat in found.caveats():
            console.warn(caveat)
        if found.folders:
            console.table("images that show none of the classes", found.COLUMNS, found.rows())
    if choice := evaluation.thresholds:
        console.note(choice.sentence())
        for note in choice.notes:
            console.warn(note)
        console.table("thresholds of the classes, metrics before and after", choice.COLUMNS, choice.rows())


def _scores(title: str, evaluation: Evaluation) -> None:
    """Print a column for each model."""
    columns = {name: _column(scores) for name, scores in evaluation.single_label.items()}
    _columns(title, columns | {name: _multi_label_column(scores) for name, scores in evaluation.multi_label.items()})


def _columns(title: str, columns: Mapping[str, Mapping[str, str]]) -> None:
    names = dict.fromkeys(name for column in columns.values() for name in column)
    console.table(title, ["metric", *columns], [[name, *(column.get(name, "-") for column in columns.values())] for name in names])


def _multi_label_column(scores: MultiLabelScores) -> dict[str, str]:
    rows = {"mAP": percent(scores.mean_average_precision), "micro AP": percent(scores.micro_average_precision)}
    rows["exact match"] = percent(scores.exact_match)
    for kind, averages in (("macro", scores.macro), ("micro", scores.micro)):
        rows |= {f"{kind} precision": percent(averages.precision), f"{kind} recall": percent(averages.recall)}
        rows[f"{kind} F1"] = percent(averages.f1)
    low, high = scores.loss.interval_95
    return rows | {
        "expected calibration error": percent(scores.calibration_error),
        "loss": f"{scores.loss.value:.3f} ({low:.3f} to {high:.3f})",
    }


def _column(scores: Scores) -> dict[str, str]:
    rows = {"top-1 accuracy": percent(scores.top1_accuracy)} | {f"top-{one.k} accuracy": percent(one.accuracy) for one in scores.top_k}
    rows |= _averages("macro", scores.macro) | _averages("weighted", scores.weighted)
    low, high = scores.loss.interval_95
    return rows | {
        "expected calibration error": percent(scores.calibration_error),
        "loss": f"{scores.loss.value:.3f} ({low:.3f} to {high:.3f})",
    }


def _averages(kind: str, averages: Averages) -> dict[str, str]:
    return {
        f"{kind} precision": percent(averages.precision),
        f"{kind} recall": percent(averages.recall),
        f"{kind} F1": percent(averages.f1),
        f"{kind} ROC-AUC": percent(averages.roc_auc),
    }


def percent(estimate: Estimate | None) -> str:
    """Return a value in percent with its interval; a dash where there is none."""
    if estimate is None:
        return "-"
    value = f"{100 * estimate.value:.2f}"
    return f"{value} ({' to '.join(ends(value, estimate.interval_95))})"


def _short(estimate: Estimate | None, digits: int = 0) -> str:
    """Return the same, shorter, for tables with several side by side."""
    if estimate is None:
        return "-"
    value = f"{100 * estimate.value:.1f}"
    return f"{value} ({'-'.join(ends(value, estimate.interval_95, digits))})"


def _classes(title: str, scores: Scores) -> None:
    rows = [
        [one.class_name, one.images, one.predicted, _short(one.precision), _short(one.recall), _short(one.f1), _short(one.roc_auc, 1)]
        for one in scores.classes
    ]
    console.table(title, ["class", "images", "predicted", "precision", "recall", "F1", "ROC-AUC"], rows)


def _labels(title: str, scores: MultiLabelScores) -> None:
    rows = []
    for one in scores.classes:
        shares = [_short(value) for value in (one.average_precision, one.precision, one.recall, one.f1)]
        rows.append([one.class_name, one.images, f"{one.threshold:.3f}", *shares])
    console.table(title, ["class", "images", "from", "AP", "precision", "recall", "F1"], rows)
