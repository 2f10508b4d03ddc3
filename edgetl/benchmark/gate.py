"""A benchmark against an earlier one: is any model slower on any device than it may be?"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgetl import documents, files
from edgetl.benchmark.run import SCHEMA
from edgetl.errors import UsageError


def load_baseline(path: Path) -> dict[str, Any]:
    """A document that `edgetl benchmark` wrote. Raises UsageError."""
    try:
        document = files.read_json(path)
        if document["schema"] != SCHEMA:
            raise ValueError(f"its schema is {document['schema']}")
        documents.check(document, documents.BENCHMARK)
        return dict(document)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is no baseline: {error!r}", "name a benchmark.json that 'edgetl benchmark' wrote") from error


def against(baseline: Mapping[str, Any], document: Mapping[str, Any], max_slowdown: float) -> list[dict[str, Any]]:
    """A row for each model on each device in the baseline: both medians, their ratio, and whether that is allowed.

    A median that is not there any more is not allowed either: a gate that passes because nothing ran is none.
    """
    now = dict(_medians(document))
    rows = []
    for (device, model), before_ms in _medians(baseline):
        ms = now.get((device, model))
        ratio = ms / before_ms if ms is not None else None
        passed = ratio is not None and ratio <= max_slowdown
        rows.append({"device": device, "model": model, "before_ms": before_ms, "now_ms": ms, "ratio": ratio, "passed": passed})
    if not rows:
        raise UsageError("the baseline holds no latencies", "make one where at least one model was measured")
    return rows


def _medians(document: Mapping[str, Any]) -> list[tuple[tuple[str, str], float]]:
    timed = [one for one in document["results"] if (one.get("latency_ms") or {}).get("p50") is not None]
    return [((one["device"], one["model"]), one["latency_ms"]["p50"]) for one in timed]
