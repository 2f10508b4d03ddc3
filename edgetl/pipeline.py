"""The verbs in order: train -> quantize -> export -> validate; each stage is recorded with its inputs and not done twice.

With `project.py` and `cli/`, the only place that knows the recipe.
"""

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from edgetl.keras import device_name, exact_float32

import numpy as np

from edgetl.backbones import weights
from edgetl.backbones.fold import fold_batch_norms
from edgetl.console import note
from edgetl.contract import InputContract
from edgetl.data.calibration import sample
from edgetl.errors import ExportError, RunError
from edgetl.evaluation.metrics import measure
from edgetl.evaluation.parity import judge
from edgetl.export import FORMATS
from edgetl.export.tflite import float_tflite, int8_tflite
from edgetl.project import Project
from edgetl.quantization import SCHEMES
from edgetl.quantization.base import Quantized
from edgetl.quantization.qat_int8 import DistilSettings
from edgetl.quantization.sensitivity import sensitivity as measure_damage
from edgetl.runtimes import open_session
from edgetl.runtimes.base import Session
from edgetl.runtimes.base import predict as predict_rows
from edgetl.runtimes.cpu import cpu_facts
from edgetl.runtimes.keras import KerasSession
from edgetl.runtimes.latency import time_in_turn
from edgetl.training.epochs import can_resume
from edgetl.training.finetune import FineTuneSettings, class_weights, fine_tune
from edgetl.training.head import HeadSettings, attach_head, train_head
from edgetl.workspace import atomic, fingerprint, sha256, software, write_json


def train(project: Project) -> None:
    """Float training, then calibration, then quantization-aware training unless the recipe says no."""
    recipe = project.recipe
    listed = fingerprint(project.listing.stamp, recipe.data.model_dump(), recipe.train.seed, project.contract.to_dict())
    project.stage("data", listed, partial(_data, project))
    # What was read counts, not when it was written: pictures that were copied or touched do not train a model again.
    data = project.run.stage("data")["facts"]["fingerprint"]
    start = Path(recipe.model.weights)
    start_from = sha256(start) if start.is_file() else recipe.model.weights
    float_inputs = fingerprint(data, start_from, recipe.model.model_dump(), recipe.train.model_dump(), recipe.augment.model_dump())
    project.stage("float", float_inputs, partial(_float, project, float_inputs))
    for scheme in ("ptq_int8", "qat_int8") if recipe.quantize.qat else ("ptq_int8",):
        settings = recipe.quantize.model_dump() if scheme.startswith("qat") else recipe.quantize.calibration_pictures
        inputs = fingerprint(float_inputs, scheme, settings)
        project.stage(scheme, inputs, partial(_quantize, project, scheme, inputs))


def _data(project: Project) -> tuple[Sequence[Path], dict[str, Any]]:
    index = project.pictures.to_dict()
    write_json(project.run.data, index)
    facts = {"fingerprint": index["fingerprint"], "counts": {split: sum(sizes.values()) for split, sizes in index["counts"].items()}}
    note(f"pictures: {', '.join(f'{count} {split}' for split, count in facts['counts'].items())}, {len(index['rejected'])} left out")
    return [project.run.data], facts | {"classes": index["classes"], "left_out": len(index["rejected"])}


def _float(project: Project, inputs: str) -> tuple[Sequence[Path], dict[str, Any]]:
    model_settings, settings, pictures, contract = project.recipe.model, project.recipe.train, project.pictures, project.contract
    note(f"training on {device_name()}")
    backbone = project.backbone.build(model_settings.alpha, model_settings.image_size)
    weights.load(backbone, project.backbone, model_settings.weights, model_settings.alpha, model_settings.image_size)
    from_random = model_settings.weights == "none"
    # Folded first, a pretrained network trains 1.7 times as fast and its statistics are frozen; a random one needs live statistics.
    model = attach_head(backbone if from_random else fold_batch_norms(backbone), len(contract.labels))
    by_class = class_weights(pictures.labels[pictures.rows("train")], len(contract.labels), settings.balance_above)
    schedule = project.schedule("float", settings.epochs, settings.patience, inputs)
    facts: dict[str, Any] = {"device": device_name(), "class_weights": [round(float(weight), 3) for weight in by_class]}
    if settings.head_epochs and not can_resume(schedule):
        mirror = project.augmentation.flip and project.augmentation.strength > 0
        head = HeadSettings(
            settings.head_epochs, settings.head_learning_rate, settings.batch_size, model_settings.dropout, settings.label_smoothing, mirror
        )
        facts["head_val_accuracy"] = train_head(model, pictures, contract, by_class, head)
    if settings.epochs:
        tuning = FineTuneSettings(
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            warmup_fraction=settings.warmup_fraction,
            fine_tune_from=settings.fine_tune_from,
            dropout=model_settings.dropout,
            label_smoothing=settings.label_smoothing,
            live_norms=from_random,
            seed=settings.seed,
        )
        history = fine_tune(model, pictures, project.training_pictures, contract, by_class, project.augmentation, tuning, schedule)
        facts |= {"epochs": history.entries, "best_epoch": history.best_epoch + 1}
    model = fold_batch_norms(model)
    model.trainable = True
    with atomic(project.run.float_model) as temporary:
        model.save(temporary, save_format="keras")
    write_json(project.run.contract, contract.to_dict())
    schedule.checkpoint.unlink(missing_ok=True)
    project.__dict__.pop("float_model", None)
    return [project.run.float_model, project.run.contract], facts


def _quantize(project: Project, scheme: str, inputs: str) -> tuple[Sequence[Path], dict[str, Any]]:
    recipe, pictures = project.recipe, project.pictures
    rows = sample(pictures.labels, pictures.rows("train"), recipe.quantize.calibration_pictures, recipe.train.seed)
    settings = DistilSettings(
        training_pictures=project.training_pictures,
        batch_size=recipe.train.batch_size,
        learning_rate=recipe.quantize.learning_rate,
        temperature=recipe.quantize.temperature,
        augment=project.augmentation,
        seed=recipe.train.seed,
    )
    schedule = project.schedule(scheme, recipe.quantize.epochs, recipe.quantize.epochs, inputs)
    quantized, history = SCHEMES.load(scheme)(project.float_model, pictures, rows, project.contract, settings, schedule)
    path = project.run.quantized_model(scheme)
    quantized.save(path)
    schedule.checkpoint.unlink(missing_ok=True)
    calibration = {"pictures": len(rows), "sha256": fingerprint([pictures.hashes[row] for row in rows])}
    facts = {"float": project.run.stage("float")["inputs"], "calibration": calibration}
    return [path], facts | {"epochs": history.entries, "best_epoch": history.best_epoch + 1}


def export(project: Project, precisions: Sequence[str] = (), formats: Sequence[str] = ()) -> list[Path]:
    """Write model files into the run's export folder.

    Args:
        precisions, formats: what to write; empty: all that the recipe names. Raises UsageError or ExportError when a format cannot
            carry a precision that was asked for by name.
    """
    recipe = project.recipe.export
    wanted = [(precision, name) for precision in precisions or recipe.precisions for name in formats or recipe.formats]
    able = [(precision, name) for precision, name in wanted if precision in FORMATS.load(name).precisions]
    if precisions and formats and len(able) < len(wanted):
        unable = ", ".join(f"{precision} in {name}" for precision, name in wanted if (precision, name) not in able)
        raise ExportError(f"there is no {unable}", "leave --formats out to get what each precision can be written as")
    for precision in dict.fromkeys(precision for precision, _ in able):
        stage = f"export_{precision}"
        before = project.run.read()["stages"].get(stage, {"facts": {"formats": []}})["facts"]["formats"]  # what was written before stays
        names = [name for name in FORMATS if name in before or (precision, name) in able]
        project.stage(stage, _export_inputs(project, precision, names), partial(_export, project, precision, names))
    return [project.run.export / FORMATS.load(name).file_name(precision) for precision, name in able]


def _export_inputs(project: Project, precision: str, formats: Sequence[str]) -> str:
    """Identity of what an export is made from. Raises RunError while the training behind it is unfinished."""
    stages = [project.run.stage(name) for name in _stages_behind(project, precision)]
    of_float = project.run.stage("float")["inputs"]
    stale = any(stage["facts"].get("float", of_float) != of_float for stage in stages)
    if stale or InputContract.load(project.run.contract) != project.contract:
        raise RunError(
            f"{project.run.path} was given another recipe and not trained to its end", "run the same 'edgetl train' command again"
        )
    return fingerprint([stage["inputs"] for stage in stages], list(formats))


def _stages_behind(project: Project, precision: str) -> list[str]:
    if precision != "int8":
        return ["float"]
    return ["ptq_int8", "qat_int8"] if project.recipe.quantize.qat else ["ptq_int8"]


def _export(project: Project, precision: str, formats: Sequence[str]) -> tuple[Sequence[Path], dict[str, Any]]:
    facts: dict[str, Any] = {"formats": list(formats)}
    if precision == "int8":
        content, choice = _better_int8(project)
        facts |= choice
    else:
        content = float_tflite(project.float_model, project.contract, precision)
    written = []
    for name in formats:
        form = FORMATS.load(name)
        path = project.run.export / form.file_name(precision)
        finished = form.convert(content, project.contract, precision)
        with atomic(path) as temporary:
            temporary.write_bytes(finished)
        written.append(path)
        note(f"{path}: {len(finished):,} bytes")
    write_json(project.run.export / "contract.json", project.contract.to_dict())
    return written, facts


def _better_int8(project: Project) -> tuple[bytes, dict[str, Any]]:
    """The int8 file that is more often right on the validation pictures as LiteRT runs it, and why it was chosen."""
    pictures, rows = project.trained_pictures(), project.pictures.rows("val")
    candidates, contents = {}, {}
    for scheme in _stages_behind(project, "int8"):
        quantized = Quantized.load(project.run.quantized_model(scheme)).to_keras(project.float_model, project.contract)
        contents[scheme] = int8_tflite(quantized, project.contract)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.tflite"
            path.write_bytes(contents[scheme])
            accuracy = measure(predict_rows(open_session(path, project.contract), pictures.pixels, rows, scheme), pictures.labels[rows])
        candidates[scheme] = {"top1_accuracy": accuracy.top1_accuracy, "loss": accuracy.loss}
    shipped = max(candidates, key=lambda scheme: (candidates[scheme]["top1_accuracy"], -candidates[scheme]["loss"]))
    figures = ", ".join(f"{scheme} {facts['top1_accuracy']:.4f} (loss {facts['loss']:.3f})" for scheme, facts in candidates.items())
    reason = f"best validation top-1 in LiteRT, then loss: {figures}"
    note(f"int8: {shipped} is shipped, {reason}")
    return contents[shipped], {"shipped": shipped, "reason": reason, "candidates": candidates}


def validate(project: Project, limit: int | None = None, again: bool = True) -> dict[str, Any]:
    """Accuracy, agreement and latency of the Keras models and of every exported file, on the validation pictures; into validation.json.

    Args:
        limit: pictures, evenly over the classes; None: what the recipe says; 0: all.
        again: also when the same files were validated before.
    """
    settings = project.recipe.validation
    limit = settings.limit if limit is None else limit
    run, exports = project.run, _exported(project)
    inputs = fingerprint({file: run.stage(stage)["files"] for file, stage in exports.items()}, settings.model_dump(), limit, cpu_facts())
    if again or not run.is_done("validate", inputs):
        started = time.monotonic()
        document = _validate(project, exports, limit)
        write_json(run.validation, document)
        run.finish("validate", inputs, started, [run.validation], {"passed": document["passed"]})
    document = json.loads(run.validation.read_text(encoding="utf-8"))
    return dict(document)


def sensitivity(project: Project, limit: int) -> dict[str, Any]:
    """What quantizing each operator alone does to `limit` training pictures (0: all), worst first; into sensitivity.json."""
    project.run.stage("ptq_int8")
    pictures = project.trained_pictures()
    rows = pictures.rows("train")
    rows = sample(pictures.labels, rows, limit, project.recipe.train.seed) if limit else rows
    quantized = Quantized.load(project.run.quantized_model("ptq_int8"))
    damages = measure_damage(project.float_model, quantized, project.contract, pictures.pixels, rows)
    document = {"scheme": "ptq_int8", "pictures": len(rows), "operators": [asdict(damage) for damage in damages]}
    write_json(project.run.sensitivity, document)
    return document


def _exported(project: Project) -> dict[str, str]:
    """Exported file (relative to the run) to the stage that wrote it. Raises RunError when there is none, or one is stale or changed."""
    stages = {name: stage for name, stage in project.run.read()["stages"].items() if name.startswith("export_")}
    if not stages:
        raise RunError(f"{project.run.path} has no exported model yet", f"run: edgetl export {project.run.path}")
    for name, stage in stages.items():
        precision = name.removeprefix("export_")
        if not project.run.is_done(name, _export_inputs(project, precision, stage["facts"]["formats"])):
            raise RunError(
                f"a file of {project.run.path} is missing, was changed, or is of an earlier training ({name})",
                f"run: edgetl export {project.run.path}",
            )
    return {file: name for name, stage in stages.items() for file in stage["files"]}


def _validate(project: Project, exports: Mapping[str, str], limit: int) -> dict[str, Any]:
    exact_float32()
    run, pictures, settings = project.run, project.trained_pictures(), project.recipe.validation
    rows = pictures.rows("val")
    rows = sample(pictures.labels, rows, limit, project.recipe.train.seed) if limit else rows
    paths = {"keras_float": run.float_model}
    sessions: dict[str, Session] = {"keras_float": KerasSession(project.float_model, project.contract)}
    if "export_int8" in exports.values():
        scheme = run.stage("export_int8")["facts"]["shipped"]
        paths["keras_int8"] = run.quantized_model(scheme)
        quantized = Quantized.load(paths["keras_int8"]).to_keras(project.float_model, project.contract)
        sessions["keras_int8"] = KerasSession(quantized, project.contract)
    for file in exports:
        form, precision = Path(file).suffix[1:], Path(file).stem.removeprefix("model_")
        paths[f"{form}_{precision}"] = run.path / file
        sessions[f"{form}_{precision}"] = open_session(run.path / file, project.contract, threads=1)
    answers = {name: predict_rows(session, pictures.pixels, rows, name) for name, session in sessions.items()}
    parity = judge(answers, pictures.labels[rows], [pictures.names[row] for row in rows])
    document = parity.to_dict()
    latency_ms = time_in_turn(sessions, pictures.pixels[rows[:1]], settings.warmup_runs, settings.timed_runs)
    for name, took_ms in latency_ms.items():
        p50, p90 = np.percentile(took_ms, [50, 90])
        document["subjects"][name] |= {"size_bytes": paths[name].stat().st_size, "latency_ms": {"p50": round(p50, 3), "p90": round(p90, 3)}}
    measured = {"warmup_runs": settings.warmup_runs, "timed_runs": settings.timed_runs, "threads": "1 (Keras: all cores)", "batch": 1}
    return document | {"labels": list(pictures.classes), "latency": measured, "cpu": cpu_facts(), "software": software()}
