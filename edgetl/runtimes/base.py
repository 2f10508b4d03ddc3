"""Define the runtime as the rest of edgetl sees it: a function from raw pixels to probabilities."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgetl.console import hushed
from edgetl.contract import Contract
from edgetl.data.base import Pixels
from edgetl.documents import Count, Part
from edgetl.errors import ExportError, RunError, UsageError
from edgetl.input import FREE_BATCH, Batch
from edgetl.progress import progress

SIDE_BY_SIDE = os.cpu_count() or 1  # batches at a time, one a core: the runtimes compute outside of Python's lock
_MEMORY = ("arena KiB", "flash KiB", "million MACs")  # of a table
_AT_A_TIME = 16  # images a core, and of a batch that is free


class Session(Protocol):
    """A model that is loaded and ready.

    `batch` is how many images the model takes at a time, `batch_size` how many are given with profit; any N is accepted.
    """

    batch: Batch
    batch_size: int

    def __call__(self, pixels: NDArray[np.uint8], /) -> NDArray[np.float32]:
        """Raw pixels uint8 [N, H, W, C] to probabilities float32 [N, K] in 0..1."""
        ...


class Memory(Part):
    """Memory and work of a model on a microcontroller.

    Args:
        arena_bytes: working memory, measured by the runtime's own interpreter.
        flash_bytes: the model; the program's code comes on top.
        macs: multiplications with an addition of one prediction.
    """

    arena_bytes: Count
    flash_bytes: Count
    macs: Count

    @property
    def texts(self) -> list[str]:
        """Both in KiB, and the work in millions."""
        return [f"{self.arena_bytes / 1024:,.1f}", f"{self.flash_bytes / 1024:,.1f}", f"{self.macs / 1e6:,.1f}"]


def with_memory(
    columns: Sequence[str], rows: Sequence[Sequence[str]], memories: Sequence[Memory | None]
) -> tuple[list[str], list[list[str]]]:
    """Return a table with the memory of each row's model in further columns; as it is where no model is for a microcontroller."""
    if not any(memories):
        return list(columns), [list(row) for row in rows]
    texts = [one.texts if one else [""] * len(_MEMORY) for one in memories]
    return [*columns, *_MEMORY], [[*row, *more] for row, more in zip(rows, texts, strict=True)]


def on_this_computer(memories: Mapping[str, Memory | None]) -> list[str]:
    """Return a sentence on the latency of models (by name) for microcontrollers, where there is one."""
    micro = [name for name, memory in memories.items() if memory]
    return [f"the latency of {', '.join(micro)} is that of reference kernels on this computer, not of a microcontroller"] if micro else []


OpenSession = Callable[[Path, Contract, int], Session]


def _any_number(path: Path) -> Batch:
    return FREE_BATCH


@dataclass(frozen=True)
class Runtime:
    """Run one kind of model file.

    Args:
        open_session: loads a file of a contract for so many threads. Raises RunError (no file) or ExportError (damaged, or not of this
            contract).
        batch_of: returns how many images a file takes at a time, of whatever contract it is. Raises as `open_session` does.
        missing: why it cannot run here; empty: it can.
        memory_of: returns what a file takes of a microcontroller; None: the runtime is for none. Raises as `open_session` does.
        of_integers: returns what other programs have to do on a processor like this one to compute integer files as they are computed
            here; empty: nothing.
    """

    open_session: OpenSession
    batch_of: Callable[[Path], Batch] = _any_number
    missing: str = ""
    memory_of: Callable[[Path], Memory] | None = None
    of_integers: Callable[[], str] = lambda: ""


def elsewhere(missing: str) -> Runtime:
    """Return the runtime of files that are made here and run on other machines alone; `missing` says why."""

    def refuse(path: Path, contract: Contract, threads: int = 1) -> Session:
        raise UsageError(f"{path} cannot be run here: {missing}", "name another file of the run")

    return Runtime(refuse, missing=missing)


def predict(session: Session, pixels: Pixels, rows: NDArray[np.integer], description: str) -> NDArray[np.float32]:
    """Return the probabilities float32 [len(rows), K] of the images in `rows` (one index or more) of `pixels` uint8 [N, H, W, 3].

    Takes a batch at a time: `pixels` may hold more than fits into memory.
    """
    predictions = []
    with progress(description, len(rows)) as advance:
        for start in range(0, len(rows), session.batch_size):
            batch = np.asarray(pixels[rows[start : start + session.batch_size]])
            predictions.append(session(batch))
            advance(len(batch))
    return np.concatenate(predictions)


def batch_in(shape: Sequence[int | str | None]) -> Batch:
    """Return how many images an input of this shape takes at a time: a free axis is None in Keras, a name in ONNX."""
    return shape[0] if isinstance(shape[0], int) else FREE_BATCH


def profitable(batch: Batch) -> int:
    """Return how many images keep all cores busy: whole batches, 16 images or one batch a core."""
    return SIDE_BY_SIDE * (_AT_A_TIME if batch == FREE_BATCH else batch * max(_AT_A_TIME // batch, 1))


def in_batches(pixels: NDArray[np.uint8], batch: Batch) -> list[NDArray[np.uint8]]:
    """Return images uint8 [N, H, W, C] in batches; a fixed one that has too few is filled up with its last image."""
    size = _AT_A_TIME if batch == FREE_BATCH else batch
    parts = [pixels[start : start + size] for start in range(0, len(pixels), size)]
    if batch != FREE_BATCH and len(parts[-1]) < size:
        parts[-1] = np.concatenate([parts[-1], np.repeat(parts[-1][-1:], size - len(parts[-1]), axis=0)])
    return parts


def side_by_side(
    one: Sequence[Callable[[NDArray[np.uint8]], NDArray[np.float32]]], parts: Sequence[NDArray[np.uint8]]
) -> NDArray[np.float32]:
    """Share batches, each uint8 [N, H, W, C], out to as many threads as there are functions of one batch; all rows, in order."""

    def run(worker: int) -> list[NDArray[np.float32]]:
        return [one[worker](part) for part in parts[worker :: len(one)]]

    if len(one) == 1:
        return np.concatenate(run(0))
    with ThreadPoolExecutor(len(one)) as pool:
        shares = list(pool.map(run, range(len(one))))
    return np.concatenate([shares[place % len(one)][place // len(one)] for place in range(len(parts))])


@contextmanager
def opening(path: Path, *faults: type[Exception]) -> Iterator[None]:
    """Keep the runtime quiet while it opens a file; RunError when there is none, ExportError for the runtime's own `faults`."""
    if not path.is_file():
        raise RunError(f"there is no model at {path}", "make one with 'edgetl export', or name another file")
    try:
        with hushed():
            yield
    except faults as error:
        raise ExportError(f"cannot read the model {path}: {error}", "it is damaged, or its suffix is wrong: export it again") from error


def check_shapes(path: Path, takes: Sequence[int | str | None], gives: Sequence[int | str | None], contract: Contract) -> None:
    """Raise ExportError unless the file goes from [N or free, H, W, C] to [N or free, K] with the contract's H, W, C and K."""
    shape, classes = list(contract.shape), len(contract.class_names)
    as_many = not isinstance(takes[0], int) or (takes[0] > 0 and gives[0] == takes[0])
    if not as_many or list(takes[1:]) != shape or list(gives[1:]) != [classes]:
        raise ExportError(
            f"{path} maps {list(takes)} to {list(gives)}, but its contract says {['N', *shape]} to ['N', {classes}]",
            "use the contract.json that was exported with this file, or export it again",
        )


def check_dtypes(path: Path, takes: str, gives: str, contract: Contract) -> None:
    """Raise ExportError unless the file goes from uint8 to what the contract says of int8 models, or from float32 to float32."""
    if (takes, gives) not in {("uint8", contract.output.dtype), ("float32", "float32")}:
        raise ExportError(
            f"{path} maps {takes} to {gives}, but its contract says uint8 to {contract.output.dtype}, or float32 to float32",
            "use the contract.json that was exported with this file, or export it again",
        )
