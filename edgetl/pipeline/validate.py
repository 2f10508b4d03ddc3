"""The proof that a run's files give the same predictions, and how fast they are."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from edgetl.keras import exact_float32

import numpy as np

from edgetl.evaluation.parity import REFERENCE, judge
from edgetl.evaluation.validation import Percentiles, Timing, ValidatedModel, Validation
from edgetl.files import fingerprint
from edgetl.pipeline.export.files import exported
from edgetl.pipeline.project import Project, writes
from edgetl.quantization.base import Quantized
from edgetl.run_folder import software
from edgetl.run_record import ValidateFacts
from edgetl.runtimes import open_session, runtime_of, unverified
from edgetl.runtimes.base import Session
from edgetl.runtimes.base import predict as predict_rows
from edgetl.runtimes.cpu import cpu_facts
from edgetl.runtimes.keras import KerasSession
from edgetl.runtimes.latency import time_in_turn

_BEST_FIRST = ("tflite_int8", "onnx_int8", "tflite_float32", "onnx_float32", REFERENCE)


@writes
def validate(project: Project, limit: int | None = None, *, again: bool = True) -> Validation:
    """Measure accuracy, agreement and latency of the Keras models and of every exported file on the validation images.

    Writes validation.json. A file that cannot be run here is named in `unverified`, with the reason, and has no part in the verdict.

    Args:
        limit: images, evenly over the classes; None: what the recipe says; 0: all.
        again: also when the same files were validated before.
    """
    settings = project.recipe.validation
    limit = settings.limit if limit is None else limit
    run, exports = project.run, exported(project)
    inputs = fingerprint(
        {file: run.stage(stage).files for file, stage in exports.items()}, settings.model_dump(), limit, asdict(cpu_facts())
    )
    if again or not run.is_done("validate", inputs):
        started = time.monotonic()
        document = _validate(project, exports, limit)
        document.write(run.validation)
        hashes = {file: run.stage(stage).files[file] for file, stage in exports.items()}
        run.finish("validate", inputs, started, [run.validation], ValidateFacts(passed=document.passed, files=hashes))
    return Validation.read(run.validation)


def subject_name(file: Path) -> str:
    """Return a model file's name in the verdict: tflite_int8 for model_int8.tflite."""
    stem, _, kind = file.name.removesuffix(".zip").rpartition(".")
    return f"{kind}_{stem.removeprefix('model_')}"


def _validate(project: Project, exports: Mapping[str, str], limit: int) -> Validation:
    exact_float32()
    run, images, settings = project.run, project.trained_images(), project.recipe.validation
    rows = project.rows("val", limit)
    paths = {REFERENCE: project.float_path}
    sessions: dict[str, Session] = {REFERENCE: KerasSession(project.float_model, project.contract)}
    if "export_int8" in exports.values():
        paths["keras_int8"] = run.quantized_model("int8")
        quantized = Quantized.load(paths["keras_int8"]).to_keras(project.float_model, project.contract)
        sessions["keras_int8"] = KerasSession(quantized, project.contract)
    elsewhere = {subject_name(Path(file)): unverified(Path(file)) for file in exports if unverified(Path(file))}
    for file in exports:
        name = subject_name(Path(file))
        if name not in elsewhere:
            paths[name] = run.path / file
            sessions[name] = open_session(run.path / file, project.contract, threads=1)
    predictions = {name: predict_rows(session, images.pixels, rows, name) for name, session in sessions.items()}
    parity = judge(predictions, images.label_ids[rows], [images.names[row] for row in rows])
    latency_ms = time_in_turn(sessions, images.pixels[rows[:1]], settings.warmup_runs, settings.timed_runs)
    subjects = {
        name: ValidatedModel(
            file=paths[name].relative_to(run.path).as_posix(),
            runtime="keras" if name.startswith("keras_") else runtime_of(paths[name]),
            precision="float32" if name == REFERENCE else name.partition("_")[2].removesuffix("_qdq"),
            accuracy=subject.accuracy,
            faults=subject.faults,
            size_bytes=paths[name].stat().st_size,
            latency_ms=_percentiles(latency_ms[name]),
        )
        for name, subject in parity.subjects.items()
    }
    return Validation(
        passed=parity.passed,
        failures=parity.failures,
        images=parity.images,
        class_names=tuple(images.class_names),
        main=_main(subjects),
        subjects=subjects,
        pairs=parity.pairs,
        unverified=elsewhere,
        latency=Timing(warmup_runs=settings.warmup_runs, timed_runs=settings.timed_runs, threads="1 (Keras: all cores)", batch=1),
        cpu=cpu_facts(),
        software=software(),
    )


def _percentiles(took_ms: np.ndarray) -> Percentiles:
    p50, p90 = np.percentile(took_ms, [50, 90])
    return Percentiles(p50=round(float(p50), 3), p90=round(float(p90), 3))


def _main(names: Iterable[str]) -> str:
    there = set(names)
    return next(name for name in _BEST_FIRST if name in there)
