"""Results that methods of the API return where the pipeline has no document for it."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgetl.run_folder import RunFolder
from edgetl.run_record import FloatFacts, Int8Choice

if TYPE_CHECKING:
    from edgetl.report.page.blocks import Absent
    from edgetl.report.page.card import Results


@dataclass(frozen=True)
class WrittenFile:
    """A model file, its size, and its size in a zip file."""

    path: Path
    size_bytes: int
    zipped_bytes: int


@dataclass(frozen=True)
class Exported:
    """The model files that an export wrote or found up to date, and how the integer model was chosen (None: there is none)."""

    run: Path
    files: tuple[WrittenFile, ...]
    choice: Int8Choice | None = None

    @classmethod
    def of(cls, run: RunFolder, paths: Sequence[Path]) -> "Exported":
        from edgetl.training.compress import zipped_bytes

        files = tuple(WrittenFile(path, path.stat().st_size, zipped_bytes(path.read_bytes())) for path in paths)
        return cls(run.path, files, run.read().integer_choice())


@dataclass(frozen=True)
class Report:
    """The page of a run, and the parts that it lacks with the commands that bring them."""

    path: Path
    size_bytes: int
    absent: "tuple[Absent, ...]" = ()


@dataclass(frozen=True)
class Card:
    """The folder of card.md and results.json, and the content of the latter."""

    folder: Path
    results: "Results"

    @classmethod
    def write(cls, run: RunFolder, out: Path | None) -> "Card":
        from edgetl.evaluation.validation import Validation
        from edgetl.files import atomic
        from edgetl.report.page.card import Results, card

        folder = out or run.path
        results = Results.of(run.read(), Validation.of(run))
        with run.writing() if out is None else nullcontext():
            results.write(folder / "results.json")
            with atomic(folder / "card.md") as temporary:
                temporary.write_text(card(folder.resolve().name, results), encoding="utf-8")
        return cls(folder, results)


@dataclass(frozen=True)
class Pretrained:
    """A backbone file, the run that it was trained in, and how good its classifier was."""

    file: Path
    run: Path
    backbone: str
    facts: FloatFacts
