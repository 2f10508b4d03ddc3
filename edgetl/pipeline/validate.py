"""The proof that a run's files give the same predictions, and how fast they are."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from edgetl.keras import exact_float32

import numpy as np

from edgetl.chosen import choice_and_measure
from edgetl.evaluation.parity import REFERENCE, Labelled, Subject, Tolerance, Unknown, judge
from edgetl.evaluation.validation import Percentiles, Timing, ValidatedModel, Validation
from edgetl.export import FORMATS
from edgetl.export.exported import ExportedFile, best_first
from edgetl.files import fingerprint, sha256
from edgetl.input import FREE_BATCH
from edgetl.pipeline import measured
from edgetl.pipeline.export.current import exported
from edgetl.pipeline.imported.original import ORIGINAL, original_of
from edgetl.pipeline.known_predictions import KnownPredictions
from edgetl.pipeline.measured import KeptPredictions
from edgetl.pipeline.plan import VALIDATE
from edgetl.pipeline.project import Project, writes
from edgetl.quantization import precisions, scheme_of
from edgetl.quantization.quantized import Quantized
from edgetl.run_folder import RunFolder
from edgetl.run_record import DataFacts, ValidateFacts
from edgetl.runtimes import TRAINED, memory_of, of_integers, open_session, unverified
from edgetl.runtimes.base import Session
from edgetl.runtimes.base import predict as predict_rows
from edgetl.runtimes.cpu import cpu_facts
from edgetl.runtimes.keras import KerasSession
from edgetl.runtimes.latency import time_in_turn
from edgetl.software import software

logger = logging.getLogger(__name__)


@writes
def validate(project: Project, limit: int | None = None, *, again: bool = True) -> Validation:
    """Measure accuracy, agreement and latency of the Keras models and of every exported file on the images that measure.

    They are the test split's, where there is one. Writes validation.json. A file that cannot be run here is named in `unverified`, with
    the reason, and has no part in the verdict.

    Args:
        limit: images, evenly over the classes; None: what the recipe says; 0: all.
        again: also when the same files were validated before.
    """
    limit = project.recipe.validation.limit if limit is None else limit
    run, files = project.run, exported(project)
    hashes = {file.path.relative_to(run.path).as_posix(): sha256(file.path) for file in files}
    inputs = validation_inputs(project, hashes, limit)
    if again or not run.is_done(VALIDATE, inputs):
        project.announce(VALIDATE)
        started = time.monotonic()
        document, predicted = _validate(project, files, limit)
        document.write(run.validation)
        measured.keep(run, predicted)
        run.finish(VALIDATE, inputs, started, [run.validation], ValidateFacts(passed=document.passed, files=hashes))
    return Validation.read(run.validation)


def validation_inputs(project: Project, hashes: Mapping[str, str], limit: int | None = None) -> str:
    """Return the identity of what a validation is made from.

    Args:
        hashes: sha256 of each model file, by its path in the run.
        limit: as for `validate`.
    """
    settings = project.recipe.validation
    limit = settings.limit if limit is None else limit
    return fingerprint(hashes, settings.model_dump(), limit, project.data.measuring_split, asdict(cpu_facts()))


def tolerances() -> list[Tolerance]:
    """Return how closely each kind of file has to agree with the float model and with the models that its format names."""
    found = []
    for form in map(FORMATS.load, FORMATS):
        for precision in form.precisions:
            others = {REFERENCE: scheme_of(precision).bound, **form.agrees.get(precision, {})}
            found += [Tolerance(first=other, second=form.subject(precision), **asdict(bound)) for other, bound in others.items()]
    return found


@dataclass(frozen=True)
class _Model:
    path: Path
    runtime: str
    precision: str
    session: Session | None = None


def _validate(project: Project, files: Sequence[ExportedFile], limit: int) -> tuple[Validation, KeptPredictions]:
    exact_float32()
    run, images, settings = project.run, project.data.trained_images(), project.recipe.validation
    rows = project.data.measuring_rows(limit)
    models = _models(project, files)
    known = KnownPredictions.of(project, rows)
    predictions = {name: found for name, model in models.items() if (found := known.find(model.path)) is not None}
    if predictions:
        logger.info(f"{', '.join(predictions)}: predicted these images already, when they were exported")
    missing = {name: model.session for name, model in models.items() if name not in predictions and model.session}
    predictions |= {name: predict_rows(session, images.pixels, rows, name) for name, session in missing.items()}
    sessions = {name: model.session for name, model in models.items() if model.session}
    latency_ms = time_in_turn(sessions, images.pixels[rows[:1]], settings.warmup_runs, settings.timed_runs)
    original = original_of(project, rows)
    if original.ran:
        probabilities = original.ran.probabilities
        if project.contract.output.rejects_inside:
            # The original knows nothing of unknown images: its classes get the share of the probability that the run leaves them.
            probabilities = probabilities * predictions[REFERENCE].sum(axis=1, keepdims=True)
        predictions = {ORIGINAL: probabilities} | predictions
        models = {ORIGINAL: _Model(original.path, original.ran.runtime, models[REFERENCE].precision)} | models
        latency_ms[ORIGINAL] = original.ran.latency_ms
    allowed = [*(original.ran.tolerances if original.ran else ()), *tolerances()]
    if project.recipe.quantize.own:  # what the integers stand for nobody uses: the files are compared, and the original
        allowed = [one for one in allowed if one.first != REFERENCE]
    label_ids, names = images.label_ids[rows], tuple(images.names[row] for row in rows)
    labelled = Labelled(label_ids, names)
    for remark in of_integers(file.path for file in files if file.integer):
        logger.info(remark)
    unknown = _unknown(project, {name: model.session for name, model in models.items() if model.session}, limit)
    parity = judge(predictions, labelled, allowed, project.contract.output, unknown)
    subjects = {name: _validated(run, models[name], subject, latency_ms[name]) for name, subject in parity.subjects.items()}
    document = Validation(
        passed=parity.passed,
        failures=parity.failures,
        images=parity.images,
        split=project.data.measuring_split,
        unknown_images=unknown.images if unknown else 0,
        truth=run.facts("data", DataFacts).truth,
        chosen_by=choice_and_measure(run.read(), parity.images),
        class_names=tuple(images.class_names),
        main=next((file.name for file in best_first(files) if file.name in subjects), REFERENCE),
        subjects=subjects,
        pairs=parity.pairs,
        unverified=original.unverified | {file.name: unverified(file.path) for file in files if unverified(file.path)},
        latency=Timing(warmup_runs=settings.warmup_runs, timed_runs=settings.timed_runs, threads="1 (Keras: all cores)", batch=1),
        cpu=cpu_facts(),
        software=software(),
    )
    return document, KeptPredictions(names, tuple(images.hashes[row] for row in rows), label_ids, predictions)


def _unknown(project: Project, sessions: Mapping[str, Session], limit: int) -> Unknown | None:
    """Return the predictions of the background images that nothing learned from; None: there are none, or every image is named."""
    if not project.contract.output.rejection or project.data.background is None:
        return None
    background = project.data.background
    rows = background.rows("val")
    rows = rows[:: -(-len(rows) // limit)] if limit and len(rows) > limit else rows  # evenly, as the images of the classes are
    if not len(rows):
        return None
    return Unknown({name: predict_rows(session, background.pixels, rows, f"{name}, unknown") for name, session in sessions.items()})


def _models(project: Project, files: Sequence[ExportedFile]) -> dict[str, _Model]:
    """Open the float Keras model, the fake-quantized ones that were exported, and the files that can be run here, by their names.

    An imported file's own integers are not simulated: other roundings than the engines' would count as a difference.
    """
    as_trained = next(iter(precisions()))
    models = {REFERENCE: _Model(project.models.float_path, TRAINED, as_trained, project.models.float_session)}
    for precision in dict.fromkeys(file.precision for file in files if file.integer and not project.recipe.quantize.own):
        path = project.run.quantized_model(precision)
        simulated = Quantized.load(path).to_keras(project.models.float_model, project.contract)
        models[f"{TRAINED}_{precision}"] = _Model(path, TRAINED, precision, KerasSession(simulated, project.contract))
    for file in files:
        if not unverified(file.path):
            session = open_session(file.path, project.contract, threads=1)
            models[file.name] = _Model(file.path, file.runtime, file.precision, session)
    return models


def _validated(run: RunFolder, model: _Model, subject: Subject, latency_ms: np.ndarray) -> ValidatedModel:
    inside = model.path.is_relative_to(run.path)
    batch = model.session.batch if model.session else 1
    return ValidatedModel(
        file=model.path.relative_to(run.path).as_posix() if inside else model.path.name,
        runtime=model.runtime,
        precision=model.precision,
        accuracy=subject.accuracy,
        faults=subject.faults,
        size_bytes=sum(file.stat().st_size for file in (model.path, *model.path.rglob("*")) if file.is_file()),
        latency_ms=_percentiles(latency_ms / (1 if batch == FREE_BATCH else batch)),
        batch=batch,
        memory=None if model.runtime == TRAINED else memory_of(model.path),
    )


def _percentiles(took_ms: np.ndarray) -> Percentiles:
    p50, p90 = np.percentile(took_ms, [50, 90])
    return Percentiles(p50=round(float(p50), 3), p90=round(float(p90), 3))
