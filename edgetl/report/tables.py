"""Tables of a run and of its validation, for the terminal."""

from collections.abc import Mapping
from typing import Any

from edgetl import console


def settings(record: Mapping[str, Any]) -> None:
    """What was asked for, a row a table of the recipe."""
    rows = [[name, ", ".join(f"{key} {value}" for key, value in table.items())] for name, table in record["recipe"].items()]
    console.table("settings", ["table", "values"], rows)


def stages(record: Mapping[str, Any]) -> None:
    """What is finished, in order."""
    rows = [
        [name, f"{stage['seconds']:.0f} s", _outcome(stage["facts"]), ", ".join(stage["files"])] for name, stage in record["stages"].items()
    ]
    console.table("stages", ["stage", "took", "outcome", "files"], rows)


def _outcome(facts: Mapping[str, Any]) -> str:
    if "counts" in facts:
        return ", ".join(f"{count} {split}" for split, count in facts["counts"].items()) + f", {facts['left_out']} left out"
    if facts.get("epochs"):
        best = facts["epochs"][facts["best_epoch"] - 1]
        return f"validation top-1 {best['val_accuracy']:.4f}, epoch {facts['best_epoch']} of {len(facts['epochs'])}"
    if "shipped" in facts:
        return f"{facts['shipped']}: {facts['reason']}"
    if "passed" in facts:
        return "passed" if facts["passed"] else "FAILED"
    if "calibration" in facts:
        return f"calibrated on {facts['calibration']['pictures']} pictures"
    return ""


def validation(document: Mapping[str, Any]) -> None:
    """Accuracy and latency of each model, agreement of each pair, and the pictures on which the int8 file moved most."""
    rows = []
    for name, subject in document["subjects"].items():
        accuracy, (low, high), latency = subject["accuracy"], subject["accuracy"]["top1_interval_95"], subject["latency_ms"]
        rows.append([
            name, f"{accuracy['top1_accuracy']:.4f}", f"{low:.3f}-{high:.3f}", f"{accuracy['top5_accuracy']:.4f}",
            f"{accuracy['macro_f1']:.4f}", f"{accuracy['loss']:.4f}", f"{subject['size_bytes'] / 1024:,.0f}",
            f"{latency['p50']:.2f}", f"{latency['p90']:.2f}",
        ])  # fmt: skip
    columns = ["model", "top-1", "95 %", "top-5", "macro F1", "loss", "KiB", "p50 ms", "p90 ms"]
    console.table(f"accuracy on {document['pictures']} pictures, latency on one thread (Keras: all cores)", columns, rows)
    columns = ["pair", "same top-1", "steps mean/max", "mean |dp|", "KL", "drop, points", "McNemar p", "verdict"]
    console.table("agreement (a step is 1/256 of probability)", columns, [_pair(pair) for pair in document["pairs"]])
    _worst(document)
    features = [name for name, present in document["cpu"]["features"].items() if present]
    console.note(f"CPU: {document['cpu']['model']}, {', '.join(features) or 'no feature that matters to int8'}")
    console.note("verdict: PASSED" if document["passed"] else "verdict: FAILED")


def _pair(pair: Mapping[str, Any]) -> list[str]:
    agreement, compared, tolerance = pair["agreement"], pair["paired"], pair["tolerance"]
    return [
        f"{tolerance['first']} ~ {tolerance['second']}", f"{agreement['top1_agreement']:.4f}",
        f"{agreement['mean_steps']:.2f} / {agreement['max_steps']:.0f}", f"{agreement['mean_abs_dp']:.5f}", f"{agreement['kl']:.5f}",
        f"{compared['drop_points']:+.2f}", f"{compared['mcnemar_p']:.3f}", "ok" if pair["passed"] else "FAILED",
    ]  # fmt: skip


def _worst(document: Mapping[str, Any]) -> None:
    """The ten worst pictures of the pair that says what quantization cost, or of the last pair there is."""
    if not document["pairs"]:
        return
    costs = [
        pair for pair in document["pairs"] if pair["tolerance"]["first"] == "keras_float" and pair["tolerance"]["second"] == "tflite_int8"
    ]
    pair = (costs or document["pairs"])[-1]
    labels = document["labels"]
    first, second = pair["tolerance"]["first"], pair["tolerance"]["second"]
    rows = [
        [
            one["name"],
            labels[one["label"]],
            f"{labels[one['first_top1']]} {one['first_probability']:.2f}",
            f"{labels[one['second_top1']]} {one['second_probability']:.2f}",
        ]
        for one in pair["worst"]
    ]
    console.table("where quantization moved most", ["picture", "is", first, second], rows)
