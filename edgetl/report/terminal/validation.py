"""Tables of a validation: the models, the agreement of every pair, and the images that quantization changes most."""

import re
from collections.abc import Callable

from edgetl import console
from edgetl.accuracy import Accuracy, AnyAccuracy, MultiLabelAccuracy, figure
from edgetl.compared import right
from edgetl.evaluation.parity import Pair
from edgetl.evaluation.validation import Validation
from edgetl.runtimes.base import with_memory
from edgetl.wording import counted

_TOP = 5  # with no more classes than these, the right one is always among the five most probable

_AGREEMENT = ("pair", "same %", "steps", "max", "|dp|", "KL", "diff", "p", "verdict")


def print_validation(validation: Validation) -> None:
    """Print accuracy, size and latency of each model, agreement of each pair, and the images whose predictions changed most."""
    accuracies, costs = [], []
    columns = _columns(validation)
    for name, subject in validation.subjects.items():
        accuracy, latency = subject.accuracy, subject.latency_ms
        shares = [f"{100 * columns[column](accuracy):.1f}" for column in columns]
        accuracies.append([name, *figure(accuracy).texts, *shares, f"{accuracy.loss:.3f}"])
        costs.append([name, f"{subject.size_bytes / 1024:,.0f}", f"{latency.p50:.2f}", f"{latency.p90:.2f}"])
    labelled = validation.truth == "labels"
    judged_by = right(validation.truth, validation.metric)
    what = "accuracy" if labelled else "agreement with the imported network"
    console.table(f"{what} on {validation.measured_on}", ["model", f"{judged_by} %", "95 % interval", *columns, "loss"], accuracies)
    if validation.chosen_by:
        console.note(validation.chosen_by)
    console.note("; ".join(["latency of one image on one thread, Keras on all cores", *validation.timing_notes]))
    memories = [subject.memory for subject in validation.subjects.values()]
    console.table("size and latency", *with_memory(["model", "KiB", "p50 ms", "p90 ms"], costs, memories))
    console.note(
        "steps, max: mean and largest difference of probability in units of 1/256; |dp|: an image's largest difference, the mean of all"
    )
    console.note("KL: divergence in nats")
    of = " of exact matches" if validation.metric == "mAP" else ""
    console.note(f"diff: second minus first in percentage points of '{judged_by}'; p: McNemar's test{of}")
    console.table("agreement", _AGREEMENT, [_pair(pair) for pair in validation.pairs])
    _decisions(validation)
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


def _columns(validation: Validation) -> dict[str, Callable[[AnyAccuracy], float]]:
    """Return what is printed of each model's accuracy beside what it is judged by, all of them shares."""
    found: dict[str, Callable[[AnyAccuracy], float]] = {}
    if validation.metric == "mAP":
        found["exact %"] = lambda one: one.exact_match if isinstance(one, MultiLabelAccuracy) else 0.0
    elif len(validation.class_names) > _TOP:
        found["top-5 %"] = lambda one: one.top5_accuracy if isinstance(one, Accuracy) else 0.0
    return found | {"macro F1 %": lambda one: one.macro_f1}


def _decisions(validation: Validation) -> None:
    """Print the share of the images that both of a pair decide alike, of one class an image."""
    decided = [pair for pair in validation.pairs if pair.same_decisions is not None and pair.map_drop_points is None]
    unknown = any(pair.same_of_unknown is not None for pair in decided)
    rows = [[_name(one), _share(one.same_decisions), *([_share(one.same_of_unknown)] if unknown else [])] for one in decided]
    if rows:
        of_unknown = [f"same of {counted(validation.unknown_images, 'unknown image')} %"] if unknown else []
        console.table("the same decision by the thresholds, unknown included", ["pair", "same %", *of_unknown], rows)


def _share(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.2f}"


def _name(pair: Pair) -> str:
    return re.sub(r"float(\d)", r"f\1", f"{pair.tolerance.first}~{pair.tolerance.second}")  # for 80 columns


def _pair(pair: Pair) -> list[str]:
    agreement = pair.agreement
    steps = [f"{agreement.mean_steps:.2f}", f"{agreement.max_steps:.2f}", f"{agreement.mean_abs_dp:.4f}", f"{agreement.kl:.4f}"]
    cost = [f"{-pair.drop_points:+z.2f}", f"{pair.paired.mcnemar_p:.2f}", "ok" if pair.passed else "FAILED"]
    return [_name(pair), f"{100 * agreement.same:.2f}", *steps, *cost]


def _worst(validation: Validation) -> None:
    """Print the worst images of the main model against the float model, or of the last pair."""
    if not validation.pairs:
        return
    pair = validation.costs.get(validation.main, validation.pairs[-1])
    rows = [[one.name, *one.texts(validation.class_names)] for one in pair.worst]
    known = "class, as labelled" if validation.metric == "mAP" else "true class" if validation.truth == "labels" else "imported"
    console.table("predictions that changed most", ["image", known, pair.tolerance.first, pair.tolerance.second], rows)
