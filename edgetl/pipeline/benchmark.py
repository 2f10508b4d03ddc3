"""A run's files, or any model files, measured on devices."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgetl.benchmark.plan import Plan, Sent, Subject
from edgetl.benchmark.run import benchmark as measure
from edgetl.errors import RunError, UsageError
from edgetl.evaluation.validation import Validation
from edgetl.pipeline.export.files import exported
from edgetl.pipeline.project import Project
from edgetl.pipeline.validate import subject_name
from edgetl.report import benchmark as report
from edgetl.run_folder import RunFolder
from edgetl.runtimes import open_session, runtime_of, unverified
from edgetl.runtimes.base import predict as predict_rows


def benchmark(targets: RunFolder | Sequence[Path], devices: Sequence[str], plan: Plan, images: int, out: Path | None) -> dict[str, Any]:
    """Measure, and write benchmark.json, .md, .csv and .png into `out`, by default the run.

    Args:
        targets: one run, or model files; none: the newest run.
        images: of the run's validation set for the devices to answer; 0: none, -1: all. Raises UsageError where there is no run.
    """
    run = targets if isinstance(targets, RunFolder) else _run_of(targets)
    with run.writing() if run and out is None else nullcontext():
        return _benchmark(run, () if isinstance(targets, RunFolder) else targets, devices, plan, images, out)


def _benchmark(
    run: RunFolder | None, targets: Sequence[Path], devices: Sequence[str], plan: Plan, images: int, out: Path | None
) -> dict[str, Any]:
    subjects = _of_run(run) if run else _of_files(targets)
    if images and not run:
        raise UsageError("--accuracy needs a run, whose validation images are sent", "name the run instead of its files")
    with _sent(run, subjects, images) as (asked, sent):
        document = measure(asked, devices, plan, sent)
    folder = out or (run.path if run else None)
    if folder:
        report.write(document, folder)
    return document


def _run_of(targets: Sequence[Path]) -> RunFolder | None:
    if targets and all(path.is_file() for path in targets):
        return None
    if len(targets) > 1:
        missing = [str(path) for path in targets if not path.is_file()]
        raise UsageError(f"{missing[0]} is no model file", "name one run, or model files that end in .tflite or .onnx")
    return RunFolder.open(targets[0] if targets else None)


def _of_files(paths: Sequence[Path]) -> Sequence[Subject]:
    names = [path.name if len({other.name for other in paths}) == len(paths) else str(path) for path in paths]
    return [Subject(name, path, _measurable(path)) for name, path in zip(names, paths, strict=True)]


def _measurable(path: Path) -> str:
    runtime = runtime_of(path)
    if runtime == "keras" or unverified(path):
        raise UsageError(f"{path} runs on no device", "export the run, and name a .tflite or .onnx file")
    return runtime


def _of_run(run: RunFolder) -> Sequence[Subject]:
    """Its exported files but those that run on no device of ours, with their accuracy where they are validated as they are."""
    accuracy: dict[str, float] = {}
    with suppress(RunError):  # not validated yet: nothing is known of it
        accuracy = {name: one.accuracy.top1_accuracy for name, one in Validation.of(run).subjects.items()}
    files = [run.path / file for file in exported(Project.open(run.path)) if not unverified(Path(file))]
    return [Subject(name, path, runtime_of(path), accuracy.get(name)) for path in files for name in [subject_name(path)]]


@contextmanager
def _sent(run: RunFolder | None, subjects: Sequence[Subject], count: int) -> Iterator[tuple[Sequence[Subject], Sent | None]]:
    """The subjects with this host's predictions, and the images in a file for the devices."""
    if run is None or not count:
        yield subjects, None
        return
    project = Project.open(run.path)
    images, rows = project.trained_images(), project.rows("val", max(count, 0))
    pixels = np.ascontiguousarray(images.pixels[rows])

    def predictions(one: Subject) -> Any:
        return predict_rows(open_session(one.path, project.contract), pixels, np.arange(len(rows)), f"here: {one.name}")

    answered = [replace(one, expected=predictions(one)) for one in subjects]
    with tempfile.TemporaryDirectory(prefix="edgetl-") as folder:
        file = Path(folder) / "images.bin"
        pixels.tofile(file)
        yield answered, Sent(file, images.label_ids[rows])
