"""The proof that a run's files give the same predictions, and how fast they are."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgetl.keras import exact_float32

import numpy as np

from edgetl import documents
from edgetl.evaluation.parity import judge
from edgetl.files import fingerprint, write_json
from edgetl.pipeline.export.files import exported
from edgetl.pipeline.project import Project
from edgetl.quantization.base import Quantized
from edgetl.run_folder import software
from edgetl.runtimes import open_session, unverified
from edgetl.runtimes.base import Session
from edgetl.runtimes.base import predict as predict_rows
from edgetl.runtimes.cpu import cpu_facts
from edgetl.runtimes.keras import KerasSession
from edgetl.runtimes.latency import time_in_turn


def validate(project: Project, limit: int | None = None, again: bool = True) -> dict[str, Any]:
    """Accuracy, agreement and latency of the Keras models and of every exported file, on the validation images; into validation.json.

    A file that cannot be run here is named in `unverified`, with the reason, and has no part in the verdict.

    Args:
        limit: images, evenly over the classes; None: what the recipe says; 0: all.
        again: also when the same files were validated before.
    """
    project.run.hold()
    settings = project.recipe.validation
    limit = settings.limit if limit is None else limit
    run, exports = project.run, exported(project)
    inputs = fingerprint({file: run.stage(stage)["files"] for file, stage in exports.items()}, settings.model_dump(), limit, cpu_facts())
    if again or not run.is_done("validate", inputs):
        started = time.monotonic()
        document = _validate(project, exports, limit)
        write_json(run.validation, document)
        hashes = {file: run.stage(stage)["files"][file] for file, stage in exports.items()}
        run.finish("validate", inputs, started, [run.validation], {"passed": document["passed"], "files": hashes})
    return documents.validation(run.validation)


def subject_name(file: Path) -> str:
    """What a model file is called in the verdict: model_int8.tflite is tflite_int8, model_float16.mlpackage.zip mlpackage_float16."""
    stem, _, kind = file.name.removesuffix(".zip").rpartition(".")
    return f"{kind}_{stem.removeprefix('model_')}"


def _validate(project: Project, exports: Mapping[str, str], limit: int) -> dict[str, Any]:
    exact_float32()
    run, images, settings = project.run, project.trained_images(), project.recipe.validation
    rows = project.rows("val", limit)
    paths = {"keras_float": project.float_path}
    sessions: dict[str, Session] = {"keras_float": KerasSession(project.float_model, project.contract)}
    if "export_int8" in exports.values():
        paths["keras_int8"] = run.quantized_model("int8")
        quantized = Quantized.load(paths["keras_int8"]).to_keras(project.float_model, project.contract)
        sessions["keras_int8"] = KerasSession(quantized, project.contract)
    elsewhere = {subject_name(Path(file)): unverified(Path(file)) for file in exports if unverified(Path(file))}
    for file in exports:
        name = subject_name(Path(file))
        if name in elsewhere:
            continue
        paths[name] = run.path / file
        sessions[name] = open_session(run.path / file, project.contract, threads=1)
    predictions = {name: predict_rows(session, images.pixels, rows, name) for name, session in sessions.items()}
    parity = judge(predictions, images.label_ids[rows], [images.names[row] for row in rows])
    document = parity.to_dict()
    latency_ms = time_in_turn(sessions, images.pixels[rows[:1]], settings.warmup_runs, settings.timed_runs)
    for name, took_ms in latency_ms.items():
        p50, p90 = np.percentile(took_ms, [50, 90])
        document["subjects"][name] |= {"size_bytes": paths[name].stat().st_size, "latency_ms": {"p50": round(p50, 3), "p90": round(p90, 3)}}
    measured = {"warmup_runs": settings.warmup_runs, "timed_runs": settings.timed_runs, "threads": "1 (Keras: all cores)", "batch": 1}
    document["unverified"] = elsewhere
    return document | {"class_names": list(images.class_names), "latency": measured, "cpu": cpu_facts(), "software": software()}
