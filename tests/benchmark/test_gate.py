"""A baseline as a gate."""

import json
from pathlib import Path
from typing import Any

import pytest

from edgetl.benchmark.gate import against, load_baseline
from edgetl.errors import UsageError


def document(**p50: float | None) -> dict[str, Any]:
    results = [{"device": "d", "model": name, "latency_ms": {"p50": ms} if ms else None} for name, ms in p50.items()]
    return {"schema": 1, "results": results}


def test_slower_than_allowed_and_missing_do_not_pass() -> None:
    rows = against(document(a=1.0, b=1.0, c=1.0), document(a=1.1, b=1.11, d=9.0), 1.1)
    assert [(row["model"], row["passed"]) for row in rows] == [("a", True), ("b", False), ("c", False)]
    assert rows[1]["ratio"] == pytest.approx(1.11)
    assert rows[2]["now_ms"] is None


def test_a_baseline_without_latencies_is_none() -> None:
    with pytest.raises(UsageError, match="holds no latencies"):
        against(document(a=None), document(a=1.0), 1.1)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 2}', "null"])
def test_what_is_no_baseline_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="is no baseline"):
        load_baseline(tmp_path / "old.json")
    with pytest.raises(UsageError, match="is no baseline"):
        load_baseline(tmp_path / "missing.json")


def test_a_written_document_is_one(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text(json.dumps(document(a=1.0)), encoding="utf-8")
    assert load_baseline(tmp_path / "old.json") == document(a=1.0)
