"""A quantized file as a run: its integers as they are, fed with raw bytes; what would change them is refused."""

import logging
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgetl.contract import Contract
from edgetl.errors import UsageError
from edgetl.export import FORMATS, formats_of
from edgetl.export.base import Conversion
from edgetl.importing.base import ImportedModel
from edgetl.importing.convention import NAMED, Convention, InputAffine, convention
from edgetl.importing.first_layer import PREPROCESSING, behind_kernel, two_classes
from edgetl.importing.grids import HIGHEST, LOWEST, Grid, KernelGrid, KernelNumbers, Numbers
from edgetl.int8_record import NO_BUDGET
from edgetl.pipeline.project import ImportedNetwork
from edgetl.quantization import SCHEMES, integer_schemes
from edgetl.quantization.quantized import Quantized
from edgetl.recipe import Recipe, restore
from edgetl.runtimes import open_session
from edgetl.runtimes.base import Session
from edgetl.runtimes.keras import KerasSession

logger = logging.getLogger(__name__)

_BYTES = np.arange(256)
_SAME_BYTE = 0.01  # steps that a byte may be away from the integer that it stands for: a hundredth never rounds to another
_REMEDY = "leave that out; to calibrate or train, import the float model that the file was made from"


def keeping_integers(recipe: Recipe, imported: ImportedModel) -> Recipe:
    """Return the recipe of a run of a quantized file, or of another as it is. Raises UsageError for what would change the integers."""
    if imported.numbers is None:
        return recipe
    asked = {
        "quantization-aware training": recipe.quantize.qat is True,
        "other ranges": recipe.quantize.ranges not in ("auto", "own"),
        "operators in float": bool(recipe.export.keep_float),
        "a largest drop from float": recipe.export.max_drop < NO_BUDGET,
    }
    if beyond := [what for what, given in asked.items() if given]:
        raise UsageError(f"{recipe.model.start} is quantized already, and keeps its integers: there is no {', no '.join(beyond)}", _REMEDY)
    made: dict[str, object] = {"quantize.qat": False, "quantize.ranges": "own", "export.precisions": precisions()}
    made |= {"export.output": "uint8"} if imported.ends_in_steps and recipe.export.output == "auto" else {}
    return restore(recipe.model_dump(), options=made)


def precisions() -> list[str]:
    """Return the precisions that a run of a quantized file has."""
    return list(dict.fromkeys(SCHEMES.load(name).precision for name in integer_schemes(own=True)))


def check(recipe: Recipe, asked: Iterable[str]) -> None:
    """Raise UsageError where a run of a quantized file is asked for another precision."""
    if recipe.quantize.own and (beyond := [one for one in dict.fromkeys(asked) if one not in precisions()]):
        raise UsageError(f"{recipe.model.start} is quantized already: there is no {', no '.join(beyond)} of it", _REMEDY)


def of_bytes(imported: ImportedModel) -> Convention | None:
    """Return the convention of a quantized file that takes bytes; None: it takes numbers that it puts onto a grid itself."""
    return own_convention(imported, imported.numbers) if imported.numbers and imported.origin.takes_bytes else None


def own_convention(imported: ImportedModel, numbers: Numbers) -> Convention:
    """Return the convention by which each byte of an image is the integer that the file reads; by its name where it has one."""
    mean, std = numbers.image.zero_point - LOWEST, 1 / numbers.image.scale
    for name, (means, stds) in NAMED.items():
        if len(means) == 1 and abs(means[0] - mean) < _SAME_BYTE and abs(stds[0] / std - 1) < _SAME_BYTE / len(_BYTES):
            return convention(name, imported.channels)
    return convention(f"{mean:g}/{std:.9g}", imported.channels)


def on_bytes(imported: ImportedModel, numbers: Numbers, affine: InputAffine) -> tuple[Any, Quantized, Grid]:
    """Return the network and its integers for bytes, and their grid: the file's own where a byte is the integer that it reads.

    Else a convolution of one place makes that integer of a byte.
    """
    image = numbers.image
    read = affine.factor[:, None] * (_BYTES - affine.centre[:, None]) / image.scale + image.zero_point
    in_order = affine.order == tuple(range(imported.channels))
    if in_order and np.abs(read - (_BYTES + LOWEST)).max() < _SAME_BYTE:
        return imported.model, Quantized.of_file(imported.model, numbers), image
    grid = Grid(affine.scale, affine.zero_point + LOWEST)
    one_scale = any(kernel.grid.zero_point for kernel in numbers.kernels.values())  # TFLite has none for each channel in such files
    kernel = _kernel(affine, grid, one_scale=one_scale)
    factors = (kernel.integers[0, 0].astype(np.int64) - kernel.grid.zero_point).sum(axis=0)[:, None]
    sums = factors * (_BYTES - affine.zero_point) + kernel.grid.bias[:, None]
    made = sums * (grid.scale * np.broadcast_to(kernel.grid.scale, len(sums))[:, None] / image.scale) + image.zero_point
    logger.info(
        "a convolution of one place makes the integers that the file's first layer reads of bytes, before rounding at most "
        f"{np.abs(made - read).max():.2g} steps from them"
    )
    real = (kernel.integers.astype(np.float32) - kernel.grid.zero_point) * kernel.grid.scale
    model = behind_kernel(imported.model, real, kernel.grid.bias * (np.float32(grid.scale) * kernel.grid.scale))
    outputs, kernels = dict(numbers.outputs) | {PREPROCESSING: image}, dict(numbers.kernels) | {PREPROCESSING: kernel}
    return model, Quantized.of_file(model, replace(numbers, image=grid, outputs=outputs, kernels=kernels)), grid


@contextmanager
def session_of(network: ImportedNetwork, contract: Contract) -> Iterator[Session]:
    """Have a network ready to predict: in real numbers, or by the integers of a quantized file, as LiteRT runs them."""
    if network.quantized is None:
        yield KerasSession(network.model, contract)
        return
    [precision] = precisions()
    conversion = Conversion(
        network.quantized.to_keras(network.model, contract), contract, precision, FORMATS.load, own=network.quantized.own
    )
    form = FORMATS.load(formats_of(precision)[0])
    with tempfile.TemporaryDirectory(prefix="edgetl-") as folder:
        path = Path(folder) / form.file_name(precision)
        path.write_bytes(conversion.file(form.name))
        yield open_session(path, contract)


def _kernel(affine: InputAffine, grid: Grid, *, one_scale: bool) -> KernelNumbers:
    """Return the kernel that makes what the file reads of bytes on a grid, by a factor for each channel.

    Args:
        one_scale: all channels are counted in the same steps, from 0 to 255, instead of each in its own.
    """
    channels, factors = len(affine.order), affine.factor / grid.scale
    steps, zero_point, scale = np.full(channels, HIGHEST), 0, factors / HIGHEST
    if one_scale:
        ratios = factors / factors.max()
        largest = min(range(HIGHEST, 256), key=lambda most: float(np.abs(np.rint(most * ratios) / (most * ratios) - 1).max()))
        steps, zero_point, scale = np.rint(largest * ratios).astype(int) + LOWEST, LOWEST, factors.max(keepdims=True) / largest
    integers = np.full((1, 1, channels, channels), zero_point, np.int8)
    integers[0, 0, list(affine.order), np.arange(channels)] = steps
    constant = affine.factor * (affine.zero_point - affine.centre)
    bias = np.rint(constant / (grid.scale * scale)).astype(np.int32)
    return KernelNumbers(integers, KernelGrid(scale.astype(np.float32), zero_point, bias))


def two_classes_of(imported: ImportedModel) -> ImportedModel:
    """Return a network of one logit, whose sigmoid is the probability of the second class, with a logit for each: see `two_classes`."""
    model, numbers = two_classes(imported.model), imported.numbers
    if numbers is None or model is imported.model:
        return replace(imported, model=model)
    name = model.layers[-1].name
    kernel = numbers.kernels[name]
    both = np.concatenate([np.full_like(kernel.integers, kernel.grid.zero_point), kernel.integers], axis=-1)
    scale = np.repeat(kernel.grid.scale, 2) if len(kernel.grid.scale) > 1 else kernel.grid.scale
    grid = replace(kernel.grid, scale=scale, bias=np.concatenate([0 * kernel.grid.bias, kernel.grid.bias]))
    return replace(imported, model=model, numbers=replace(numbers, kernels=dict(numbers.kernels) | {name: KernelNumbers(both, grid)}))
