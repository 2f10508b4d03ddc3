"""Explain predictions: draw where a run's float and int8 models look, into RUN/explain, where a report finds it."""

import hashlib
import logging
import re
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgetl.errors import ExportError, RunError
from edgetl.explanation.gradcam import Saliency, Seen, explained_classes, saliency
from edgetl.explanation.results import NAME, ExplainedImage, Explanation
from edgetl.export import FORMATS, formats_of
from edgetl.export.exported import exported_files
from edgetl.files import atomic, check_folder
from edgetl.importing.base import Unsupported
from edgetl.importing.tflite_file import IMPORTER
from edgetl.pipeline.export.current import chosen_integers, is_current
from edgetl.pipeline.predict import pixels_of
from edgetl.pipeline.project import Project
from edgetl.progress import progress
from edgetl.quantization import SCHEMES, precisions
from edgetl.report.plots import draw
from edgetl.report.plots.saliency import saliency_figure, sentences

logger = logging.getLogger(__name__)

_STEM = 60  # characters of an image's own name in its file's name: file systems allow 255 bytes


def explain(project: Project, names: Sequence[str], out: Path | None = None) -> Explanation:
    """Write a PNG for each image (of several classes: for each that the float model finds) and explain.json.

    The document also keeps what was explained of the same models before.

    Returns an explanation of these images alone. Raises ExportError for a network whose end has an operator without a derivative here.

    Args:
        names: files, or embedded images.
        out: folder; None: explain/ in the run.
    """
    check_folder(out)
    with project.run.writing() if out is None else nullcontext():
        try:
            return _explain(project, names, out or project.run.explained)
        except Unsupported as error:
            raise ExportError(f"the models of {project.run.path} cannot be explained: {error}", "report it in an issue") from error


def _explain(project: Project, names: Sequence[str], folder: Path) -> Explanation:
    images = {name: pixels_of(name, project.contract) for name in names}  # all are read before the first is worked on
    saved, scheme = chosen_integers(project)
    float_model, int8_model = _seen(project, precisions()[0]), _seen(project, SCHEMES.load(scheme).precision, saved)
    found: dict[str, ExplainedImage] = {}
    with progress("explain", len(images)) as tick:
        for name, pixels in images.items():
            for label in explained_classes(float_model, project.contract, pixels):
                of_float = saliency(float_model, project.contract, pixels, label)
                of_int8 = saliency(int8_model, project.contract, pixels, label)
                one = _written(folder, name, pixels, (of_float, of_int8), project.contract.class_names)
                found[one.file] = one
            tick(1)
    new = Explanation(models=project.run.read().models, scheme=scheme, layer=float_model.layer, images=tuple(found.values()))
    kept = tuple(one for one in _earlier(folder / NAME, new.models) if one.file not in found)
    new.model_copy(update={"images": kept + new.images}).write(folder / NAME)
    return new


def _seen(project: Project, precision: str, saved: str = "") -> Seen:
    """Return the exported file of a precision; where there is none that can be looked into, one that is made for this.

    Args:
        saved: name of the integer model that a file is made of; empty: it is made of the float model.
    """
    files = [file for file in exported_files(project.run) if file.precision == precision and file.batch == 1 and IMPORTER.takes(file.path)]
    if files and is_current(project, precision):
        return Seen(files[0].path)
    with tempfile.TemporaryDirectory(prefix="edgetl-") as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(_converted(project, precision, saved))
        return Seen(path)


def _converted(project: Project, precision: str, saved: str) -> bytes:
    """Return a file for one image of the float model, or of an integer model of the run."""
    from edgetl.export.base import Conversion
    from edgetl.quantization.quantized import Quantized

    model = project.models.float_model
    quantized = Quantized.load(project.run.quantized_model(saved)) if saved else None
    network = quantized.to_keras(model, project.contract) if quantized else model
    own = quantized.own if quantized else None
    return Conversion(network, project.contract, precision, FORMATS.load, own=own).file(formats_of(precision)[0])


def _written(
    folder: Path, name: str, pixels: NDArray[np.uint8], saliencies: tuple[Saliency, Saliency], class_names: Sequence[str]
) -> ExplainedImage:
    """Draw an image with the saliency of the float and the int8 model, and write the drawing."""
    of_float, of_int8 = saliencies
    of_class = "" if of_float.figures.present is None else f"-{of_float.figures.top1}"  # of several: a drawing each
    file = f"{_slug(name)}-{hashlib.sha256(pixels.tobytes()).hexdigest()[:8]}{of_class}.png"
    with draw.style():
        content = draw.png(saliency_figure(pixels, of_float, of_int8, class_names))
    with atomic(folder / file) as temporary:
        temporary.write_bytes(content)
    lines = sentences(of_float, of_int8, class_names)
    return ExplainedImage(
        image=Path(name).name,
        file=file,
        asked=class_names[of_float.figures.top1],
        float_model=of_float.figures,
        int8_model=of_int8.figures,
        largest_map_change=float(np.abs(of_int8.map - of_float.map).max()),
        alt=f"Saliency of {Path(name).name}: {'. '.join(lines)}.",
        lines=lines,
    )


def _earlier(path: Path, models: str) -> tuple[ExplainedImage, ...]:
    """Return what was explained of the same models before."""
    if not path.is_file():
        return ()
    try:
        earlier = Explanation.read(path)
    except RunError as error:
        logger.warning(f"{error.problem}; starting a new one")
        return ()
    return earlier.images if earlier.models == models else ()


def _slug(name: str) -> str:
    return re.sub(r"[^\w-]+", "_", Path(name).stem)[:_STEM].encode()[: 3 * _STEM].decode(errors="ignore") or "image"
