"""What a file format is, and the TFLite bytes that all formats are made from."""

from dataclasses import dataclass
from typing import Protocol

from edgetl.contract import InputContract


class Convert(Protocol):
    def __call__(self, content: bytes, contract: InputContract, precision: str, selective: bool = False) -> bytes: ...


@dataclass(frozen=True)
class Format:
    """A kind of model file.

    Args:
        suffix: of its files.
        precisions: what it can carry.
        convert: TFLite bytes to the file's bytes, checked; in a selective int8 file some operators are in float on purpose.
            Raises ExportError.
    """

    suffix: str
    precisions: tuple[str, ...]
    convert: Convert

    def file_name(self, precision: str) -> str:
        return f"model_{precision}{self.suffix}"
