"""Tables of a validation: the models, the agreement of every pair, and the images that quantization changes most."""

import re

from edgetl import console
from edgetl.compared import right
from edgetl.evaluation.parity import Pair
from edgetl.evaluation.validation import Validation
from edgetl.wording import counted

_TOP = 5  # with no more classes than these, the right one is always among the five most probable


def print_validation(validation: Validation) -> None:
    """Print accuracy, size and latency of each model, agreement of each pair, and the images whose predictions changed most."""
    accuracies, costs = [], []
    several = len(validation.class_names) > _TOP
    for name, subject in validation.subjects.items():
        accuracy, latency = subject.accuracy, subject.latency_ms
        low, high = accuracy.top1_interval_95
        shares = [accuracy.top5_accuracy, accuracy.macro_f1] if several else [accuracy.macro_f1]
        top1 = [f"{100 * accuracy.top1_accuracy:.2f}", f"{100 * low:.1f} to {100 * high:.1f}"]
        accuracies.append([name, *top1, *(f"{100 * share:.1f}" for share in shares), f"{accuracy.loss:.3f}"])
        costs.append([name, f"{subject.size_bytes / 1024:,.0f}", f"{latency.p50:.2f}", f"{latency.p90:.2f}"])
    labelled = validation.truth == "labels"
    columns = ["model", f"{right(validation.truth)} %", "95 % interval", *(["top-5 %"] if several else []), "macro F1 %", "loss"]
    what = "accuracy" if labelled else "agreement with the imported network"
    console.table(f"{what} on {validation.measured_on}", columns, accuracies)
    if validation.chosen_by:
        console.note(validation.chosen_by)
    console.note("; ".join(["latency of one image on one thread, Keras on all cores", *validation.shares]))
    console.table("size and latency", ["model", "KiB", "p50 ms", "p90 ms"], costs)
    console.note(
        "steps, max: mean and largest difference of probability in units of 1/256; |dp|: an image's largest difference, the mean of all"
    )
    console.note("KL: divergence in nats")
    console.note(f"diff: second minus first in percentage points of '{right(validation.truth)}'; p: McNemar's test")
    columns = ["pair", "same %", "steps", "max", "|dp|", "KL", "diff", "p", "verdict"]
    console.table("agreement", columns, [_pair(pair) for pair in validation.pairs])
    decided = [(_name(pair), f"{100 * pair.same_decisions:.2f}") for pair in validation.pairs if pair.same_decisions is not None]
    if decided:
        console.table("the same decision by the thresholds, unknown included", ["pair", "same %"], decided)
    for pair in validation.pairs:
        if pair.agreement.ties:
            name, agreement = f"{pair.tolerance.first}~{pair.tolerance.second}", pair.agreement
            differ = counted(agreement.disagreements, "different prediction")
            console.note(f"{name}: {agreement.ties:,} of {differ} tied in steps of 1/256")
    _worst(validation)
    console.note(f"CPU: {validation.cpu.model}, {', '.join(validation.cpu.found) or 'no instructions that speed up int8'}")
    for name, reason in validation.unverified.items():
        console.warn(f"{name} is unverified: {reason}")
    console.note("verdict: PASSED" if validation.passed else "verdict: FAILED")


def _name(pair: Pair) -> str:
    return re.sub(r"float(\d)", r"f\1", f"{pair.tolerance.first}~{pair.tolerance.second}")  # for 80 columns


def _pair(pair: Pair) -> list[str]:
    agreement = pair.agreement
    steps = [f"{agreement.mean_steps:.2f}", f"{agreement.max_steps:.2f}", f"{agreement.mean_abs_dp:.4f}", f"{agreement.kl:.4f}"]
    cost = [f"{-pair.paired.drop_points:+z.2f}", f"{pair.paired.mcnemar_p:.2f}", "ok" if pair.passed else "FAILED"]
    return [_name(pair), f"{100 * agreement.top1_agreement:.2f}", *steps, *cost]


def _worst(validation: Validation) -> None:
    """Print the worst images of the main model against the float model, or of the last pair."""
    if not validation.pairs:
        return
    pair = validation.costs.get(validation.main, validation.pairs[-1])
    names = validation.class_names
    rows = []
    for one in pair.worst:
        first, second = f"{names[one.first_top1]} {one.first_probability:.2f}", f"{names[one.second_top1]} {one.second_probability:.2f}"
        rows.append([one.name, names[one.label_id], first, second])
    known = "true class" if validation.truth == "labels" else "imported"
    console.table("predictions that changed most", ["image", known, pair.tolerance.first, pair.tolerance.second], rows)
