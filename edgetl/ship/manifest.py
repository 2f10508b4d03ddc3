"""What a bundle says of itself. `python -m edgetl.ship.manifest` prints its JSON schema, which deploy/bundle.schema.json keeps."""

import json
import sys
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edgetl.errors import RunError

SCHEMA = 1
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Share = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class File(_Part):
    """A file of the bundle."""

    sha256: Sha256
    size_bytes: Annotated[int, Field(ge=0)]


class Contract(_Part):
    """How an image becomes the input: see deploy/bundle-format.md."""

    image_size: Annotated[int, Field(ge=1, le=4096)]
    scale: Annotated[float, Field(gt=0)]
    zero_point: Annotated[int, Field(ge=0, le=255)]
    class_names: Annotated[list[str], Field(min_length=2)]
    crop: Literal["center_square"]
    resize: Literal["antialiased_bilinear"]
    channels: Literal["RGB"]
    input_name: str
    output_name: str
    pixel_dtype: Literal["uint8"]
    schema_: Annotated[Literal[1], Field(alias="schema")]


class Latency(_Part):
    """Of one image on one thread."""

    device: str
    chip: str
    p50_ms: Annotated[float, Field(ge=0)]


class Model(_Part):
    """A model file; `unverified` says why its predictions could not be compared (its accuracy is then unknown), else empty."""

    runtime: Annotated[str, Field(pattern="^(litert|onnxruntime|coreml)$")]
    precision: str
    top1_accuracy: Share | None
    top1_interval_95: tuple[Share, Share] | None
    latency: list[Latency]
    unverified: str


class Validation(_Part):
    """The verdict of `edgetl validate`; `forced` when it was bundled in spite of one that is missing, failed or older."""

    passed: bool
    images: Annotated[int, Field(ge=0)]
    forced: str


class Manifest(_Part):
    """manifest.json."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    name: Annotated[str, Field(min_length=1)]
    architecture: str
    version: str
    licence: str
    scheme: str
    contract: Contract
    models: dict[str, Model]
    files: dict[str, File]
    validation: Validation
    data_fingerprint: str
    software: dict[str, str]


def parse(content: bytes) -> Manifest:
    """Raises RunError that names what is wrong."""
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise RunError(f"manifest.json is no manifest of this version: {where}: {first['msg']}", "bundle the run again") from error


def dump(manifest: Manifest) -> bytes:
    return (json.dumps(manifest.model_dump(by_alias=True), indent=2, ensure_ascii=False, sort_keys=True) + "\n").encode()


def json_schema() -> dict[str, Any]:
    return Manifest.model_json_schema(by_alias=True)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")
