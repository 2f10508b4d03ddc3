"""Put what an ONNX file says of itself into it."""

import onnx
from google.protobuf.message import DecodeError

from edgetl.contract import Contract
from edgetl.errors import ExportError
from edgetl.export.base import About


def stamp(content: bytes, contract: Contract, about: About) -> bytes:
    """Return the file with these facts as its metadata_props."""
    try:
        model = onnx.load_from_string(content)
    except DecodeError as error:
        raise ExportError(f"not an ONNX file that can be read: {error}", "it is damaged or of another kind: export it again") from error
    onnx.helper.set_model_props(model, about.facts(contract))
    stamped: bytes = model.SerializeToString(deterministic=True)
    return stamped
