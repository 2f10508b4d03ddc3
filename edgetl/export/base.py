"""What a file format is, and what a model file says of itself."""

import json
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from edgetl.contract import Contract


@dataclass(frozen=True)
class About:
    """What a model file says of itself beside its contract; empty: nothing."""

    name: str = ""
    version: str = ""
    licence: str = ""
    author: str = ""
    description: str = ""

    def facts(self, contract: Contract) -> dict[str, str]:
        """As text by key, for formats that hold such pairs; `model_author` and `model_license` are ONNX's own keys."""
        said = {"name": self.name, "version": self.version, "description": self.description}
        said |= {"model_author": self.author, "model_license": self.licence}
        given = {key: value for key, value in said.items() if value}
        return given | {"edgetl.contract": json.dumps(contract.to_json(), ensure_ascii=False), "labels": "\n".join(contract.class_names)}


class Convert(Protocol):
    def __call__(self, source: Any, contract: Contract, precision: str, selective: bool = False) -> bytes: ...


class Stamp(Protocol):
    def __call__(self, content: bytes, contract: Contract, about: About) -> bytes: ...


@dataclass(frozen=True)
class Format:
    """A kind of model file.

    Args:
        suffix: of its files.
        precisions: what it can carry.
        convert: its source to the file's bytes, checked; in a selective int8 file some operators are in float on purpose.
            Raises ExportError.
        stamp: a file's bytes with the contract and what else it says of itself put in, in place of what it said before; the graph
            stays as it is.
        source: what `convert` takes: TFLite bytes, or the float Keras model that those are made of.
    """

    suffix: str
    precisions: tuple[str, ...]
    convert: Convert
    stamp: Stamp
    source: Literal["tflite", "keras"] = "tflite"

    def file_name(self, precision: str) -> str:
        return f"model_{precision}{self.suffix}"
