"""Define the runtime as the rest of edgetl sees it: a function from raw pixels to probabilities."""

import os
from collections.abc import Callable, Iterator, Sequence
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
from edgetl.errors import ExportError, RunError
from edgetl.progress import progress

SIDE_BY_SIDE = os.cpu_count() or 1  # images at a time, one a core: the runtimes compute outside of Python's lock


class Session(Protocol):
    """A model that is loaded and ready.

    `batch_size` is how many images it takes at a time with profit; any N is accepted.
    """

    batch_size: int

    def __call__(self, pixels: NDArray[np.uint8], /) -> NDArray[np.float32]:
        """Raw pixels uint8 [N, H, W, C] to probabilities float32 [N, K] in 0..1."""
        ...


OpenSession = Callable[[Path, Contract, int], Session]


@dataclass(frozen=True)
class Runtime:
    """Run one kind of model file.

    Args:
        open_session: loads a file of a contract for so many threads. Raises RunError (no file) or ExportError (damaged, or not of this
            contract).
        missing: why it cannot run here; empty: it can.
    """

    open_session: OpenSession
    missing: str = ""


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


def side_by_side(one: Sequence[Callable[[NDArray[np.uint8]], NDArray[np.float32]]], pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Share images uint8 [N, H, W, 3] out to as many threads as there are functions, each of one image [1, H, W, 3]; in order."""

    def run(worker: int) -> list[NDArray[np.float32]]:
        return [one[worker](pixels[row : row + 1]) for row in range(worker, len(pixels), len(one))]

    if len(one) == 1:
        return np.concatenate(run(0))
    with ThreadPoolExecutor(len(one)) as pool:
        shares = list(pool.map(run, range(len(one))))
    return np.concatenate([shares[row % len(one)][row // len(one)] for row in range(len(pixels))])


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
    """Raise ExportError unless the file goes from [1 or free, H, W, C] to [1 or free, K] with the contract's H, W, C and K."""
    shape, classes = list(contract.shape), len(contract.class_names)
    one_at_a_time = not isinstance(takes[0], int) or takes[0] == 1  # a free batch is None in Keras, a name in ONNX
    if not one_at_a_time or list(takes[1:]) != shape or list(gives[1:]) != [classes]:
        raise ExportError(
            f"{path} goes from {list(takes)} to {list(gives)}, its contract from {[1, *shape]} to [1, {classes}]",
            "use the contract.json that was exported with this file, or export it again",
        )


def check_dtypes(path: Path, takes: str, gives: str, contract: Contract) -> None:
    """Raise ExportError unless the file goes from uint8 to what the contract says of int8 models, or from float32 to float32."""
    if (takes, gives) not in {("uint8", contract.output.dtype), ("float32", "float32")}:
        raise ExportError(
            f"{path} goes from {takes} to {gives}, its contract from uint8 to {contract.output.dtype} or from float32 to float32",
            "use the contract.json that was exported with this file, or export it again",
        )
