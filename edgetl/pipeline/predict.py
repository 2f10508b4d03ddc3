"""A model that is ready to name what is on images: `load` opens it, `Classifier.predict` asks it."""

import os
import shlex
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgetl.contract import Contract
from edgetl.data.base import Rejected
from edgetl.data.decode import BadImage, decode, prepare
from edgetl.data.formats import ARE_READ, IMAGE_SUFFIXES, is_image_name
from edgetl.data.sources import read_image
from edgetl.data.tree import images_below
from edgetl.errors import DataError, RunError, UsageError
from edgetl.export.exported import best_first, exported_files
from edgetl.files import write_csv
from edgetl.pipeline.prediction import SHOWN, UNKNOWN, Prediction
from edgetl.registry import did_you_mean
from edgetl.run_folder import RunFolder
from edgetl.runtimes import open_session, unverified
from edgetl.runtimes.base import Session
from edgetl.ship import archive

BUNDLE_SUFFIX = ".edgetl"
_MODELS = ("*/run.json", f"*{BUNDLE_SUFFIX}", "*.tflite", "*.onnx", "*.ort", "*.keras")

OneImage = str | os.PathLike[str] | Image.Image | NDArray[np.uint8]


class Classifier:
    """A model that is loaded and ready to predict. Made by `load`.

    It is a context manager; leaving it, or `close`, deletes what was extracted from a bundle. Several threads may share it.
    """

    def __init__(self, session: Session, contract: Contract, name: str, extracted: tempfile.TemporaryDirectory[str] | None = None) -> None:
        self.contract = contract
        self._session, self._name, self._extracted = session, name, extracted
        self._turn = threading.Lock()  # a session is one thread's at a time

    @property
    def class_names(self) -> tuple[str, ...]:
        """The K classes, in the order of the model's outputs."""
        return self.contract.class_names

    def predict(
        self,
        images: OneImage | Iterable[OneImage],
        *,
        on_bad: Callable[[Rejected], None] | None = None,
        csv: str | os.PathLike[str] | None = None,
        top: int = SHOWN,
    ) -> list[Prediction]:
        """Return the prediction of each image.

        Args:
            images: a file, a folder (all images below it, sorted by path), an embedded image such as `digits:7`, a PIL image, a uint8
                array [H, W, 3] (RGB) or [N, H, W, 3], or several of these. Images may be of any size.
            on_bad: called with the name of each image that cannot be read and the reason, and the image is left out; `None`: it is
                an error. `bad = []; classifier.predict(folder, on_bad=bad.append)` collects them.
            csv: also write this file, a row for each image: the prediction ("unknown" where no class reaches its threshold, nothing where
                an image may show several), the `top` most probable classes with their probabilities, or why it cannot be read.
            top: number of classes in that file.

        Raises DataError that names the image that cannot be read.

        Examples:
            >>> edgetl.load("runs/flowers").predict("rose.jpg")[0].class_name
            'roses'
        """
        predictions: list[Prediction] = []
        bad: list[Rejected] = []
        names: list[str] = []
        batch: list[NDArray[np.uint8]] = []
        for name, image in _named(images):
            try:
                pixels = _pixels(name, image, self.contract)
            except DataError as error:
                if on_bad is None:
                    raise
                bad.append(Rejected(name, error.problem))
                on_bad(bad[-1])
                continue
            names.append(name)
            batch.append(pixels)
            if len(batch) == self._session.batch_size:
                predictions += self._predicted(names, batch)
                names, batch = [], []
        predictions += self._predicted(names, batch)
        if csv is not None:
            write_csv(Path(csv), _csv_rows(predictions, bad, min(top, len(self.class_names))))
        return predictions

    def _predicted(self, names: list[str], batch: list[NDArray[np.uint8]]) -> list[Prediction]:
        if not batch:
            return []
        with self._turn:
            rows = self._session(np.stack(batch))
        output = self.contract.output
        found = zip(names, rows, output.present_names(rows), strict=True)
        return [Prediction(name, self.class_names, tuple(map(float, row)), present, output.several) for name, row, present in found]

    def close(self) -> None:
        """Delete what was extracted from a bundle."""
        if self._extracted is not None:
            self._extracted.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Classifier({self._name!r}, {len(self.class_names)} classes, {self.contract.height} x {self.contract.width} pixels)"


def load(source: str | os.PathLike[str], *, threads: int = 1) -> Classifier:
    """Load a model that predicts.

    Args:
        source: a .tflite, .onnx, .ort or .keras file beside its contract.json, a run folder (its preferred exported file), or a
            .edgetl bundle, of which every file's hash is checked.
        threads: threads of the runtime.

    Raises RunError (nothing there, or a damaged bundle), UsageError (no runtime reads it), ExportError (a damaged model).

    Examples:
        >>> edgetl.load("flowers.edgetl").class_names
        ('daisy', 'dandelion', 'roses', 'sunflowers', 'tulips')
    """
    path = Path(source)
    if path.name.lower().endswith(BUNDLE_SUFFIX) and not os.path.isdir(path):
        return _of_bundle(path, threads)
    if os.path.isdir(path):
        path = _preferred(RunFolder.open(path))
    if not os.path.exists(path):
        raise RunError(f"there is nothing at {path}", _beside(path))
    if is_image_name(path.name):
        raise UsageError(f"{path} is an image, not a model", f"name the model before it: edgetl predict RUN {shlex.quote(str(path))}")
    contract = Contract.read(path.parent / "contract.json")
    return Classifier(open_session(path, contract, threads), contract, str(path))


def _beside(path: Path) -> str:
    """Return what else lies where a model was looked for."""
    others = sorted(os.fspath(one) for pattern in _MODELS for one in path.parent.glob(pattern))
    others = [one.removesuffix("/run.json") for one in others]
    return did_you_mean(str(path), others) if others else "name a model file, a run or a .edgetl bundle"


def pixels_of(name: str, contract: Contract) -> NDArray[np.uint8]:
    """Return uint8 [H, W, 3] of a file or an embedded image. Raises DataError when it is not an image."""
    return _pixels(name, name, contract)


def _of_bundle(path: Path, threads: int) -> Classifier:
    manifest, files = archive.read(path)
    runnable = [name for name in manifest.models if name in files and not unverified(Path(name))]
    if not runnable:
        raise RunError(f"{path} has no model that can be run here", "bundle a .tflite or .onnx file too: edgetl bundle --models")
    name = runnable[0]  # a bundle names the best first
    folder = tempfile.TemporaryDirectory(prefix="edgetl-")
    try:
        model = Path(folder.name) / Path(name).name
        model.write_bytes(files[name])
        return Classifier(open_session(model, manifest.contract, threads), manifest.contract, f"{path}: {name}", folder)
    except BaseException:
        folder.cleanup()
        raise


def _preferred(run: RunFolder) -> Path:
    made = [file.path for file in best_first(exported_files(run)) if file.path.is_file() and not unverified(file.path)]
    if not made:
        raise RunError(f"{run.path} has no exported model yet", f"run: edgetl export {run.quoted}")
    return made[0]


def _named(images: OneImage | Iterable[OneImage]) -> Iterator[tuple[str, OneImage]]:
    """Yield each image with its name; folders and batches are taken apart, but for a folder without an image."""
    one = isinstance(images, str | os.PathLike | Image.Image) or (isinstance(images, np.ndarray) and images.ndim <= 3)
    given = cast(Iterable[OneImage], images if isinstance(images, Iterable) and not one else [images])
    for number, image in enumerate(given):
        if isinstance(image, str | os.PathLike):
            path = os.fspath(image)
            yield from ((file, file) for file in (images_below(path) if os.path.isdir(path) else [path]) or [path])
        else:
            yield str(getattr(image, "filename", "") or f"image {number}"), image


def _csv_rows(predictions: Sequence[Prediction], bad: Sequence[Rejected], count: int) -> Iterator[list[object]]:
    numbered = [name for place in range(1, count + 1) for name in (f"top{place}", f"top{place}_probability")]
    yield ["image", "prediction", *numbered, "problem"]
    for one in predictions:
        best = (value for best in one.top(count) for value in (best.class_name, round(best.probability, 6)))
        yield [one.image, UNKNOWN if one.unknown else "|".join(one.present), *best, ""]
    for rejected in bad:
        yield [rejected.name, "", *[""] * (2 * count), rejected.reason]


def _pixels(name: str, image: OneImage, contract: Contract) -> NDArray[np.uint8]:
    """Return uint8 [H, W, 3] of the contract's size. Raises DataError that names the image."""
    if isinstance(image, str | os.PathLike) and os.path.isdir(image):
        raise DataError(f"there is no image in {name}", f"files that end in {', '.join(IMAGE_SUFFIXES)} are read")
    try:
        if isinstance(image, Image.Image):
            return prepare(image, contract)
        if isinstance(image, str | os.PathLike):
            return decode(read_image(os.fspath(image)), contract)
    except BadImage as error:
        raise DataError(f"{name} cannot be read as an image: {error}", ARE_READ) from error
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        kind = f"{image.dtype} array of shape {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise DataError(f"{name} is not an image: {kind}", "give a path, a PIL image, or a uint8 array [H, W, 3] of RGB values 0 to 255")
    return prepare(Image.fromarray(image), contract)
