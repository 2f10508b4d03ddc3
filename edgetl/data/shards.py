"""The format of packed images: TFRecord shards of `tf.train.Example`, an index beside each, and one index of them all.

A shard's index says where each record begins, so that a reader can ask for any image; the records themselves carry TensorFlow's usual
keys (image/encoded, image/class/text, image/filename), so that other tools read them too.
"""

from typing import Annotated, ClassVar, TypeVar

from pydantic import Field

from edgetl.data.base import Rejected
from edgetl.documents import Count, Document, Part
from edgetl.files import parse_json
from edgetl.output import Task

INDEX = "edgetl-pack.json"  # the last file that is written: where it is, the pack is complete
_MAX_INDEX_BYTES = 2**30  # of millions of images; what is longer is not read into memory

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class PackedImage(Part):
    """A record: it begins at `offset` of its shard and carries a file of this sha256; `length` without TFRecord's 16 bytes around it."""

    name: str
    class_name: str  # of a multi-label pack all that the image shows, see `Item`
    split: Annotated[str, Field(pattern="^(train|val|test)$")] | None
    sha256: Sha256
    offset: Count
    length: Count


class ShardIndex(Document):
    """`images-00000.json` of `images-00000.tfrecord`; `plan` is the identity of what was to be packed, and how."""

    plan: str
    size_bytes: Count
    sha256: Sha256
    images: tuple[PackedImage, ...]
    left_out: tuple[Rejected, ...]


class ShardFile(Part):
    """The hash of a shard and that of its index: a pack is changed when one of them is."""

    sha256: Sha256
    index_sha256: Sha256


class PackIndex(Document):
    """`edgetl-pack.json`: the classes, the number of images of each, and all shards."""

    REMEDY: ClassVar[str] = "pack the images again"

    plan: str
    class_names: tuple[str, ...]
    counts: dict[str, Count]
    left_out: tuple[Rejected, ...]
    shards: tuple[ShardFile, ...]
    task: Task = "single-label"


Index = TypeVar("Index", bound=Document)


def shard_name(number: int) -> str:
    return f"images-{number:05}.tfrecord"


def index_name(number: int) -> str:
    return f"images-{number:05}.json"


def parse(kind: type[Index], data: bytes) -> Index:
    """Check an index. Raises ValueError that says what is wrong."""
    if len(data) > _MAX_INDEX_BYTES:
        raise ValueError(f"longer than {_MAX_INDEX_BYTES} bytes")
    return kind.parse(parse_json(data))
