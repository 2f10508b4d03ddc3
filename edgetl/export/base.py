"""Describe a file format, the facts that a model file carries, and the models that files are converted from."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from edgetl.contract import Contract
from edgetl.input import FREE_BATCH, Batch
from edgetl.quantization import scheme_of
from edgetl.quantization.bounds import Bound

if TYPE_CHECKING:
    from edgetl.importing.grids import Numbers
    from edgetl.quantization.base import Scheme

CONTRACT_KEY = "edgetl.contract"  # of the contract in a model file


@dataclass(frozen=True)
class About:
    """Facts that a model file carries beside its contract; empty: none."""

    name: str = ""
    version: str = ""
    licence: str = ""
    author: str = ""
    description: str = ""

    def facts(self, contract: Contract) -> dict[str, str]:
        """Return it as text by key, for formats that hold such pairs; `model_author` and `model_license` are ONNX's own keys."""
        facts = {"name": self.name, "version": self.version, "description": self.description}
        facts |= {"model_author": self.author, "model_license": self.licence}
        given = {key: value for key, value in facts.items() if value}
        return given | {CONTRACT_KEY: contract_text(contract), "labels": "\n".join(contract.class_names)}


def contract_text(contract: Contract) -> str:
    """Return the contract as the text that a model file carries."""
    return json.dumps(contract.to_json(), ensure_ascii=False)


def _no_samples() -> Iterator[list[Any]]:
    return iter(())


@dataclass(frozen=True, eq=False)
class Conversion:
    """One model on its way to files: formats that are made from another format's file share it.

    Args:
        model: a float Keras model, or a fake-quantized one where the precision's scheme finds integer grids.
        load: a format's name to the format.
        selective: some operators of an integer model are in float on purpose.
        samples: images for a precision whose converter calibrates, see `edgetl.quantization.base.Samples`.
        own: the integers of a file from elsewhere, which the files are to have; None: those that the converter finds.
        npu: the NPU that files for one are compiled for, see `edgetl.micro.ethos_u`.
        made: files by format that are there already, as `file` made them.
    """

    model: Any
    contract: Contract
    precision: str
    load: Callable[[str], "Format"]
    selective: bool = False
    samples: Callable[[], Iterator[list[Any]]] = _no_samples
    own: "Numbers | None" = None
    npu: str = "ethos-u55-128"
    made: dict[str, bytes] = field(default_factory=dict)

    @property
    def scheme(self) -> "Scheme":
        """The first scheme of the precision."""
        return scheme_of(self.precision)

    def file(self, name: str) -> bytes:
        """Return the file of the format of this name, checked, but without what it says of itself. Raises ExportError."""
        if name not in self.made:
            self.made[name] = self.load(name).convert(self)
        return self.made[name]


class Stamp(Protocol):
    def __call__(self, content: bytes, contract: Contract, about: About) -> bytes: ...


@dataclass(frozen=True)
class Format:
    """A kind of model file. Its module imports its converter when it converts: what a file is called must be known at once.

    Args:
        name: as it is registered.
        suffix: of its files.
        runtime: name of the runtime that runs its files.
        precisions: what it can carry.
        convert: makes the file's bytes and checks them. Raises ExportError.
        stamp: puts the contract and what else a file says of itself into its bytes, in place of what it said before; the graph
            stays as it is.
        agrees: precision to what such a file has to agree with beside the float model, and how closely: other models by name,
            `keras_PRECISION` or `FORMAT_PRECISION`.
        in_batches: makes the file that takes a batch, from the conversion's files for one image. Raises ExportError. None: its files
            take one image at a time.
        free_batch: a file can take any number of images at a time.
        for_npu: its files are compiled for the conversion's NPU.
        style: how its ONNX files are written, where the user may choose; empty: there is no choice.
    """

    name: str
    suffix: str
    runtime: str
    precisions: tuple[str, ...]
    convert: Callable[[Conversion], bytes]
    stamp: Stamp
    agrees: Mapping[str, Mapping[str, Bound]] = field(default_factory=dict)
    in_batches: Callable[[Conversion, Batch], bytes] | None = None
    free_batch: bool = False
    for_npu: bool = False
    style: str = ""

    def batch(self, asked: Batch) -> Batch:
        """Return how many images its files take at a time where so many are asked for: 1 where they cannot."""
        able = self.in_batches is not None and (asked != FREE_BATCH or self.free_batch)
        return asked if able else 1

    def file_name(self, precision: str) -> str:
        """Return the name of an exported file."""
        return f"model_{precision}{self.suffix}"

    def subject(self, precision: str) -> str:
        """Return what a file is called in a validation, an evaluation or a report."""
        return f"{self.name}_{precision}"

    def precision_of(self, file_name: str) -> str:
        """Return the precision of a file that is named as exported files are; empty: it is not."""
        return next((precision for precision in self.precisions if self.file_name(precision) == file_name), "")
