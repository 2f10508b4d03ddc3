"""Packs a validated run into a bundle."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edgetl.benchmarking.results import NAME, Benchmark
from edgetl.chosen import doubt
from edgetl.errors import ParityError, RunError, UsageError
from edgetl.evaluation.validation import Validation
from edgetl.export import format_of
from edgetl.export.exported import ExportedFile, best_first, name_of
from edgetl.files import fingerprint, sha256
from edgetl.input import FREE_BATCH
from edgetl.pipeline.evaluate.recorded import choice_of, unknowns_of
from edgetl.pipeline.export.current import exported
from edgetl.pipeline.export.stamped import about as about_of
from edgetl.pipeline.project import Project
from edgetl.pipeline.ship.golden_images import VALIDATION, GoldenImages
from edgetl.recipe_tables import AboutTable
from edgetl.registry import did_you_mean
from edgetl.report.page.card import card
from edgetl.report.page.results import Results
from edgetl.run_folder import RunFolder
from edgetl.run_record import DataFacts, ExportFacts, ValidateFacts
from edgetl.runtimes import runtime_of
from edgetl.ship import archive, signature
from edgetl.ship.manifest import (
    CLASS_NAMES,
    MANIFEST,
    SIGNATURE,
    BundleContents,
    BundledFile,
    BundledModel,
    Manifest,
    MeasuredLatency,
    Verdict,
)
from edgetl.ship.sbom import sbom
from edgetl.wording import counted

logger = logging.getLogger(__name__)

_REMEDY = "run 'edgetl validate' and fix what it finds, or bundle the run anyway with --force"


@dataclass(frozen=True, kw_only=True)
class BundleRequest:
    """The contents of a bundle, and its description.

    Args:
        models: names of files in the run's export folder; none: the int8 files for LiteRT and ONNX Runtime.
        name: what apps call the model; empty: what the files say, else the run's name.
        version: version of the model; empty: what the files say, else a hash of the content.
        licence: licence of the model; empty: what the files say. Files that say otherwise (name and version, too) are bundled as
            copies with that changed and the graph as it was.
        signing_key: an Ed25519 private key.
        golden: the images that an app's tests replay beside the synthetic ones, which every app carries: "validation", a folder of images,
            or "synthetic": none.
        force: bundle also without a good validation, which the manifest then says.
    """

    models: tuple[str, ...] = ()
    name: str = ""
    version: str = ""
    licence: str = ""
    signing_key: Path | None = None
    golden: str = VALIDATION
    force: bool = False

    @property
    def about(self) -> dict[str, str]:
        """The name, version and licence that were asked for."""
        asked = {"name": self.name, "version": self.version, "licence": self.licence}
        return {key: text for key, text in asked.items() if text}


def bundle(project: Project, out: Path, options: BundleRequest | None = None) -> Manifest:
    """Write the bundle of a run's files, and return what it says of itself."""
    manifest, files = contents(project, options or BundleRequest())
    archive.write(out, files)
    return manifest


def contents(project: Project, options: BundleRequest) -> BundleContents:
    """Return the bundle of a run's files. Raises RunError or ParityError without a good validation."""
    run = project.run
    chosen = _chosen(best_first(exported(project)), options.models)
    _check_batches(run, chosen)
    files = [file.path for file in chosen]
    validation, forced = _validation(run, files, force=options.force)
    record = run.read()
    if why := doubt(record):
        logger.warning(why)
    said = [run.facts(file.stage, ExportFacts).about for file in chosen]
    choice = record.integer_choice()
    found = {file.path.name: _stamped(project, file, one, options.about) for file, one in zip(chosen, said, strict=True)}
    hashes = {name: _file(content) for name, content in found.items()}
    about = said[0].model_copy(update=options.about)
    version = about.version or fingerprint({name: facts.sha256 for name, facts in hashes.items()})[:12]
    title, licence = about.name or run.path.resolve().name, about.licence
    golden_files, golden = GoldenImages(project, files, found).sets(options.golden)
    found |= golden_files
    found |= {
        CLASS_NAMES: project.contract.class_name_lines,
        "card.md": card(run.path.resolve().name, Results.of(record, validation, unknowns_of(run), choice_of(run))).encode(),
        "sbom.json": sbom(title, version, licence, hashes, record.software),
    }
    manifest = Manifest(
        name=title,
        architecture=project.recipe.network,
        version=version,
        licence=licence,
        scheme=choice.chosen.name if choice else "",
        contract=project.contract,
        models={path.name: _model(run, path, validation) for path in files},
        files={name: _file(content) for name, content in sorted(found.items())},
        validation=Verdict(passed=validation.passed, images=validation.images, forced=forced),
        data_fingerprint=run.facts("data", DataFacts).fingerprint,
        software=record.software,
        golden=golden,
    )
    key = options.signing_key
    signed = {SIGNATURE: signature.sign(manifest.to_bytes(), key)} if key else {}
    return BundleContents(manifest, found | {MANIFEST: manifest.to_bytes()} | signed)


def _chosen(files: Sequence[ExportedFile], names: Sequence[str]) -> list[ExportedFile]:
    """Return the files of these names, or the best file of integers for each runtime; from `files`, in their order."""
    there = {file.path.name: file for file in files}
    wanted = list(names) or [file.path.name for file in {file.runtime: file for file in reversed(files) if file.integer}.values()]
    unknown = [name for name in wanted if name not in there]
    if unknown or not wanted:
        raise UsageError(f"the run has no {unknown[0] if unknown else 'int8 model'}", did_you_mean(unknown[0] if unknown else "", there))
    return [file for name, file in there.items() if name in wanted]


def _validation(run: RunFolder, files: Sequence[Path], *, force: bool) -> tuple[Validation, str]:
    """Return the run's validation, and what is wrong with it: nothing, unless forced. Raises RunError or ParityError."""
    document = Validation.of(run, older=True)
    validated = run.facts("validate", ValidateFacts).files
    older = [path.name for path in files if validated.get(path.relative_to(run.path).as_posix()) != sha256(path)]
    wrong = f"{older[0]} was exported after it" if older else "" if document.passed else "it failed"
    if wrong and not force:
        raise (RunError if older else ParityError)(f"the validation of {run.path} is not good enough for a bundle: {wrong}", _REMEDY)
    return document, wrong


def _check_batches(run: RunFolder, files: Sequence[ExportedFile]) -> None:
    """Raise UsageError for a file that takes several images at a time and no fewer: an app gives a model one."""
    for file in files:
        if file.batch != FREE_BATCH and file.batch > 1:
            raise UsageError(
                f"{file.path.name} takes {counted(file.batch, 'image')} at a time, and the apps of a bundle give a model one",
                f"run: edgetl export {run.quoted} --batch 1, or --batch dynamic for ONNX, then: edgetl validate {run.quoted}",
            )


def _stamped(project: Project, file: ExportedFile, said: AboutTable, asked: Mapping[str, str]) -> bytes:
    """Return the file, saying of itself what is asked."""
    content, wanted = file.path.read_bytes(), said.model_copy(update=asked)
    if wanted == said:
        return content
    return format_of(file.path.name).stamp(content, project.contract.in_batches(file.batch), about_of(project, wanted))


def _model(run: RunFolder, path: Path, validation: Validation) -> BundledModel:
    name, precision = name_of(path), format_of(path.name).precision_of(path.name)
    if reason := validation.unverified.get(name):
        return BundledModel(
            runtime=runtime_of(path), precision=precision, top1_accuracy=None, top1_interval_95=None, latency=(), unverified=reason
        )
    subject = validation.subjects.get(name)
    if subject is None:
        raise RunError(f"{path.name} was not validated", _REMEDY.partition(",")[0])
    chip = validation.cpu.model
    latency = [MeasuredLatency(device="host of the validation", chip=chip, p50_ms=subject.latency_ms.p50)]
    with suppress(RunError):  # a benchmark is welcome, not needed
        latency += _benchmarked(Benchmark.read(run.path / NAME), name, path)
    accuracy = subject.accuracy if validation.truth == "labels" else None
    return BundledModel(
        runtime=runtime_of(path),
        precision=precision,
        top1_accuracy=accuracy.top1_accuracy if accuracy else None,
        top1_interval_95=accuracy.top1_interval_95 if accuracy else None,
        latency=tuple(latency),
        unverified="",
        multi_label=accuracy.multi_label if accuracy else None,
    )


def _benchmarked(benchmark: Benchmark, name: str, path: Path) -> list[MeasuredLatency]:
    """Return the latency of the model on each device; nothing where another file of its name was measured."""
    file = benchmark.models.get(name)
    if file is None or file.sha256 != sha256(path):
        return []
    found = []
    for one in benchmark.timed:
        facts = benchmark.devices[one.device].facts
        if one.model == name and one.p50_ms is not None:
            found.append(MeasuredLatency(device=one.device, chip=facts.chip if facts else "", p50_ms=one.p50_ms))
    return found


def _file(content: bytes) -> BundledFile:
    return BundledFile(sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
