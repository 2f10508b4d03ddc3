"""A zip of a TFLite file for TensorFlow Lite Micro with C++ sources of it, its arena, its operators.

The sources are a folder; here it is a zip of one, so that it is hashed, replaced and shipped whole as other files are.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from edgetl.contract import Contract
from edgetl.documents import Count, Document
from edgetl.errors import ExportError
from edgetl.export.base import About, Conversion
from edgetl.files import stored_zip
from edgetl.micro import sources
from edgetl.micro.estimate import NpuEstimate
from edgetl.micro.footprint import Footprint
from edgetl.micro.interpreter import Interpreter

MODEL, FACTS = "model.tflite", "model.json"
_REMEDY = "it is damaged or of another kind: export it again"
_GOLDEN, _SEEN = 3, 32  # golden images, of different classes where they can be, and the calibration images that they are chosen from
_DAMAGED = (OSError, zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, RuntimeError, LookupError)


class TflmFacts(Document):
    """model.json of such a file: what it says of itself, and what it needs.

    Args:
        arena_bytes: working memory, measured; `arena_size_bytes` is what the sources reserve.
        flash_bytes: of the model; the program's code comes on top.
        macs: multiplications with an addition of one prediction.
        operators: the methods of `MicroMutableOpResolver` that register them.
        estimate: of a file that is compiled for an NPU, whose `arena_bytes` are then estimated too; None: it is not.
    """

    REMEDY: ClassVar[str] = "export it again"

    name: str = ""
    version: str = ""
    licence: str = ""
    author: str = ""
    description: str = ""
    arena_bytes: Count
    arena_size_bytes: Count
    flash_bytes: Count
    macs: Count
    operators: tuple[str, ...]
    estimate: NpuEstimate | None = None


def parts(content: bytes) -> dict[str, bytes]:
    """Return the files inside by their paths. Raises ExportError."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > len(content) or any(entry.compress_type for entry in entries):
                raise ValueError("its files are packed, or lie over each other")
            files = {entry.filename: archive.read(entry) for entry in entries}
    except _DAMAGED as error:
        raise ExportError(f"not a file for TensorFlow Lite Micro: {error}", _REMEDY) from error
    if not {MODEL, FACTS} <= files.keys():
        raise ExportError(f"not a file for TensorFlow Lite Micro: it has no {MODEL} or no {FACTS}", _REMEDY)
    return files


def facts_of(content: bytes) -> TflmFacts:
    """Return what such a file says of itself. Raises ExportError, or RunError for a document that cannot be read."""
    return TflmFacts.from_bytes(parts(content)[FACTS], FACTS)


def archive(conversion: Conversion, lite: bytes, model: bytes, found: Footprint, estimate: NpuEstimate | None = None) -> bytes:
    """Return the file of a model, with golden images that are predicted by the TFLite file `lite`. Raises ExportError."""
    golden = _golden(conversion, lite)
    made = sources.model_sources(model, hashlib.sha256(model).hexdigest(), found) | golden
    files = {f"{sources.FOLDER}/{name}": text for name, text in made.items()}
    return stored_zip({**files, MODEL: model, FACTS: _facts(found, estimate).to_bytes(), **_of_contract(conversion.contract)})


def stamp(content: bytes, contract: Contract, about: About) -> bytes:
    """Put a contract and facts into the file, in place of those that it has."""
    files = parts(content)
    facts = facts_of(content).model_copy(update=asdict(about))
    return stored_zip({**files, FACTS: facts.to_bytes(), **_of_contract(contract)})


def _facts(found: Footprint, estimate: NpuEstimate | None) -> TflmFacts:
    return TflmFacts(
        arena_bytes=found.arena_bytes,
        arena_size_bytes=found.arena_size_bytes,
        flash_bytes=found.flash_bytes,
        macs=found.macs,
        operators=found.resolvers,
        estimate=estimate,
    )


def _of_contract(contract: Contract) -> dict[str, bytes]:
    made = {f"{sources.FOLDER}/{name}": text for name, text in sources.contract_sources(contract).items()}
    return {"contract.json": contract.to_bytes(), "labels.txt": contract.class_name_lines, **made}


def _golden(conversion: Conversion, model: bytes) -> dict[str, bytes]:
    """Return the sources of a few images and their predictions; none where there are no images."""
    with Interpreter(model) as interpreter:
        chosen = list(_surest(conversion, interpreter))
    return sources.golden_sources(*map(np.concatenate, zip(*chosen, strict=True))) if chosen else {}


def _surest(conversion: Conversion, interpreter: Interpreter) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.generic]]]:
    """Yield an image uint8 [1, H, W, C] and its outputs [1, K] for each of the classes that are predicted with the highest probability."""
    best: dict[int, tuple[NDArray[np.uint8], NDArray[np.generic]]] = {}
    samples = list(conversion.samples())
    for [image] in samples[:: -(-len(samples) // _SEEN) or 1]:  # evenly: they may be in the order of their classes
        pixels = np.asarray(image, np.uint8)
        row = interpreter(pixels)
        top = int(row.argmax())
        if top not in best or row.max() > best[top][1].max():
            best[top] = pixels, row
    yield from sorted(best.values(), key=lambda one: -float(one[1].max()))[:_GOLDEN]
