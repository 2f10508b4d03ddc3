"""`edgetl pack`."""

import shlex
from dataclasses import asdict
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Data, Json, Set, Task
from edgetl.wording import counted


def pack(
    data: Data,
    out: Annotated[str, typer.Argument(metavar="OUT", help="Write the shards into this folder, or to a path such as gs://bucket/folder.")],
    shards: Annotated[int, typer.Option(min=1, max=99_999, metavar="N", help="Write at least this many shards.")] = 1,
    max_shard_mib: Annotated[int, typer.Option(min=1, metavar="MIB", help="Make no shard larger than this.")] = 256,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Shuffle the images with this seed.")] = 0,
    task: Task = None,
    settings: Set = None,
    as_json: Json = False,
) -> None:
    """Pack labelled images into shuffled TFRecord shards.

    'edgetl train OUT' reads them as a stream. The image files go in as they are. If it is stopped, the same command
    continues after the last finished shard. A folder with other content is never overwritten.

    Example:
      edgetl pack flowers/ packed/flowers --shards 8
    """
    from edgetl.api import files

    packed = files.pack(data, out, shards=shards, max_shard_mib=max_shard_mib, seed=seed, task=task, settings=settings)
    index = packed.index
    images = packed.images
    console.table(out, ["class", "images"], [[name, index.counts.get(name, 0)] for name in index.class_names])
    if index.left_out:
        first = index.left_out[0]
        console.warn(f"{counted(len(index.left_out), 'file')} left out; the first is {first.name!r}: {first.reason}")
    document = {
        "pack": out,
        "shards": len(index.shards),
        "kept_shards": packed.kept,
        "images": images,
        "counts": index.counts,
        "left_out": [asdict(one) for one in index.left_out],
    }
    console.result(document, f"{counted(images, 'image')} in {counted(len(index.shards), 'shard')}; next: edgetl train {shlex.quote(out)}")
