"""A program for a microcontroller: an ESP-IDF project around a CMake library, or the library alone into an existing project."""

import shlex
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from edgetl.errors import UsageError
from edgetl.export.micro_sources import parts
from edgetl.micro.footprint import footprint
from edgetl.micro.interpreter import Interpreter
from edgetl.micro.sources import FOLDER, MODEL_SOURCES, contract_sources, model_sources
from edgetl.output import PROBABILITY_SCALE
from edgetl.ship import golden
from edgetl.ship.golden import GoldenPredictions
from edgetl.ship.golden_sources import golden_sources
from edgetl.ship.targets.base import App, Files, Target, template

_PART = "components/edgetl_classifier"  # a component of ESP-IDF, and a CMake library
_DATA = f"{_PART}/model"
_PROJECT = "CMakeLists.txt"
_IGNORED = b"build/\nmanaged_components/\nsdkconfig\nsdkconfig.old\n"
_PRECISION, _NPU = "int8", "ethos_u"
# TensorFlow Lite Micro's reference kernels round twice where LiteRT's XNNPACK rounds once. Measured on MobileNetV2 0.35 and V1 0.25 at
# 96 px after 226 images, whose predictions are unsure: 28 steps at most on 442 images, and up to 5.3 on average over 12 close calls.
# Another order of the classes moves sure predictions by two hundred.
_BOUND = golden.GoldenBound(
    max_steps=2 * golden.MAX_STEPS,
    mean_steps=2 * golden.MEAN_STEPS,
    remedy="its kernels round otherwise than LiteRT's, more so where a model is unsure: see how far they are apart on all images by "
    "'edgetl export RUN --int8 --formats tflite,tflm', then 'edgetl validate RUN'; with more images or a longer training they come closer",
)


def _files(app: App, into: Path | None) -> Mapping[str, bytes]:
    if into and not (into / _PROJECT).is_file():
        raise UsageError(f"{into} holds no {_PROJECT}", "name the folder of an ESP-IDF or CMake project, or make a fresh one with --out")
    precision = app.manifest.models[app.model].precision
    if precision != _PRECISION:
        raise UsageError(
            f"a microcontroller runs {_PRECISION} models, and {app.model} is {precision}",
            f"export and bundle an {_PRECISION} .tflite file: edgetl export RUN --int8",
        )
    files = template("mcu")
    library = {path: content for path, content in files.items() if path.startswith(f"{_PART}/")}
    return library if into or app.runtime == _NPU else files | {".gitignore": _IGNORED}  # ESP32 boards have no such NPU


def _completed(app: App, files: Files, into: Path | None) -> Files:
    """Add the sources that hold the model, measured by TensorFlow Lite Micro, and golden predictions, which are its own.

    Raises ExportError where it cannot run the model, ParityError where it predicts otherwise, DependencyError where it is not installed.
    A file that is compiled for an NPU has such sources in it; nothing here can run it.
    """
    bundled: Files = {path.removeprefix(f"{_DATA}/"): content for path, content in files.items() if path.startswith(f"{_DATA}/")}
    model, manifest = bundled[app.model], app.manifest
    made = contract_sources(manifest.contract)
    if app.runtime == _NPU:
        inside = parts(model)
        made |= {name: inside[f"{FOLDER}/{name}"] for name in MODEL_SOURCES}
    else:
        made |= model_sources(model, manifest.files[app.model].sha256, footprint(model))
        bundled = {**bundled, golden.DOCUMENT: _of_micro(app, bundled)}
    made |= golden_sources(manifest, app.model, bundled)
    return {**files, **{f"{_PART}/generated/{FOLDER}/{name}": text for name, text in made.items()}}


def _of_micro(app: App, bundled: Files) -> bytes:
    """Return the golden document with TensorFlow Lite Micro's predictions, which a board's kernels give.

    The bundle's are those of LiteRT, whose kernels round otherwise. Raises ParityError beyond `_BOUND`.
    """
    document, output = GoldenPredictions.from_bytes(bundled[golden.DOCUMENT], golden.DOCUMENT), app.manifest.contract.output
    pixels = np.frombuffer(bundled[golden.PIXELS], np.uint8).reshape(document.shape)
    with Interpreter(bundled[app.model]) as interpreter:
        found = np.concatenate([interpreter(image[np.newaxis]) for image in pixels]).astype(np.float64)
        rows = (found * (PROBABILITY_SCALE if interpreter.output.dtype == "uint8" else 1.0)).round(6)
    golden.check(f"TensorFlow Lite Micro with {app.model}", np.asarray(document.predictions[app.model]), rows, output, _BOUND)
    return document.of(app.model, rows, output).to_bytes()


def _steps(app: App, root: Path, into: Path | None) -> str:
    if into or app.runtime == _NPU:
        return f"next: add {root / _PART} to your build (its README.md says how), call edgetl::begin() and print edgetl::self_test()"
    flash = f"cd {shlex.quote(str(root))}, then idf.py set-target esp32s3 flash monitor"
    return f"next: {flash}: it prints the self-test, then what the camera sees"


TARGET = Target(("litert", _NPU), _files, lambda into: _DATA, _steps, completed=_completed)
