"""Images that `edgetl pack` wrote, read in the order of the shards: on a disk, or wherever TensorFlow's file layer reads."""

import hashlib
import posixpath
from collections import Counter
from functools import lru_cache, partial
from threading import Lock

from edgetl.keras import tf

from google.protobuf.message import DecodeError

from edgetl.data.base import BY_NAMES, Item, Listing, Reading, classes_in
from edgetl.data.labels import as_text, check
from edgetl.data.shards import INDEX, Index, PackedImage, PackIndex, ShardIndex, index_name, parse, shard_name
from edgetl.errors import DataError

ENCODED = "image/encoded"
_HEADER, _FOOTER = 12, 4  # a record's length and that one's checksum before it, its own checksum behind it
AROUND = _HEADER + _FOOTER
_BLOCK = 4 * 2**20  # one request to a remote store; 16 of them are kept
_one_reads = Lock()


def find(source: str, reading: Reading = BY_NAMES) -> Listing:
    """List the images of all shards. Raises DataError when an index is missing, damaged or not of this pack."""
    root = source.rstrip("/")
    pack = _index(posixpath.join(root, INDEX), PackIndex)
    if reading.task not in ("auto", pack.task):
        raise DataError(f"{as_text(source)} was packed as {pack.task}", f"leave --task {reading.task} out, or pack the images again")
    items: list[Item] = []
    for number, shard in enumerate(pack.shards):
        path = posixpath.join(root, index_name(number))
        index = _index(path, ShardIndex, shard.index_sha256)
        read = posixpath.join(root, shard_name(number))
        items += (
            Item(one.name, one.class_name, one.split, partial(_read, read, shard.sha256, one), one.sha256, one.length)
            for one in index.images
        )
    shown = [(name, item.split) for item in items for name in classes_in(item.class_name, pack.task)]
    classes = check(shown, Counter(name for name, _ in shown), as_text(source), reading.spellings)
    if classes != pack.class_names:
        raise DataError(f"{as_text(source)}: its shards have other classes than its index", "pack the images again")
    return Listing(as_text(source), classes, tuple(items), pack.left_out, task=pack.task)


def _index(path: str, kind: type[Index], sha256: str = "") -> Index:
    try:
        data = content(path)
        if sha256 and hashlib.sha256(data).hexdigest() != sha256:
            raise ValueError("it was changed since it was packed")
        return parse(kind, data)
    except tf.errors.OpError as error:
        raise DataError(f"cannot read {as_text(path)}: {error.message}", out_of_reach(error) or "name what 'edgetl pack' wrote") from error
    except ValueError as error:
        raise DataError(f"{as_text(path)} is not what 'edgetl pack' writes: {error}", "pack the images again") from None


def out_of_reach(error: Exception) -> str:
    """Return what to do about a store that TensorFlow's file layer cannot reach; empty: it reaches that one.

    No release of tensorflow-io, which brought s3:// and others, can be loaded by TensorFlow 2.21 (0.37.1: undefined symbols).
    """
    if not isinstance(error, tf.errors.UnimplementedError):
        return ""
    return "of remote stores TensorFlow itself reaches gs:// alone: mount any other as a folder, or copy it to a disk"


def content(path: str) -> bytes:
    with tf.io.gfile.GFile(path, "rb") as file:
        data: bytes = file.read()
    return data


def _read(path: str, stamp: str, image: PackedImage) -> bytes:
    """Return an image's file. Raises OSError when it cannot be had as it was packed."""
    try:
        record = _bytes(path, stamp, image.offset + _HEADER, image.length)
        data: bytes = tf.train.Example.FromString(record).features.feature[ENCODED].bytes_list.value[0]
    except tf.errors.OpError as error:
        raise OSError(error.message) from error
    except (DecodeError, IndexError) as error:
        raise OSError("damaged in its shard") from error
    if hashlib.sha256(data).hexdigest() != image.sha256:
        raise OSError("damaged in its shard: not the bytes that were packed")
    return data


def _bytes(path: str, stamp: str, start: int, length: int) -> bytes:
    """Neighbours are asked for by several threads, nearly in order: one of them reads a block for all."""
    first, last = start // _BLOCK, (start + length - 1) // _BLOCK
    with _one_reads:
        data = b"".join(_block(path, stamp, number) for number in range(first, last + 1))
    return data[start - first * _BLOCK :][:length]


@lru_cache(maxsize=16)
def _block(path: str, stamp: str, number: int) -> bytes:
    with tf.io.gfile.GFile(path, "rb") as file:
        file.seek(number * _BLOCK)
        data: bytes = file.read(_BLOCK)
    return data
