"""The model files of a run, read from its record: no file's name is taken apart for what it is."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edgetl.export import FORMATS, format_of
from edgetl.input import Batch
from edgetl.run_folder import RunFolder
from edgetl.run_record import ExportFacts

_STAGE = "export_"


@dataclass(frozen=True)
class ExportedFile:
    """A model file of a run.

    Args:
        path: where it lies.
        form: name of its format.
        integer: its precision's scheme finds integer grids: it is what a run is made for.
        stage: the stage of the run that wrote it.
        batch: images that it takes at a time.
    """

    path: Path
    form: str
    precision: str
    integer: bool
    stage: str
    batch: Batch = 1

    @property
    def name(self) -> str:
        """Return what it is called in a validation, an evaluation or a report, such as tflite_int8."""
        return FORMATS.load(self.form).subject(self.precision)

    @property
    def runtime(self) -> str:
        """Return the name of the runtime that runs it."""
        return FORMATS.load(self.form).runtime


def stage_of(precision: str) -> str:
    """Return the name of the stage that exports a precision."""
    return f"{_STAGE}{precision}"


def exported_files(run: RunFolder) -> list[ExportedFile]:
    """Return the files that the run's record names, in the order in which they were exported."""
    found = []
    for stage, facts in [(name, stage.facts) for name, stage in run.read().stages.items()]:
        if isinstance(facts, ExportFacts):
            precision = stage.removeprefix(_STAGE)
            for form in facts.formats:
                made = FORMATS.load(form)
                path, batch = run.export / made.file_name(precision), made.batch(facts.batch)
                found.append(ExportedFile(path, form, precision, facts.choice is not None, stage, batch))
    return found


def best_first(files: Iterable[ExportedFile]) -> list[ExportedFile]:
    """Return the files with the one to use first at the front: integers before floats, then formats in the registry's order."""
    order = list(FORMATS)
    files = list(files)
    precisions = list(dict.fromkeys(file.precision for file in files))
    return sorted(files, key=lambda file: (not file.integer, precisions.index(file.precision), order.index(file.form)))


def name_of(path: Path) -> str:
    """Return what a model file is called in a report: as an exported file where it is named as one, else its own name."""
    form = format_of(path.name)
    precision = form.precision_of(path.name)
    return form.subject(precision) if precision else path.name
