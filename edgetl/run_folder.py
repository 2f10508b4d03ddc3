"""A run directory: typed paths, atomic writes, provenance (run.json), and which stages are finished with which inputs."""

import logging
import os
import shlex
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from edgetl import lock, log
from edgetl.errors import RunError, listed
from edgetl.files import atomic, sha256, writable
from edgetl.lock import FolderLock
from edgetl.recipe import Recipe
from edgetl.registry import closest
from edgetl.run_record import CompressFacts, FloatFacts, Found, RunRecord, Stage, StageFacts
from edgetl.software import software

logger = logging.getLogger(__name__)
RUNS = Path("runs")  # where a run goes, and is looked for, when none is named
PRETRAINED = RUNS / "pretrained"  # a pretraining cannot be exported: commands that take the newest run do not see it
_GO_ON = "run the same 'edgetl train' or 'edgetl run' command again"


@dataclass(frozen=True)
class RunFolder:
    """A run directory and the names of what lies in it."""

    path: Path
    _held: list[FolderLock] = field(default_factory=list, init=False, repr=False, compare=False)
    _turn: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False, compare=False)

    @property
    def quoted(self) -> str:
        """The path as a shell takes it, for the commands that messages name."""
        return shlex.quote(str(self.path))

    @property
    def record(self) -> Path:
        return self.path / "run.json"

    @property
    def recipe(self) -> Path:
        """The settings that are not the default ones, as a recipe that makes the run again."""
        return self.path / "recipe.toml"

    @property
    def data(self) -> Path:
        """The index of the images: names, labels, splits, hashes, and what was left out and why."""
        return self.path / "data.json"

    @property
    def cache(self) -> Path:
        """Pixels that did not fit into the memory budget; may be deleted at any time."""
        return self.path / "cache"

    @property
    def float_model(self) -> Path:
        return self.path / "float.keras"

    @property
    def network(self) -> Path:
        """The network of a file, from which training starts in place of a backbone; the file is not needed any more."""
        return self.path / "network.keras"

    @property
    def backbone(self) -> Path:
        """The weights of a pretraining, from which another training starts."""
        return self.path / "backbone.npz"

    @property
    def compressed_model(self) -> Path:
        """The float model with fewer different weights, which then stands for it."""
        return self.path / "compressed.keras"

    @property
    def contract(self) -> Path:
        return self.path / "contract.json"

    @property
    def export(self) -> Path:
        return self.path / "export"

    @property
    def validation(self) -> Path:
        return self.path / "validation.json"

    @property
    def sensitivity(self) -> Path:
        return self.path / "sensitivity.json"

    @property
    def sensitivity_plot(self) -> Path:
        return self.path / "sensitivity.png"

    @property
    def evaluation(self) -> Path:
        return self.path / "evaluation.json"

    @property
    def evaluation_plot(self) -> Path:
        return self.path / "evaluation.png"

    @property
    def unknown(self) -> Path:
        """How well the models tell images that show none of the classes, and thumbnails of those with the highest probabilities."""
        return self.path / "unknown"

    @property
    def thresholds(self) -> Path:
        """How the contract's thresholds of the classes were chosen."""
        return self.path / "thresholds.json"

    @property
    def learning_curve(self) -> Path:
        return self.path / "learning_curve.json"

    @property
    def learning_curve_plot(self) -> Path:
        return self.path / "learning_curve.png"

    @property
    def explained(self) -> Path:
        """Where the models look, image by image."""
        return self.path / "explain"

    @property
    def logs(self) -> Path:
        """TensorBoard's, in a folder a training."""
        return self.path / "tensorboard"

    def quantized_model(self, scheme: str) -> Path:
        return self.path / f"{scheme}.npz"

    def checkpoint(self, stage: str) -> Path:
        """Return what a killed training goes on from; removed when its stage is finished."""
        return self.path / f"checkpoint-{stage}.npz"

    @classmethod
    def create(cls, path: Path, recipe: Recipe) -> "RunFolder":
        """Make the directory, or open it if it is a run already; what it holds stays until something newer is finished."""
        run = cls(path)
        if os.path.exists(path) and not os.path.exists(run.record) and (not path.is_dir() or _foreign_files(path)):
            raise RunError(f"{path} exists and is not a run", "choose another place with --out")
        with run.writing():
            made = run.read() if os.path.exists(run.record) else RunRecord(created=_now(), recipe=recipe, software={})
            if made.stages and (changed := recipe.changed(made.recipe)):
                logger.warning(
                    f"{path} is a run already, of other settings; what depends on them is made again, and replaces what is there "
                    f"(another --out keeps both):"
                    + listed([f"{setting} {value} instead of {before}" for setting, (value, before) in changed.items()])
                )
            made.model_copy(update={"recipe": recipe, "software": software()}).write(run.record)
            with atomic(run.recipe) as temporary:
                temporary.write_text(recipe.to_toml(f"The settings of this run, made with edgetl {version('edgetl')}"), encoding="utf-8")
        return run

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the one that writes in the run, and log there, until the block ends; blocks may be nested, and other threads wait.

        Raises RunError when another process writes in it, or when it cannot be written.
        """
        with self._turn:
            if self._held:
                yield
                return
            with writing(self.path) as held:
                self._held.append(held)
                try:
                    yield
                finally:
                    self._held.clear()

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """Open the run at `path`. Raises RunError when there is none."""
        run = cls(path)
        run.read()
        return run

    def read(self) -> RunRecord:
        """Read run.json. Raises RunError when there is none, or when it is not one that this version reads."""
        if not os.path.exists(self.record):
            if not os.path.lexists(self.path):
                beside = [found.parent.name for found in self.path.parent.glob(f"*/{self.record.name}")]
                guess = closest(self.path.name, beside)
                hint = f"did you mean {self.path.parent / guess}?" if guess else "'edgetl runs' lists those of runs/"
                raise RunError(f"there is no run at {self.path}", hint)
            raise RunError(f"{self.path} is not a run (it has no run.json)", "make one with 'edgetl train DATA'")
        return RunRecord.read(self.record)

    def stage(self, name: str) -> Stage:
        """Return what a finished stage recorded. Raises RunError when it is not finished."""
        stage = self.read().stages.get(name)
        if stage is None:
            raise RunError(f"{self.path} has not finished its '{name}' stage", _GO_ON)
        return stage

    def facts(self, name: str, kind: type[Found]) -> Found:
        """Return what a finished stage found. Raises RunError when it is not finished, or recorded facts of another class."""
        facts = self.read().find(name, kind)
        if facts is None:
            raise RunError(f"{self.path} has not finished its '{name}' stage", _GO_ON)
        return facts

    def intact(self, name: str) -> Stage:
        """Return what a finished stage recorded. Raises RunError also when a file is missing, or not the one that the stage wrote."""
        stage = self.stage(name)
        for file, digest in stage.files.items():
            if not _is(self.path / file, digest):
                raise RunError(f"{self.path / file} is missing or damaged", "run the same 'edgetl train' command again")
        return stage

    def is_done(self, name: str, inputs: str) -> bool:
        """Return whether the stage was finished from the same inputs and its files are still the ones it wrote."""
        return not self.undone(name, inputs)

    def undone(self, name: str, inputs: str) -> str:
        """Return why the stage has to be done; empty: it need not."""
        stage = self.read().stages.get(name)
        if stage is None:
            return "it was never finished"
        if stage.inputs != inputs:
            return f"it was made from other inputs ({stage.inputs})"
        changed = [file for file, digest in stage.files.items() if not _is(self.path / file, digest)]
        return f"{changed[0]} is missing or was changed" if changed else ""

    def finish(self, name: str, inputs: str, started: float, files: Sequence[Path], facts: StageFacts) -> None:
        """Record a stage as done: the identity of its inputs, its files with their sha256, and what it found.

        What follows another float model than before was not made from it, and is not recorded any more.
        """
        with self.writing():
            record = self.read()
            names = [*record.stages]
            if isinstance(facts, FloatFacts | CompressFacts) and name in names and record.stages[name].inputs != inputs:
                names = names[: names.index(name)]
            stage = Stage(
                inputs=inputs,
                edgetl=version("edgetl"),
                finished=_now(),
                seconds=round(time.monotonic() - started, 1),
                files={file.relative_to(self.path).as_posix(): sha256(file) for file in files},
                facts=facts,
            )
            kept = {one: record.stages[one] for one in names}
            record.model_copy(update={"stages": {**kept, name: stage}}).write(self.record)


@contextmanager
def writing(folder: Path) -> Iterator[FolderLock]:
    """Be the one process that writes in the folder, and log there; what a killed one left half-written is removed.

    Raises RunError when something else writes in it, or when it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    with FolderLock(folder) as held:
        try:
            for left_over in folder.glob("**/.partial-*"):
                left_over.unlink()
        except OSError as error:
            raise _unwritable(folder, error) from error
        with log.RunLog(folder / log.NAME):
            yield held


def _unwritable(folder: Path, error: OSError) -> RunError:
    return RunError(f"cannot write in {folder}: {error.strerror or error}", writable(error))


def _is(path: Path, digest: str) -> bool:
    try:
        return path.is_file() and sha256(path) == digest
    except OSError:  # not to be read any more
        return False


def _foreign_files(folder: Path) -> bool:
    """Return whether a folder holds more than what a run killed in its first write leaves."""
    return any(not path.name.startswith((".partial-", lock.NAME, log.NAME)) for path in folder.iterdir())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
