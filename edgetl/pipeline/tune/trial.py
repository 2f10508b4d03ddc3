"""One trial of a search: a run of a network, and what counts of it: accuracy, measured latency and size of its int8 file."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgetl.keras import keras

from edgetl.backbones.fold import fold_batch_norms
from edgetl.benchmark.plan import Plan, Subject
from edgetl.benchmark.run import benchmark
from edgetl.errors import DeviceError
from edgetl.export.tflite import int8_tflite
from edgetl.files import atomic, fingerprint
from edgetl.pipeline.export.files import export
from edgetl.pipeline.project import Project
from edgetl.pipeline.settings import quantize_settings
from edgetl.pipeline.train.stages import train
from edgetl.pipeline.train.start import with_head
from edgetl.quantization import SCHEMES
from edgetl.recipe import Recipe, restore
from edgetl.run_record import ExportFacts

logger = logging.getLogger(__name__)

# A calibrated int8 model is judged: training with quantization in the loop moves all of them by much the same.
_CALIBRATED = {"quantize.qat": False, "export.formats": ["tflite"], "export.precisions": ["int8"]}
_HEAD_ALONE = {"train.epochs": 0, "compress.sparsity": 0.0, "compress.clusters": 0, "augment.margin": 1.0}
_IMAGES = 16  # that an untrained model is calibrated on: its latency does not depend on them

Choice = dict[str, Any]  # a value for each dotted key, and for "model": a backbone with its width


def judged(recipe: Recipe, folder: Path, device: str, budget_ms: float, choice: Choice) -> dict[str, Any]:
    """A network's latency and, unless that is over a budget, its accuracy and size with nothing but a head trained.

    Raises DeviceError when no latency can be measured.
    """
    project = _project(recipe, folder, choice, _CALIBRATED | _HEAD_ALONE)
    path = project.run.path / "untrained.tflite"
    with atomic(path) as temporary:
        temporary.write_bytes(_untrained(project))
    latency_ms = _latency_ms(path, device)
    found = {"run": project.run.path.name, "latency_ms": latency_ms}
    if budget_ms and latency_ms > budget_ms:
        logger.info("over the budget: not trained")
        return found
    return found | _figures(project)


def trained(recipe: Recipe, folder: Path, device: str, choice: Choice) -> dict[str, Any]:
    """The same of a network that is trained as the choice and the recipe say."""
    project = _project(recipe, folder, choice, _CALIBRATED)
    figures = _figures(project)
    latency_ms = _latency_ms(project.run.export / "model_int8.tflite", device)
    return {"run": project.run.path.name, "latency_ms": latency_ms} | figures


def recipe_of(choice: Mapping[str, Any], recipe: Recipe) -> Recipe:
    """The recipe with what was chosen."""
    backbone, alpha = choice["model"].split()
    settings = {key: value for key, value in choice.items() if "." in key}
    return restore(recipe.model_dump(), options=settings | {"model.backbone": backbone, "model.alpha": float(alpha)})


def _project(recipe: Recipe, folder: Path, choice: Choice, settings: Choice) -> Project:
    """The run of a choice, with settings that all trials have."""
    chosen = recipe_of(choice | settings, recipe)
    name = fingerprint(chosen.model_dump())
    logger.info(f"trial {name}: {', '.join(f'{key} {value}' for key, value in choice.items())}")
    return Project.create(chosen, folder / name)


def _figures(project: Project) -> dict[str, Any]:
    """Top-1 with its interval, and the size, of the int8 file, once it is trained and exported."""
    train(project)
    export(project)
    keras.backend.clear_session()  # else every trial's graphs stay in memory
    choice = project.run.facts("export_int8", ExportFacts).int8
    assert choice is not None  # export writes it
    chosen = choice.chosen
    logger.info(f"top-1 {chosen.top1_accuracy:.4f}, {chosen.size_bytes:,} bytes")
    return {"top1_accuracy": chosen.top1_accuracy, "top1_interval_95": list(chosen.top1_interval_95), "size_bytes": chosen.size_bytes}


def _untrained(project: Project) -> bytes:
    """The int8 file of the network as it is built: as fast as the trained one."""
    recipe = project.recipe.model
    backbone = project.backbone.build(recipe.alpha, recipe.image_size)
    model = fold_batch_norms(with_head(project, backbone))
    rows = project.calibration_rows[:_IMAGES]
    find: Any = SCHEMES.load("ptq_int8").quantize
    settings = replace(quantize_settings(project.recipe, project.training_images), ranges="minmax")
    quantized, _ = find(model, project.images, rows, project.contract, settings)
    return int8_tflite(quantized.to_keras(model, project.contract), project.contract)


def _latency_ms(path: Path, device: str) -> float:
    document = benchmark([Subject("model_int8.tflite", path, "litert")], [device], Plan(), None)
    outcome: Mapping[str, Any] = document["results"][0] if document["results"] else document["devices"][device]
    if "error" in outcome:
        raise DeviceError(outcome["error"]["problem"], outcome["error"]["remedy"])
    if not outcome.get("latency_ms"):
        raise DeviceError(f"{device} tells no latency", "name a device that does: 'edgetl devices'")
    latency_ms = float(outcome["latency_ms"]["p50"])
    logger.info(f"{latency_ms:.2f} ms on {device}")
    return latency_ms
