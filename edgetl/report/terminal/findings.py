"""The findings of `edgetl doctor` for the terminal."""

from edgetl import console
from edgetl.diagnosis.results import Diagnosis
from edgetl.wording import counted


def show(diagnosis: Diagnosis) -> None:
    """Print a row per check, and the notes."""
    rows = []
    for check, findings in diagnosis.findings.items():
        first = f"{findings[0].name}: {findings[0].detail}" if findings else ""
        rows.append([check, len(findings), first])
    console.table(f"doctor: {counted(diagnosis.images, 'image')}", ["check", "findings", "first finding"], rows)
    for note in diagnosis.notes:
        console.note(note)
