"""Define arrays of which the rows that are asked for are read, and no others."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray


class RowsWhenAsked(ABC):
    """An array [N, ...] whose rows are read when they are asked for."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @abstractmethod
    def read(self, row: int, into: NDArray[Any]) -> None:
        """Read a row into an array of its shape."""

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        """Copies: of one row, of a slice or of an array of row numbers."""
        wanted = np.arange(len(self))[rows]
        made = np.empty((wanted.size, *self.shape[1:]), self.dtype)
        for row, into in zip(wanted.reshape(-1).tolist(), made, strict=True):
            self.read(row, into)
        return made.reshape(*wanted.shape, *self.shape[1:])
