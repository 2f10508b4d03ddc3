"""`edgetl tune`."""

import re
import shlex
from pathlib import Path
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Data, Device, Json, RecipeFile, Set
from edgetl.devices import LOCAL

_UNITS = {"KiB": 2**10, "MiB": 2**20}


def tune(
    data: Data,
    latency_budget: Annotated[str, typer.Option(metavar="5ms", help="Allow at most this median latency per image (default: any).")] = "",
    arena_budget: Annotated[
        str, typer.Option(metavar="256KiB", help="Allow at most this working memory on a microcontroller (default: any).")
    ] = "",
    flash_budget: Annotated[str, typer.Option(metavar="512KiB", help="Allow at most this size of the model there (default: any).")] = "",
    device: Device = LOCAL,
    trials: Annotated[
        int, typer.Option(min=1, metavar="N", help="Judge this many networks in all, including those of earlier calls.")
    ] = 12,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write the results into this folder (default: runs/NAME-tune).")] = None,
    recipe: RecipeFile = None,
    settings: Set = None,
    as_json: Json = False,
) -> None:
    """Search for accurate, fast and small models.

    Searches over backbone, width, image size and learning rate, and measures accuracy, latency and size. Networks over a budget are
    dropped without training: latency and memory hardly depend on weights. The others are ranked by training only a head; the recipe as it
    is and the best of them are trained in full, and the best of these again at other learning rates: one training for every three
    networks, and one of the recipe as it is. If it is stopped, the same command continues.

    Held-out training images rank the networks. The images that measure rank none: on them the best one is compared with the recipe as it
    was, image by image.

    With a budget of memory, or for a microcontroller (`--device tflm` for memory alone, `vela:ethos-u55-128` for what Arm's compiler
    estimates of an NPU), it searches small networks, images from 48 px on and one channel beside three, unless the recipe says
    model.channels = "gray". The arena is what TensorFlow Lite Micro's interpreter measures, and a tenth to spare.

    Writes tune.json, tune.png and best.toml, the recipe of the most accurate model within the budget.

    Example:
      edgetl tune flowers/ --latency-budget 5ms --device local --trials 12
      edgetl tune flowers/ --arena-budget 256KiB --device vela:ethos-u55-128
    """
    from edgetl.api import training
    from edgetl.report.terminal import trials as report

    found = training.tune(
        data,
        latency_budget_ms=_milliseconds(latency_budget),
        arena_budget_bytes=_bytes(arena_budget),
        flash_budget_bytes=_bytes(flash_budget),
        device=device,
        trials=trials,
        out=out,
        recipe=recipe,
        settings=settings,
    )
    report.show(found.record)
    if found.recipe is None:
        console.warn("no network is within the budget: allow more, or try another --device")
    console.result(
        found.record.to_json(), f"{found.plot} shows them; next: edgetl run {shlex.quote(str(found.recipe))}" if found.recipe else ""
    )


def _bytes(text: str) -> int:
    from edgetl.errors import UsageError

    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(KiB|MiB)", text.strip())
    if text and not found:
        raise UsageError(f"'{text}' is not a size of memory", "write it in KiB or MiB: 256KiB")
    return round(float(found[1]) * _UNITS[found[2]]) if found else 0


def _milliseconds(text: str) -> float:
    from edgetl.errors import UsageError

    try:
        value = float(text.removesuffix("ms").strip() or 0)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise UsageError(f"'{text}' is not a latency", "write it in milliseconds: 5ms")
    return value
