"""Golden predictions: a few images and each model file's predictions of them, by which an app proves that it runs the same model."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from edgetl.contract import Contract
from edgetl.data.decode import as_image, crop_and_resize
from edgetl.documents import Count, Document, Part, Share
from edgetl.errors import ParityError, RunError
from edgetl.output import PROBABILITY_SCALE, Output
from edgetl.runtimes import open_session
from edgetl.runtimes.base import Session
from edgetl.ship.manifest import EVERY_APP
from edgetl.wording import beside

IMAGES = 12  # enough for each class of a small set and for the close calls, in few hundred KiB of pixels
UNKNOWN_IMAGES = 3  # of these, where there are any that show none of the classes
_NAMES = "golden.json", "pixels.bin", "resized.bin"
# Kernels of other processors round otherwise: a trained int8 MobileNet moved by 15 steps at most, 2 on average, between any two
# measured. A wrong normalization, channel order or order of the class names moves sure predictions by a hundred.
MAX_STEPS, MEAN_STEPS = 24.0, 4.0
_MEASURED_CLASSES = 5  # with more, the same unrest is shared by more classes, and its mean over them is less
# The image that proves cropping and resizing: the golden images five in a row, cut below, so that neither the crop's corner nor
# the reduction is a whole number. An exact filter in other arithmetic rounds a value up where Pillow rounds down.
_COLUMNS, _RESIZE_STEPS = 5, 1
_REMEDY = "get the bundle again from its maker"
_NOT_THE_SAME = "the file, the order of the pixels or of the class names is not what was validated"


def names_in(folder: str) -> tuple[str, str, str]:
    """Return the names of a folder's golden files: the document, the pixels and the resized mosaic."""
    document, pixels, resized = (f"{folder}/{name}" for name in _NAMES)
    return document, pixels, resized


DOCUMENT, PIXELS, RESIZED = names_in(EVERY_APP)


class GoldenTolerance(Part):
    """How far an app's predictions may be from the golden ones: at most, and on average, in steps of `step`."""

    max_steps: Annotated[float, Field(ge=0)]
    mean_steps: Annotated[float, Field(ge=0)]
    step: Annotated[float, Field(gt=0, le=1)]


@dataclass(frozen=True)
class GoldenBound:
    """How far predictions may be from the golden ones, in steps of 1/256, and what to do about those that are further.

    Args:
        max_steps: of any probability; mean_steps: on average, of up to five classes (see `mean_tolerance`).
    """

    max_steps: float = MAX_STEPS
    mean_steps: float = MEAN_STEPS
    remedy: str = _NOT_THE_SAME


SAME_KERNELS = GoldenBound()


class Mosaic(Part):
    """The image that proves cropping and resizing: `columns` golden images side by side, cut below to `height` rows."""

    columns: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]
    max_steps: Annotated[int, Field(ge=0, description="levels of 255 that a byte of the result may be off")]


class GoldenPredictions(Document):
    """golden/golden.json of a bundle."""

    REMEDY: ClassVar[str] = _REMEDY

    shape: tuple[Count, Count, Count, Count] = Field(description="of pixels.bin: [N, H, W, C]")
    true_class_names: tuple[str, ...] | tuple[tuple[str, ...], ...] = Field(
        description="the true class of each image, empty where it shows none of the classes; of multi-label predictions a list of them"
    )
    predictions: dict[str, tuple[tuple[Share, ...], ...]] = Field(description="by model file: N rows of K probabilities")
    top1_class_names: dict[str, tuple[str, ...]] = Field(description="by model file: the most probable class of each image")
    present_class_names: dict[str, tuple[tuple[str, ...], ...]] = Field(
        default={},
        description="by model file: the classes that each image shows by the contract's thresholds, none where it is unknown; an older "
        "bundle has neither these nor thresholds",
    )
    tolerance: GoldenTolerance
    mosaic: Mosaic

    def decisions(self, name: str) -> tuple[tuple[str, ...], ...]:
        """Return the classes that each image shows by a model file's predictions: its most probable one in an older bundle."""
        return self.present_class_names[name] if self.present_class_names else tuple((top1,) for top1 in self.top1_class_names[name])

    def of(self, name: str, rows: NDArray[np.floating], output: Output) -> "GoldenPredictions":
        """Return the document with other predictions [N, K] of one model file, and no others."""
        return self.model_copy(
            update={
                "predictions": {name: tuple(map(tuple, rows.tolist()))},
                "top1_class_names": {name: tuple(output.class_names[row.argmax()] for row in rows)},
                "present_class_names": {name: output.present_names(rows)},
            }
        )


class Deviation(Part):
    """How far a model file's predictions are from the golden ones, in steps of 1/256, and how many images are decided otherwise."""

    max_steps: float
    mean_steps: float
    other_decisions: Count = 0

    @classmethod
    def together(cls, sets: Sequence["Deviation"]) -> "Deviation":
        """Return the largest deviations of several sets of images, and how many of all images are decided otherwise."""
        most, mean = max(one.max_steps for one in sets), max(one.mean_steps for one in sets)
        return cls(max_steps=most, mean_steps=mean, other_decisions=sum(one.other_decisions for one in sets))


@dataclass(frozen=True)
class Golden:
    """Golden images and predictions.

    Args:
        pixels: uint8 [N, H, W, C].
        true_class_names: the true class of each image [N], empty of an image that shows none of the classes; where images may show
            several, a tuple of them.
        predictions: each model file's probabilities [N, K], by the file's name.
        resized: the mosaic's part that the contract takes, at the model's size, uint8 [H, W, C].
    """

    pixels: NDArray[np.uint8]
    true_class_names: tuple[str, ...] | tuple[tuple[str, ...], ...]
    predictions: Mapping[str, NDArray[np.floating]]
    resized: NDArray[np.uint8]

    def files(self, output: Output, folder: str = EVERY_APP) -> dict[str, bytes]:
        """Return what goes into a folder of a bundle: the pixels one after the other, the resized mosaic, and a document with the rest."""
        class_names = output.class_names
        predictions = {name: rows.astype(np.float64).round(6) for name, rows in self.predictions.items()}
        count, height, width, channels = self.pixels.shape
        document = GoldenPredictions(
            shape=(count, height, width, channels),
            true_class_names=self.true_class_names,
            predictions={name: tuple(map(tuple, rows.tolist())) for name, rows in predictions.items()},
            top1_class_names={name: tuple(class_names[row.argmax()] for row in rows) for name, rows in predictions.items()},
            present_class_names={name: output.present_names(rows) for name, rows in predictions.items()},
            tolerance=GoldenTolerance(max_steps=MAX_STEPS, mean_steps=mean_tolerance(len(class_names)), step=PROBABILITY_SCALE),
            mosaic=Mosaic(columns=_COLUMNS, height=len(mosaic(self.pixels)), max_steps=_RESIZE_STEPS),
        )
        named, pixels, resized = names_in(folder)
        return {pixels: self.pixels.tobytes(), resized: self.resized.tobytes(), named: document.to_bytes()}

    @classmethod
    def of(cls, files: Mapping[str, bytes], contract: Contract, folder: str = EVERY_APP) -> "Golden":
        """Read the golden files of a bundle's folder.

        Raises RunError when they are damaged, ParityError when they were made with the class names in another order.
        """
        missing = [name for name in names_in(folder) if name not in files]
        if missing:
            raise RunError(f"the bundle has no {missing[0]}", _REMEDY)
        place, pixels_name, resized_name = names_in(folder)
        document = GoldenPredictions.from_bytes(files[place], place)
        count, size = document.shape[0], contract.shape
        right_size = (
            document.shape[1:] == size
            and len(files[pixels_name]) == count * int(np.prod(size))
            and len(files[resized_name]) == np.prod(size)
        )
        if not count or not right_size or len(document.true_class_names) != count:
            raise RunError(f"{place}: its images differ from the contract in size or number", _REMEDY)
        right_lengths = [len(contract.class_names)] * count
        even = all([len(row) for row in values] == right_lengths for values in document.predictions.values())
        named = [document.top1_class_names.keys(), document.present_class_names.keys() or document.predictions.keys()]
        if not even or any(names != document.predictions.keys() for names in named):
            raise RunError(f"{place}: images, class names and predictions differ in number", _REMEDY)
        rows = {name: np.asarray(values, np.float64) for name, values in document.predictions.items()}
        for name, values in rows.items():
            if tuple(contract.class_names[row.argmax()] for row in values) != document.top1_class_names[name]:
                raise ParityError(
                    f"{name} gave its golden predictions with the class names in another order",
                    "use the class names that it was bundled with",
                )
            if contract.output.present_names(values) != document.decisions(name):
                raise ParityError(
                    f"{name}: its golden images are decided otherwise with the contract's thresholds",
                    "use the thresholds that it was bundled with",
                )
        pixels = np.frombuffer(files[pixels_name], np.uint8).reshape(count, *size)
        return cls(pixels, document.true_class_names, rows, np.frombuffer(files[resized_name], np.uint8).reshape(size))


def mosaic(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the images in rows of five, from the first again where they run out, cut to 7/3 of an image's height."""
    rows = 3
    cells = pixels[np.arange(rows * _COLUMNS) % len(pixels)].reshape(rows, _COLUMNS, *pixels.shape[1:])
    joined = cells.transpose(0, 2, 1, 3, 4).reshape(rows * pixels.shape[1], -1, pixels.shape[-1])
    return np.ascontiguousarray(joined[: 7 * pixels.shape[1] // 3])


def resized_mosaic(pixels: NDArray[np.uint8], contract: Contract) -> NDArray[np.uint8]:
    """Return the mosaic's part that the contract takes, at the model's size, uint8 [H, W, C]."""
    return crop_and_resize(as_image(mosaic(pixels)), contract)


def choose(predictions: NDArray[np.floating], shown: NDArray[np.bool_], output: Output, count: int = IMAGES) -> NDArray[np.int64]:
    """Return rows of `count` images (or all): the surest right prediction of each class up to half of them, then the closest calls.

    Where images may show several classes, the surest one with none of them, with one and with more come before those of each class.

    Args:
        predictions: probabilities [N, K]; shown: which classes each image shows [N, K].
    """
    margins, right, kinds = margins_of(predictions, output), shown[np.arange(len(shown)), predictions.argmax(1)], list(shown.T)
    if output.several:
        right = (output.present(predictions) == shown).all(axis=1)
        classes = shown.sum(axis=1)
        kinds = [classes == 0, classes == 1, classes > 1, *kinds]
    surest = [max(np.flatnonzero(kind), key=lambda row: (right[row], margins[row], -row)) for kind in kinds if kind.any()]
    chosen = list(dict.fromkeys(surest))[: count // 2]
    close = [row for row in np.argsort(margins, kind="stable") if row not in chosen]
    return np.asarray((chosen + close)[:count], np.int64)


def margins_of(predictions: NDArray[np.floating], output: Output) -> NDArray[np.floating]:
    """Return how far each image's prediction [N, K] is from another decision: the two best classes apart, or a class from its threshold."""
    if output.several:
        distances: NDArray[np.floating] = np.abs(predictions - output.present_from).min(axis=1)
        return distances
    ordered = np.sort(predictions, axis=1)
    margins: NDArray[np.floating] = ordered[:, -1] - ordered[:, -2]
    return margins


def sessions_of(models: Mapping[str, bytes], contract: Contract) -> dict[str, Session]:
    """Open each model file, by its name; each is read completely, and no file is needed when it predicts."""
    sessions = {}
    with tempfile.TemporaryDirectory(prefix="edgetl-") as folder:
        for name, content in models.items():
            path = Path(folder) / name
            path.write_bytes(content)
            sessions[name] = open_session(path, contract)
    return sessions


def check_resize(wanted: NDArray[np.uint8], found: NDArray[np.uint8]) -> int:
    """Return how far the resized mosaic is from the golden one, in levels of 255. Raises ParityError beyond the tolerance."""
    steps = int(np.abs(wanted.astype(np.int16) - found).max())
    if steps > _RESIZE_STEPS:
        raise ParityError(f"cropping and resizing give other pixels: {steps} levels off", "this version of Pillow resizes differently")
    return steps


def mean_tolerance(classes: int, mean_steps: float = MEAN_STEPS) -> float:
    """Return how many steps probabilities of so many classes may be off on average: rows of zeros are beyond it at any number."""
    return mean_steps * min(1.0, _MEASURED_CLASSES / classes)


def choose_unknown(predictions: NDArray[np.floating], output: Output, count: int = UNKNOWN_IMAGES) -> NDArray[np.int64]:
    """Return rows of `count` unknown images (or all): the surest to be rejected, then those nearest to a class's threshold.

    Args:
        predictions: probabilities [N, K] of images that show none of the classes.
    """
    distances = (predictions - output.present_from).max(axis=1)
    order = np.argsort(np.abs(distances), kind="stable")
    surest = [int(distances.argmin())] if len(distances) else []
    return np.asarray((surest + [row for row in order if row not in surest])[:count], np.int64)


def check(
    name: str, wanted: NDArray[np.floating], found: NDArray[np.floating], output: Output, bound: GoldenBound = SAME_KERNELS
) -> Deviation:
    """Return how far a file's predictions are from the golden ones. Raises ParityError beyond the bound.

    Within it an image can be decided otherwise only where it is that near to a threshold, or two classes that near to each other.
    """
    if wanted.shape != found.shape:
        problem = f"{name} predicts {found.shape}, the golden predictions are {wanted.shape}"
        raise ParityError(problem, "the bundle's parts come from different models")
    steps = np.abs(wanted.astype(np.float64) - found) / PROBABILITY_SCALE
    most, mean = round(float(steps.max()), 3), round(float(steps.mean()), 3)
    allowed = mean_tolerance(found.shape[1], bound.mean_steps)
    if not np.isfinite(found).all() or steps.max() > bound.max_steps or steps.mean() > allowed:
        largest, average = beside(float(steps.max()), bound.max_steps, 3), beside(float(steps.mean()), allowed, 3)
        raise ParityError(
            f"{name} does not give its golden predictions: {largest} steps of 1/256 off at most ({bound.max_steps:g} are allowed), "
            f"{average} on average ({allowed:g})",
            bound.remedy,
        )
    other = (output.present(wanted) != output.present(found)).any(axis=1)
    return Deviation(max_steps=most, mean_steps=mean, other_decisions=int(other.sum()))
