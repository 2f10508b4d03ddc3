"""Data quality: what `edgetl doctor` found."""

from edgetl.diagnosis import CHECKS
from edgetl.report.page.blocks import Absent, Block, Section, Table, Text
from edgetl.report.page.facts import Facts
from edgetl.report.page.findings import findings_table
from edgetl.run_record import DataFacts
from edgetl.wording import counted

_TITLE = "Data quality"
_SHOWN = 40  # findings of a check
_UNFOLDED = 10  # rows of a table that a reader need not open


def section(facts: Facts) -> Section | Absent:
    """Show the findings of each check, and the images that should be left out."""
    diagnosis = facts.doctor
    if diagnosis is None:
        data = facts.record.find("data", DataFacts)
        left_out = "they were not read yet"
        if data:
            left_out = f"training left out {counted(data.rejected, 'file')}" if data.rejected else "training could read them all"
        return Absent(_TITLE, f"the images were not examined; {left_out}", "edgetl doctor DATA --out RUN")
    count = sum(len(findings) for findings in diagnosis.found.values())
    text = f"edgetl doctor examined {counted(diagnosis.images, 'image')} and found nothing."
    if count:
        text = f"edgetl doctor examined {counted(diagnosis.images, 'image')} and has {counted(count, 'finding')}. {diagnosis.advice}."
    blocks: list[Block] = [Text(text), *map(Text, diagnosis.notes)]
    for check, findings in diagnosis.found.items():
        columns, rows = findings_table(findings[:_SHOWN])
        shown = f", the first {_SHOWN}" if len(findings) > _SHOWN else ""
        summary = f": {CHECKS.summary(check)}" if check in CHECKS else ""
        caption = f"{check.replace('_', ' ').capitalize()} ({len(findings)}{shown}){summary}"
        blocks.append(Table(columns, rows, caption, folded=len(rows) > _UNFOLDED))
    return Section(_TITLE, blocks)
