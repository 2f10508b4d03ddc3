"""What is wrong with the images."""

from collections.abc import Iterator, Mapping
from typing import Any

from edgetl.report.page.blocks import Absent, Section, Table, Text
from edgetl.report.page.facts import Facts
from edgetl.run_record import DataFacts

_TITLE = "The images"
_SHOWN = 40  # of a kind of finding


def section(facts: Facts) -> Section | Absent:
    """Counts by class and split; what `edgetl doctor` found is read tolerantly: lists under "findings", or at the top."""
    data = facts.record.find("data", DataFacts)
    if facts.doctor is None:
        left = f"{data.rejected} files were left out when training read them" if data else "they were not read yet"
        return Absent(_TITLE, f"not examined; {left}", "edgetl doctor DATA --out RUN")
    tables = list(_tables(facts.doctor.get("findings", facts.doctor)))
    found = f"{sum(len(table.rows) for table in tables)} findings" if tables else "nothing was found"
    return Section(_TITLE, (Text(f"edgetl doctor: {found}."), *tables))


def _tables(findings: Any) -> Iterator[Table]:
    if isinstance(findings, list):
        findings = {"findings": findings}
    for kind, rows in findings.items() if isinstance(findings, Mapping) else ():
        listed = [row if isinstance(row, Mapping) else {"what": row} for row in rows] if isinstance(rows, list) else []
        columns = list(dict.fromkeys(key for row in listed for key, value in row.items() if isinstance(value, str | int | float | list)))
        if columns:
            texts = [[_text(row.get(column, "")) for column in columns] for row in listed[:_SHOWN]]
            more = f", the first {_SHOWN}" if len(listed) > _SHOWN else ""
            yield Table(columns, texts, f"{str(kind).replace('_', ' ')}: {len(listed)}{more}", folded=len(listed) > 10)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:.3g}" if isinstance(value, float) else str(value)
