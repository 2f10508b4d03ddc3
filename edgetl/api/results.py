"""Results that the API returns where the pipeline has no document for them."""

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgetl.export.exported import exported_files
from edgetl.files import zipped_bytes
from edgetl.input import Batch
from edgetl.int8_record import Int8Choice
from edgetl.overview import Overview, Tabular
from edgetl.run_folder import RunFolder
from edgetl.run_record import FloatFacts
from edgetl.runtimes import memory_of
from edgetl.runtimes.base import Memory, with_memory
from edgetl.wording import measured_on

if TYPE_CHECKING:
    from edgetl.recipe import Recipe
    from edgetl.report.page.blocks import Absent
    from edgetl.report.page.results import Results
    from edgetl.tuning_record import TuningRecord

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class WrittenFile:
    """A model file, its size, its size in a zip file, and how many images it takes at a time ("dynamic": any number).

    `memory`: what it takes of a microcontroller; None: it is for none.
    """

    path: Path
    size_bytes: int
    zipped_bytes: int
    batch: Batch = 1
    memory: Memory | None = None

    def to_json(self) -> dict[str, object]:
        """Return it as JSON holds it; without memory where it is for no microcontroller."""
        found = {"path": str(self.path), "size_bytes": self.size_bytes, "zipped_bytes": self.zipped_bytes, "batch": self.batch}
        return found | ({"memory": self.memory.model_dump()} if self.memory else {})


@dataclass(frozen=True, repr=False)
class Exported(Tabular):
    """The model files that an export wrote or found up to date, and how the integer model was chosen (None: there is none)."""

    run: Path
    files: tuple[WrittenFile, ...]
    choice: Int8Choice | None = None

    @classmethod
    def of(cls, run: RunFolder, paths: Sequence[Path]) -> "Exported":
        """Return the sizes of a run's files, and what its export recorded."""
        batches = {file.path: file.batch for file in exported_files(run)}
        sizes = {path: (path.stat().st_size, zipped_bytes(path.read_bytes())) for path in paths}
        files = tuple(WrittenFile(path, *sizes[path], batches[path], memory_of(path)) for path in paths)
        return cls(run.path, files, run.read().integer_choice())

    @property
    def table(self) -> tuple[list[str], list[list[str]]]:
        """Columns, and a row for each file."""
        rows = [[str(file.path), f"{file.size_bytes:,}", f"{file.zipped_bytes:,}", str(file.batch)] for file in self.files]
        return with_memory(["file", "bytes", "zipped", "batch"], rows, [file.memory for file in self.files])

    def overview(self) -> Overview:
        """Return a row for each file."""
        columns, rows = self.table
        return Overview(f"Exported to {self.run / 'export'}", columns, [[Path(path).name, *row] for path, *row in rows])


@dataclass(frozen=True, repr=False)
class Report(Tabular):
    """The page of a run, and the parts that it lacks with the commands that bring them."""

    path: Path
    size_bytes: int
    absent: "tuple[Absent, ...]" = ()

    def overview(self) -> Overview:
        """Return the page, with a row for each part that it lacks."""
        rows = [(part.title, part.reason, part.command) for part in self.absent]
        return Overview(f"Report: {self.path}, {self.size_bytes / 1024:,.0f} KiB", ("not in it", "reason", "command"), rows)


@dataclass(frozen=True, repr=False)
class Card(Tabular):
    """The folder of card.md and results.json, and the content of the latter."""

    folder: Path
    results: "Results"

    @classmethod
    def write(cls, run: RunFolder, out: Path | None) -> "Card":
        """Write the card of a run into `out`, by default the run."""
        from edgetl.evaluation.validation import Validation
        from edgetl.files import atomic
        from edgetl.pipeline.evaluate.recorded import choice_of, estimates_of, unknowns_of
        from edgetl.report.page.card import card
        from edgetl.report.page.results import Results

        folder, record = out or run.path, run.read()
        if new := [*record.unvalidated()]:
            logger.warning(f"not in the card, since not validated: {', '.join(new)} (run: edgetl validate {run.quoted})")
        results = Results.of(record, Validation.of(run), unknowns_of(run), choice_of(run))
        results = results.model_copy(update={"npu": estimates_of(run)})
        with run.writing() if out is None else nullcontext():
            results.write(folder / "results.json")
            with atomic(folder / "card.md") as temporary:
                temporary.write_text(card(folder.resolve().name, results), encoding="utf-8", errors="backslashreplace")
            if out is not None:
                cls._write_recipe(record.recipe, folder / run.recipe.name)
        return cls(folder, results)

    @staticmethod
    def _write_recipe(recipe: "Recipe", path: Path) -> None:
        """Write a recipe beside a card, without the folders of its images; one that is there already is the user's."""
        from edgetl.files import atomic
        from edgetl.recipe import load

        shown = recipe.without_folders()
        content = shown.to_toml("The settings behind the card; paths are relative to this folder").encode()
        if not path.exists():
            with atomic(path) as temporary:
                temporary.write_bytes(content)
        elif path.read_bytes() != content and (other := shown.changed(load(path).without_folders())):
            logger.warning(f"{path} is kept, and has other settings than the run: {', '.join(other)}")

    def overview(self) -> Overview:
        """Return the results, with where they are written."""
        return self.results.overview().with_note(f"written: {self.folder / 'card.md'}")


@dataclass(frozen=True, repr=False)
class Pretrained(Tabular):
    """A backbone file, the run that it was trained in, and how good its classifier was."""

    file: Path
    run: Path
    backbone: str
    facts: FloatFacts

    def overview(self) -> Overview:
        """Return the file and where it comes from."""
        accuracy = f"{self.facts.kept.val_accuracy:.1%}" if self.facts.kept else "not measured"
        judged = measured_on(self.facts.held_out, "held-out image") if self.facts.held_out else "validation images"
        rows = [("file", str(self.file)), ("run", str(self.run)), (f"accuracy on {judged}", accuracy)]
        return Overview(f"Pretrained {self.backbone}", ("part", "value"), rows)


@dataclass(frozen=True, repr=False)
class Tuned(Tabular):
    """A search, and the folder that holds its record, its plot and the recipe of the best network."""

    folder: Path
    record: "TuningRecord"

    @property
    def recipe(self) -> Path | None:
        """The recipe of the most accurate model within the budget, for `run`; None: there is no such model."""
        return self.folder / "best.toml" if self.record.best else None

    @property
    def plot(self) -> Path:
        return self.folder / "tune.png"

    def overview(self) -> Overview:
        """Return the trials, with the recipe of the best."""
        return self.record.overview().with_note(f"best recipe: {self.recipe}" if self.recipe else "no network is within the budget")
