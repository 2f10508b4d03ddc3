"""The format of packed images: TFRecord shards of `tf.train.Example`, an index beside each, and one index of them all.

A shard's index says where each record begins, so that a reader can ask for any image; the records themselves carry TensorFlow's usual
keys (image/encoded, image/class/text, image/filename), so that other tools read them too.
"""

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

INDEX = "edgetl-pack.json"  # the last file that is written: where it is, the pack is complete
_MAX_INDEX_BYTES = 2**30  # of millions of images; what is longer is not read into memory

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, lt=2**53)]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class PackedImage(_Document):
    """A record: it begins at `offset` of its shard and carries a file of this sha256; `length` without TFRecord's 16 bytes around it."""

    name: str
    class_name: str
    split: Annotated[str, Field(pattern="^(train|val|test)$")] | None
    sha256: Sha256
    offset: Count
    length: Count


class LeftOut(_Document):
    name: str
    reason: str


class ShardIndex(_Document):
    """`images-00000.json` of `images-00000.tfrecord`; `plan` is the identity of what was to be packed, and how."""

    schema_version: Literal[1] = Field(alias="schema")
    plan: str
    size_bytes: Count
    sha256: Sha256
    images: tuple[PackedImage, ...]
    left_out: tuple[LeftOut, ...]


class ShardFile(_Document):
    """The hash of a shard and that of its index: a pack is changed when one of them is."""

    sha256: Sha256
    index_sha256: Sha256


class PackIndex(_Document):
    schema_version: Literal[1] = Field(alias="schema")
    plan: str
    class_names: tuple[str, ...]
    counts: dict[str, Count]
    left_out: tuple[LeftOut, ...]
    shards: tuple[ShardFile, ...]


Document = TypeVar("Document", bound=_Document)


def shard_name(number: int) -> str:
    return f"images-{number:05}.tfrecord"


def index_name(number: int) -> str:
    return f"images-{number:05}.json"


def parse(kind: type[Document], data: bytes) -> Document:
    """Raises ValueError that says what is wrong."""
    if len(data) > _MAX_INDEX_BYTES:
        raise ValueError(f"longer than {_MAX_INDEX_BYTES} bytes")
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
