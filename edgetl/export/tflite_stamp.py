"""Put what a .tflite file says of itself into it."""

import io
import zipfile

from ai_edge_litert import schema_py_generated as schema

from edgetl.contract import Contract
from edgetl.export import metadata
from edgetl.export.base import About
from edgetl.importing.tflite_reader import packed, read

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold: the same content gives the same bytes


def stamp(content: bytes, contract: Contract, about: About) -> bytes:
    """Return the file with its metadata and the text files that these name."""
    model = read(content)
    graph = model.subgraphs[0]
    takes_bytes = graph.tensors[graph.inputs[0]].type == schema.TensorType.UINT8
    _put(model, metadata.described(contract, about, takes_bytes=takes_bytes))
    return with_text_files(packed(model), contract)


def _put(model: schema.ModelT, described: bytes) -> None:
    """Put the metadata into the model (the schema's objects), in place of what it held."""
    entries = [entry for entry in model.metadata or () if entry.name == metadata.NAME]
    if entries:
        buffer = model.buffers[entries[0].buffer]
    else:
        buffer, entry = schema.BufferT(), schema.MetadataT()
        entry.name, entry.buffer = metadata.NAME, len(model.buffers)
        model.buffers.append(buffer)
        model.metadata = [*(model.metadata or ()), entry]
    buffer.data = list(described)


def with_text_files(content: bytes, contract: Contract) -> bytes:
    """Return the file with the text files that its metadata name in a zip behind it, where a flatbuffer's readers do not look."""
    file = io.BytesIO(content)
    file.seek(0, io.SEEK_END)
    # "w" writes on from here and counts from the file's beginning; readers map what is stored.
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, lines in metadata.files(contract).items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, lines)
    return file.getvalue()
