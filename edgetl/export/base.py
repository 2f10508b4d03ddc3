"""What a file format is, and the TFLite bytes that all formats are made from."""

from collections.abc import Callable
from dataclasses import dataclass

from edgetl.contract import InputContract


@dataclass(frozen=True)
class Format:
    """A kind of model file.

    Args:
        suffix: of its files.
        precisions: what it can carry.
        convert: (TFLite bytes, contract, precision) to the file's bytes, checked. Raises ExportError.
    """

    suffix: str
    precisions: tuple[str, ...]
    convert: Callable[[bytes, InputContract, str], bytes]

    def file_name(self, precision: str) -> str:
        return f"model_{precision}{self.suffix}"
