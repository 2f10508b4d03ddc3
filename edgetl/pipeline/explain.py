"""Where a run's float and int8 models look on images; into RUN/explain, from where a report takes it."""

import hashlib
import logging
import re
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from edgetl import documents, files
from edgetl.explain.gradcam import Look, last_map, look
from edgetl.files import atomic, write_json
from edgetl.pipeline.predict import pixels_of
from edgetl.pipeline.project import Project
from edgetl.pipeline.sensitivity import chosen
from edgetl.progress import progress
from edgetl.report.plots import draw
from edgetl.report.plots.explanation import explanation, lines
from edgetl.run_record import RunRecord

logger = logging.getLogger(__name__)

_STEM = 60  # characters of an image's own name in its file's name: file systems allow 255 bytes


def explain(project: Project, names: Sequence[str], out: Path | None) -> dict[str, Any]:
    """A PNG for each image and explain.json, which also keeps what was explained of the same model before.

    Args:
        names: files, or embedded images.
        out: folder; None: explain/ in the run.
    """
    with project.run.writing() if out is None else nullcontext():
        return _explain(project, names, out)


def _explain(project: Project, names: Sequence[str], out: Path | None) -> dict[str, Any]:
    contract, folder = project.contract, out or project.run.explained
    images = {name: pixels_of(name, contract) for name in names}  # all are read before the first is worked on
    quantized, scheme = chosen(project, "")
    models = {"float": project.float_model, "int8": quantized.to_keras(project.float_model, contract)}
    layer = last_map(project.float_model)
    document: dict[str, Any] = {"model": identity(project.run.read()), "scheme": scheme, "layer": layer, "images": []}
    found = {}
    with progress("explain", len(images)) as tick:
        for name, pixels in images.items():
            first = look(models["float"], layer, contract, pixels)
            second = look(models["int8"], layer, contract, pixels, first.top1)
            file = folder / f"{_slug(name)}-{hashlib.sha256(pixels.tobytes()).hexdigest()[:8]}.png"
            with draw.style():
                content = draw.png(explanation(pixels, first, second, contract.class_names))
            with atomic(file) as temporary:
                temporary.write_bytes(content)
            said = lines(first, second, contract.class_names)
            figures: dict[str, Any] = {"asked": contract.class_names[first.top1], "float": _figures(first), "int8": _figures(second)}
            figures["largest_map_change"] = float(np.abs(second.map - first.map).max())
            alt = f"Where the models look on {Path(name).name}: {'; '.join(said)}"
            found[file.name] = {"image": Path(name).name, "file": file.name, **figures, "alt": alt, "lines": said}
            tick(1)
    earlier = {one["file"]: one for one in _earlier(folder / "explain.json", document["model"]) if one["file"] not in found}
    write_json(folder / "explain.json", document | {"images": [*earlier.values(), *found.values()]})
    return document | {"folder": str(folder), "images": list(found.values())}


def identity(record: RunRecord) -> str:
    """Which models an explanation is of: another training or another int8 model has another one."""
    stage = record.stages.get("export_int8") or record.stages.get("ptq_int8")
    return stage.inputs if stage else ""


def _figures(one: Look) -> dict[str, Any]:
    return {key: value for key, value in asdict(one).items() if key != "map"}


def _earlier(path: Path, model: str) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    try:
        document = files.read_json(path)
        documents.check(document, {"model": str, "images": [{"file": str}]})
    except (OSError, ValueError) as error:
        logger.warning(f"{path} cannot be read ({error}) and is begun anew")
        return []
    return list(document["images"]) if document["model"] == model else []


def _slug(name: str) -> str:
    return re.sub(r"[^\w-]+", "_", Path(name).stem)[:_STEM].encode()[: 3 * _STEM].decode(errors="ignore") or "image"
