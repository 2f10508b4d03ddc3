"""What a search found, for people: a table, and latency against accuracy and size."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgetl import console
from edgetl.report.plots.pareto import pareto


def tell(document: Mapping[str, Any]) -> None:
    """All whose accuracy was measured, the most accurate first."""
    trials = sorted(_measured(document), key=lambda one: -one["top1_accuracy"])
    rows = [
        [
            *(one["model"], one["model.image_size"], one["train.epochs"] or "head", f"{one.get('train.learning_rate', '')}"),
            *(f"{100 * one['top1_accuracy']:.2f}", f"{one['latency_ms']:.2f}", f"{one['size_bytes'] / 1024:,.0f}"),
            "yes" if one["front"] else "",
        ]
        for one in trials
    ]
    if rows:
        columns = ["model", "px", "epochs", "rate", "top-1 %", "p50 ms", "KiB", "front"]
        console.table(f"{len(rows)} trials on {document['device']}, calibrated int8; head: nothing else was trained", columns, rows)


def plot(document: Mapping[str, Any], path: Path) -> None:
    """Trained networks, and in another colour those of which a head alone was; what nothing beats has its name."""
    results, models = [], {}
    for number, one in enumerate(_measured(document)):
        label = f"{one['model']}, {one['model.image_size']} px" if one["front"] else ""
        group = "trained" if one["train.epochs"] else "a head alone"
        device = f"{document['device']}, {group}"
        results.append({"device": device, "model": str(number), "label": label, "latency_ms": {"p50": one["latency_ms"]}})
        models[str(number)] = {"top1_accuracy": one["top1_accuracy"], "size_bytes": one["size_bytes"]}
    pareto({"results": results, "models": models}, path)


def _measured(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in document["trials"] if "top1_accuracy" in one]
