"""Measure a run's files, or any model files, on devices."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgetl.accuracy import Figure, figure
from edgetl.benchmarking import run as benchmarking
from edgetl.benchmarking.plan import ModelFile, SentImages
from edgetl.benchmarking.results import NAME, Benchmark
from edgetl.compared import MeasuredImages
from edgetl.devices.plan import Plan
from edgetl.errors import ExportError, RunError, UsageError
from edgetl.evaluation.validation import Validation
from edgetl.files import atomic, check_folder, sha256
from edgetl.input import Batch
from edgetl.pipeline.export.current import exported
from edgetl.pipeline.newest import newest
from edgetl.pipeline.plan import VALIDATE
from edgetl.pipeline.project import Project
from edgetl.report.page.benchmark import comma_separated, markdown
from edgetl.report.plots.pareto import benchmark_points, pareto
from edgetl.run_record import ValidateFacts
from edgetl.runtimes import TRAINED, batch_of, open_session, runtime_of, unverified
from edgetl.runtimes.base import predict as predict_rows

_COMPARED = 32  # images by which an accelerator is compared with its CPU: one is 3 %, and they take no time


def benchmark(
    targets: Project | Sequence[Path], devices: Sequence[str], plans: Sequence[Plan], *, images: int = 0, out: Path | None = None
) -> Benchmark:
    """Measure, and write benchmark.json, .md, .csv and .png into `out`, by default the run.

    Args:
        targets: one run, or model files.
        plans: one for each delegate.
        images: number of the run's images that measure for the devices to predict; 0: none, -1: all. Raises UsageError without a run.
    """
    check_folder(out)
    project = targets if isinstance(targets, Project) else None
    with project.run.writing() if project and out is None else nullcontext():
        models = _of_run(targets) if isinstance(targets, Project) else _of_files(targets)
        if images and not project:
            raise UsageError("--accuracy needs a run, whose images are sent", "name the run instead of its files")
        unasked = project is not None and not images and any(plan.accelerated for plan in plans)
        with _sent(project, models, _COMPARED if unasked else images, judged=not unasked) as (expected, sent):
            measured = benchmarking.benchmark(expected, devices, plans, sent)
        folder = out or (project.run.path if project else None)
        if folder:
            _write(measured, folder)
    return measured


def _write(measured: Benchmark, folder: Path) -> None:
    measured.write(folder / NAME)
    for suffix, text in ((".md", markdown(measured)), (".csv", comma_separated(measured))):
        with atomic((folder / NAME).with_suffix(suffix)) as temporary:
            temporary.write_text(text, encoding="utf-8")
    if measured.timed:
        pareto(benchmark_points(measured), (folder / NAME).with_suffix(".png"), measured.judged_by, measured.metric)


def opened(targets: Sequence[Path], data: str) -> Project | Sequence[Path]:
    """Return the run that is named, with its images at `data`, or the model files that are; nothing named: the newest run."""
    if targets and all(path.is_file() for path in targets):
        return targets
    if len(targets) > 1:
        missing = [str(path) for path in targets if not path.is_file()]
        raise UsageError(f"{missing[0]} is not a model file", "name one run, or model files that end in .tflite or .onnx")
    return Project.open(targets[0] if targets else newest("benchmark"), data=data)


def _of_files(paths: Sequence[Path]) -> Sequence[ModelFile]:
    names = [path.name if len({other.name for other in paths}) == len(paths) else str(path) for path in paths]
    return [ModelFile(name, path, _measurable(path), batch=_batch(path)) for name, path in zip(names, paths, strict=True)]


def _batch(path: Path) -> Batch:
    with suppress(ExportError):  # damaged: each device says so by itself
        return batch_of(path)
    return 1


def _measurable(path: Path) -> str:
    runtime = runtime_of(path)
    if runtime == TRAINED or unverified(path):
        raise UsageError(f"{path} cannot be run on a device", "export the run, and name a .tflite or .onnx file")
    return runtime


def _of_run(project: Project) -> Sequence[ModelFile]:
    """Return the run's exported files that some device can run, with their accuracy where they are validated."""
    accuracy: dict[str, Figure] = {}
    files_then: dict[Path, str] = {}  # what was exported again since then is not what was validated
    images = MeasuredImages()
    with suppress(RunError):  # not validated yet: nothing is known of it
        validation = Validation.of(project.run, older=True)
        if validation.truth == "labels":
            accuracy = {name: figure(one.accuracy) for name, one in validation.subjects.items()}
            images = MeasuredImages(validation.images, validation.measured_on)
        validated = project.run.facts(VALIDATE, ValidateFacts).files.items()
        files_then = {project.run.path / file: digest for file, digest in validated}
    files = [file for file in exported(project) if not unverified(file.path)]
    known = {file.name: accuracy.get(file.name) for file in files if sha256(file.path) == files_then.get(file.path)}
    return [ModelFile(file.name, file.path, file.runtime, known.get(file.name), images, file.batch) for file in files]


@contextmanager
def _sent(
    project: Project | None, models: Sequence[ModelFile], count: int, *, judged: bool
) -> Iterator[tuple[Sequence[ModelFile], SentImages | None]]:
    """Yield the models with this host's predictions, where they are to be judged, and the images in a file for the devices."""
    if project is None or not count:
        yield models, None
        return
    images, rows = project.data.trained_images(), project.data.measuring_rows(max(count, 0))
    pixels = np.ascontiguousarray(images.pixels[rows])
    expected = []
    for model in models if judged else ():
        session = open_session(model.path, project.contract)
        here = predict_rows(session, pixels, np.arange(len(rows)), f"this host: {model.name}")
        expected.append(replace(model, expected=here))
    with tempfile.TemporaryDirectory(prefix="edgetl-") as folder:
        file = Path(folder) / "images.bin"
        pixels.tofile(file)
        yield expected or models, SentImages(file, images.label_ids[rows], project.contract.output, judged=judged)
