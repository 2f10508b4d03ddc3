"""A source to TFRecord shards: shuffled, of bounded size, with an index and hashes; what an interrupted run finished is kept."""

import hashlib
import posixpath
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from edgetl.keras import tf

import numpy as np

from edgetl.data.base import Item, Listing, Rejected, reason
from edgetl.data.formats import ARE_READ
from edgetl.data.packed import AROUND, ENCODED, content, out_of_reach
from edgetl.data.shards import INDEX, PackedImage, PackIndex, ShardFile, ShardIndex, index_name, parse, shard_name
from edgetl.errors import DataError, RunError
from edgetl.files import fingerprint
from edgetl.overview import Overview, Tabular
from edgetl.progress import Ticker, progress
from edgetl.wording import counted

_CHUNK = 2**20


@dataclass(frozen=True, repr=False)
class Packed(Tabular):
    """The packed shards, with so many images; `kept` shards were there already."""

    index: PackIndex
    images: int
    kept: int

    def overview(self) -> Overview:
        """Return how many images of each class were packed."""
        rows = [(name, f"{self.index.counts.get(name, 0):,}") for name in self.index.class_names]
        return Overview(counted(len(self.index.shards), "shard"), ("class", "images"), rows)


def pack(listing: Listing, out: str, shards: int, max_shard_mib: int, seed: int) -> Packed:
    """Write the images of a source into the folder `out`: a path, or one that TensorFlow's file layer writes.

    There are `shards` shards, or more where one would be larger than `max_shard_mib` MiB. Raises DataError, or RunError when `out` cannot
    be written or holds something else.
    """
    parts = _parts(listing, shards, max_shard_mib * 2**20, seed)
    task = [listing.task] if listing.several else []
    plan = fingerprint(listing.stamp, listing.class_names, seed, [len(part) for part in parts], *task)
    root, kept = out.rstrip("/"), 0
    files, left_out = [], list(listing.rejected)
    counts: Counter[str] = Counter()
    images = 0
    try:
        _prepare(root, plan)
        with progress("packing", sum(map(len, parts))) as tick:
            for number, part in enumerate(parts):
                index = _finished(root, plan, number)
                kept += index is not None
                tick(len(part) if index else 0)
                index = index or _write_shard(root, plan, number, part, tick)
                files.append(ShardFile(sha256=index.sha256, index_sha256=_sha256(posixpath.join(root, index_name(number)))))
                left_out += index.left_out
                counts.update(name for image in index.images for name in listing.shown(image.class_name))
                images += len(index.images)
        by_class = {name: counts[name] for name in listing.class_names}
        made = PackIndex(
            plan=plan,
            class_names=listing.class_names,
            counts=by_class,
            left_out=tuple(left_out),
            shards=tuple(files),
            task=listing.task,
        )
        _write(root, INDEX, made)
    except (tf.errors.OpError, OSError, ValueError) as error:
        said = getattr(error, "message", error)
        remedy = "check its name, and your network and rights" if "://" in out else "choose another folder, or free some space"
        raise RunError(f"cannot write {out}: {said}", out_of_reach(error) or f"{remedy}; the same command continues") from error
    return Packed(made, images, kept)


def _parts(listing: Listing, shards: int, max_bytes: int, seed: int) -> list[list[Item]]:
    """Return the images in random order, cut into parts of nearly the same size."""
    items = [listing.items[row] for row in np.random.default_rng(seed).permutation(len(listing.items))]
    if not items:
        raise DataError(f"{listing.source} has no images", ARE_READ)
    # A record begins with what the keys and names need; each part ends with an image, so one image's size is left free.
    sizes = np.array([max(item.size_bytes, 1) + 256 + 4 * len(item.name) + 4 * len(item.class_name) for item in items])
    room = max_bytes - sizes.max()
    if room <= 0:
        raise DataError(f"{listing.source}: an image of {sizes.max() / 2**20:.0f} MiB is larger than a shard", "allow larger shards")
    number = min(max(shards, -(-int(sizes.sum()) // int(room))), len(items))
    ends = np.searchsorted(np.cumsum(sizes), sizes.sum() * np.arange(1, number) / number, side="left") + 1
    bounds = [0, *ends.tolist(), len(items)]
    return [items[start:end] for start, end in pairwise(bounds) if end > start]


def _prepare(root: str, plan: str) -> None:
    """Make the folder, empty or with shards of the same plan; anything else stays as it is."""
    tf.io.gfile.makedirs(root)
    path = posixpath.join(root, INDEX)
    names = set(tf.io.gfile.listdir(root))
    if tf.io.gfile.exists(path):
        if parse(PackIndex, content(path)).plan != plan:
            raise RunError(f"{root} holds other images, or the same images in other shards", "choose another folder")
    elif foreign := sorted(name for name in names if not name.startswith(("images-", ".partial-"))):
        raise RunError(
            f"{root} holds {foreign[0]!r}, which does not belong to a pack", "choose an empty folder, or one that does not exist yet"
        )


def _finished(root: str, plan: str, number: int) -> ShardIndex | None:
    """Return the index of a shard that is there: written after it, so the shard is complete."""
    path, shard = posixpath.join(root, index_name(number)), posixpath.join(root, shard_name(number))
    if not (tf.io.gfile.exists(path) and tf.io.gfile.exists(shard)):
        return None
    index = parse(ShardIndex, content(path))
    return index if index.plan == plan and tf.io.gfile.stat(shard).length == index.size_bytes else None


def _write_shard(root: str, plan: str, number: int, part: list[Item], tick: Ticker) -> ShardIndex:
    images, left_out, end = [], [], 0
    path, temporary = posixpath.join(root, shard_name(number)), posixpath.join(root, f".partial-{shard_name(number)}")
    with tf.io.TFRecordWriter(temporary) as writer:
        for item in part:
            tick()
            try:
                data = item.read()
            except OSError as error:
                left_out.append(Rejected(item.name, reason(error)))
                continue
            record = _example(item, data).SerializeToString(deterministic=True)  # the same bytes in every process
            writer.write(record)
            sha256 = hashlib.sha256(data).hexdigest()
            images.append(
                PackedImage(name=item.name, class_name=item.class_name, split=item.split, sha256=sha256, offset=end, length=len(record))
            )
            end += len(record) + AROUND
    tf.io.gfile.rename(temporary, path, overwrite=True)
    index = ShardIndex(plan=plan, size_bytes=end, sha256=_sha256(path), images=tuple(images), left_out=tuple(left_out))
    _write(root, index_name(number), index)
    return index


def _example(item: Item, data: bytes) -> Any:
    texts = {ENCODED: data, "image/class/text": item.class_name.encode(), "image/filename": item.name.encode()}
    features = {key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value])) for key, value in texts.items()}
    return tf.train.Example(features=tf.train.Features(feature=features))


def _write(root: str, name: str, document: PackIndex | ShardIndex) -> None:
    temporary = posixpath.join(root, f".partial-{name}")
    with tf.io.gfile.GFile(temporary, "wb") as file:
        file.write(document.model_dump_json())
    tf.io.gfile.rename(temporary, posixpath.join(root, name), overwrite=True)


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    with tf.io.gfile.GFile(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
