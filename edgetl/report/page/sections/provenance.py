"""The section on provenance: stages, recipe, software and hashes."""

from edgetl.report.page.blocks import Section, Table
from edgetl.report.page.facts import Facts
from edgetl.wording import setting

_TITLE = "Provenance"
_OMITTED = ("track",)  # where results are sent is not a property of the model


def section(facts: Facts) -> Section:
    """Return what is needed to make the run again, and to recognize its files."""
    record = facts.record
    stages = [
        [name, stage.finished.replace("T", " ").partition("+")[0], f"{stage.seconds:.1f}", stage.inputs, ", ".join(stage.files)]
        for name, stage in record.stages.items()
    ]
    settings = [
        [f"{table}.{key}", _value(value)]
        for table, values in record.recipe.model_dump(mode="json").items()
        if table not in _OMITTED
        for key, value in values.items()
    ]
    hashes = [[file, digest] for stage in record.stages.values() for file, digest in stage.files.items() if file.startswith("export/")]
    software = [[name, version] for name, version in record.software.items()]
    return Section(
        _TITLE,
        (
            Table(("stage", "finished (UTC)", "seconds", "inputs", "files"), stages, "Stages; equal inputs give equal files"),
            Table(("setting", "value"), settings, "Recipe", folded=True),
            Table(("package", "version"), software, "Software", folded=True),
            Table(("file", "sha256"), hashes, "Exported files", folded=True),
        ),
    )


def _value(value: object) -> str:
    """Return a setting as text. A path is shown by its last part: a report is read elsewhere."""
    return setting(value.rstrip("/").rpartition("/")[2] if isinstance(value, str) else value)
