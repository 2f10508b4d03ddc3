"""The stages of a training: read the images, train the float model, compress it, quantize it."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from edgetl.backbones import keras_file
from edgetl.chosen import untrained
from edgetl.data.base import SPLITS, classes_in
from edgetl.data.checks import warn_of_background, warn_of_copies, warn_of_labels
from edgetl.data.formats import decoders
from edgetl.data.index import DataIndex
from edgetl.errors import DataError
from edgetl.files import fingerprint
from edgetl.float_record import UnfreezeFacts
from edgetl.pipeline.measuring import compared, rightly
from edgetl.pipeline.plan import epochs_after, int8_schemes, training
from edgetl.pipeline.project import Project
from edgetl.pipeline.settings import (
    compress_schedule,
    compress_settings,
    fine_tune_settings,
    head_settings,
    quantize_schedule,
    quantize_settings,
    steps_per_epoch,
)
from edgetl.pipeline.train.classifier import float_schedule, learning_steps, train_classifier
from edgetl.pipeline.train.from_file import keep, own_integers
from edgetl.pipeline.train.rejection import rejecting
from edgetl.pipeline.train.start import starting_model, starting_weights
from edgetl.pipeline.train.teacher import train_teacher
from edgetl.pipeline.train.temperature import scale, temperature_of
from edgetl.quantization import SCHEMES, integer_schemes
from edgetl.quantization.base import Quantize
from edgetl.quantization.distance import distance_from
from edgetl.quantization.quantized import QuantizationResult, Quantized
from edgetl.run_record import (
    CalibrationImages,
    CompressFacts,
    DataFacts,
    FloatFacts,
    QuantizedFacts,
    StageFacts,
)
from edgetl.runtimes.keras import KerasSession
from edgetl.training.compress import compress, compression_of
from edgetl.training.finetune import Distillation
from edgetl.training.fold import fold_batch_norms
from edgetl.training.objective import objective_of
from edgetl.training.speed import uses_xla
from edgetl.training.trials import choose
from edgetl.wording import counted

logger = logging.getLogger(__name__)


def train(project: Project) -> None:
    """Train the float model, calibrate it, then train it with quantization in the loop unless the recipe says no.

    A worker that is not rank 0 helps with the float training, and has nothing else to do.
    """
    if project.team.rank:
        return _follow(project)
    with project.run.writing(), project.data.learning():
        project.planned(training(project.recipe))
        inputs = train_float(project)
        if project.models.float_stage == "compress":
            inputs = fingerprint(inputs, project.recipe.compress.model_dump())
            project.stage("compress", inputs, partial(_compress, project, inputs))
        if not (project.recipe.has_images or project.recipe.quantize.own):
            return
        calibrated = integer_schemes(trained=False, own=project.recipe.quantize.own)
        for scheme in calibrated:
            quantize(project, scheme)
        if why := untrained(project.run.read()):
            logger.info(why)
        for scheme in int8_schemes(project.run, project.recipe):
            if scheme not in calibrated:
                quantize(project, scheme)


def train_float(project: Project) -> str:
    """Read the images and train the float model; returns the identity of everything that it was made from."""
    inputs = prepare(project)
    if project.team.workers > 1:
        wanted = bool(project.run.undone("float", inputs))
        project.team.broadcast(project.data.training_images.fingerprint if wanted else "")  # read first: the others use the cache
    made = project.stage("float", inputs, partial(_float, project, inputs))
    project.decide()
    return made


def prepare(project: Project) -> str:
    """Read the images, and try what to unfreeze where the recipe leaves that open.

    Returns the identity of the images and of everything else that a float model is made from.
    """
    recipe, data = project.recipe, find_data(project)
    tables: list[object] = [table.model_dump() for table in (recipe.model, recipe.train, recipe.augment, recipe.reject)]
    tables += train_teacher(project, train_float)
    if background := project.data.listing.background:
        tables.append({"background": background.stamp})
    inputs = fingerprint(data, starting_weights(project), *tables)
    if recipe.train.unfreeze == "auto" and recipe.train.epochs:
        project.stage("unfreeze", inputs, partial(_unfreeze, project, inputs))
    return inputs


def find_data(project: Project) -> str:
    """Read and record the images; returns their identity.

    What was read counts, not when it was written: images that were copied or touched do not train a model again.
    """
    recipe, listing = project.recipe, project.data.listing
    # What is listed and excluded counts, not the settings and the file that say so.
    settings = recipe.data.model_dump(exclude={"layout", "follow_links", "spellings", "exclude", "task"})
    settings |= {"excluded": listing.excluded} if listing.excluded else {}
    # Nor does the release of what every installation has, but a package that was not there.
    extra = decoders(item.name for item in listing.items)[1:]
    listed = fingerprint(listing.stamp, settings, recipe.train.seed, project.contract.of_the_images(), *extra)
    project.stage("data", listed, partial(_data, project))
    return project.run.facts("data", DataFacts).fingerprint


def quantize(project: Project, scheme: str) -> None:
    """Find the int8 grids of the trained float model, unless that is done."""
    settings = project.recipe.quantize.model_dump(exclude={"qat", "qat_above"})
    if not SCHEMES.load(scheme).trained:
        settings = {key: settings[key] for key in ("ranges", "calibration_images")}
    inputs = fingerprint(project.run.stage(project.models.float_stage).inputs, scheme, settings)
    project.stage(scheme, inputs, partial(_quantize, project, scheme, inputs))


def _data(project: Project) -> tuple[Sequence[Path], StageFacts]:
    excluded = project.data.listing.excluded
    index = DataIndex.of(project.data.images, excluded, project.data.listing.links)
    index.write(project.run.data)
    hashes = [image.sha256 for image in index.images]
    warn_of_copies([image.split for image in index.images], hashes)
    warn_of_labels([image.name for image in index.images], [classes_in(image.class_name, index.task) for image in index.images], hashes)
    facts = DataFacts(
        fingerprint=index.fingerprint,
        counts={split: len(project.data.rows(split)) for split in SPLITS},
        class_names=index.class_names,
        rejected=len(index.rejected),
        excluded=len(excluded),
        truth="labels" if project.data.listing.labelled else "original" if project.recipe.has_images else "noise",
        task=index.task,
    )
    counts = ", ".join(f"{count} {split}" for split, count in facts.counts.items())
    background = project.data.listing.background
    unknown = f", and {counted(len(background.items), 'background image')}" if background else ""
    logger.info(f"images: {counts}, {facts.rejected} left out, {facts.excluded} excluded{unknown}")
    if facts.truth != "labels":
        logger.info("there are no labels: what the imported network itself predicts counts as right")
    return [project.run.data], facts


def _follow(project: Project) -> None:
    """Train in step with rank 0, if it has anything to train; write nothing."""
    fingerprint_at_rank_0 = project.team.broadcast()
    if fingerprint_at_rank_0:
        if project.data.training_images.fingerprint != fingerprint_at_rank_0:
            raise DataError(f"{project.recipe.data.source} holds other images here than at rank 0", "give all workers the same data")
        train_classifier(project, starting_model(project), float_schedule(project, "float", ""))
    logger.info(f"rank {project.team.rank}: done, rank 0 goes on")


def _float(project: Project, inputs: str) -> tuple[Sequence[Path], StageFacts]:
    if project.source:
        return keep(project, project.source)
    if background := project.data.background:  # read before the training: nobody wants to hear of an unusable file after it
        warn_of_background(background.hashes, project.data.images.hashes)
    model, schedule = starting_model(project), float_schedule(project, "float", inputs)
    if project.plan:
        schedule = replace(schedule, epochs_after=epochs_after(project.plan, "float"))
    facts = train_classifier(project, model, schedule)
    model = fold_batch_norms(model)
    scale(model, facts.temperature)
    model = rejecting(project, model, facts.rejection, trained_again=facts.trained_again)
    project.contract = project.contract.with_thresholds(facts.thresholds)
    model.trainable = True
    keras_file.save(model, project.run.float_model)
    project.contract.write(project.run.contract)
    schedule.finish()
    project.models.forget()
    return [project.run.float_model, project.run.contract], facts.model_copy(update={"network": project.recipe.network})


def _unfreeze(project: Project, inputs: str) -> tuple[Sequence[Path], StageFacts]:
    settings = fine_tune_settings(project.recipe, len(project.data.rows("train")))
    settings = replace(settings, jit=uses_xla(project.recipe.train.jit, project.team.replicas))
    schedule = float_schedule(project, "unfreeze", inputs)
    trials = choose(starting_model(project), project.data.examples, head_settings(project.recipe), settings, schedule)
    return [], UnfreezeFacts(trials=trials)


def _compress(project: Project, inputs: str) -> tuple[Sequence[Path], StageFacts]:
    """Prune, then cluster what is left; both learn the predictions of the model that they were made from."""
    recipe, contract, model, original = project.recipe, project.contract, project.models.uncompressed(), project.models.uncompressed()
    objective = objective_of(contract.output)
    teacher = lambda pixels: original(contract.normalize(pixels), training=False)  # noqa: E731
    distillation = Distillation(teacher, 1.0, recipe.quantize.temperature, objective)
    settings = compress_settings(recipe, distillation, jit=uses_xla(recipe.train.jit, project.team.replicas))
    # The images that choose can do so only if the float model has not learned from them. Else all are learned from, to the last epoch.
    learned = project.run.facts("float", FloatFacts).trained_again
    images = project.data.images if learned else project.data.choosing
    steps = steps_per_epoch(recipe, len(images.rows("train")))
    schedule = compress_schedule(recipe, project.run, "compress", inputs, steps)
    chosen = images is not project.data.images
    schedule = replace(schedule, patience=schedule.patience if chosen else 0, judged_by=project.data.judged_by(images))
    pruned, clustered = compress(model, project.data.augmented(images), settings, schedule)
    cost = compared(project, *(rightly(project, KerasSession(one, contract)) for one in (model, original)))
    (logger.warning if cost.shown and cost.gain_points < 0 else logger.info)(f"compressed against float: {cost}")
    facts = CompressFacts(
        pruning=pruned.recorded(),
        clustering=clustered.recorded(),
        achieved=compression_of(model),
        temperature=None if learned else temperature_of(project, model),  # learned by heart, they would ask for too much certainty
        cost=cost,
    )
    scale(model, facts.temperature)
    model.trainable = True
    keras_file.save(model, project.run.compressed_model)
    schedule.finish()
    project.models.forget()
    return [project.run.compressed_model], facts


def _quantize(project: Project, scheme: str, inputs: str) -> tuple[Sequence[Path], StageFacts]:
    recipe, images = project.recipe, project.data.images
    # By the second training the float model has learned from the images that choose, and is where this one starts.
    learned = project.run.facts("float", FloatFacts).trained_again
    judged_by = "training image" if learned else project.data.judged_by(project.data.choosing)
    schedule = replace(quantize_schedule(recipe, project.run, scheme, inputs, learning_steps(project)), judged_by=judged_by)
    chosen = SCHEMES.load(scheme)
    rows = np.empty(0, np.int64) if chosen.own else project.data.calibration_rows
    find: Quantize = chosen.quantize  # type: ignore[assignment]  # int8 schemes have one
    settings = quantize_settings(recipe)
    if chosen.own:
        settings = replace(settings, calibrated=own_integers(project))
    if chosen.starts_from:
        quantize(project, chosen.starts_from)
        start = Quantized.load(project.run.quantized_model(chosen.starts_from))
        ranges = project.run.facts(chosen.starts_from, QuantizedFacts).ranges
        settings = replace(settings, calibrated=QuantizationResult(start, ranges))
    found = find(project.models.float_model, project.data.examples, rows, settings, schedule)
    path = project.run.quantized_model(scheme)
    found.model.save(path)
    schedule.finish()
    seen = CalibrationImages(len(rows), fingerprint([images.hashes[row] for row in rows]))
    distance = found.distance
    if distance is None and not chosen.trained and recipe.quantize.qat == "auto":
        distance = distance_from(project.models.float_model, project.data.examples, rows, recipe.train.seed)(found.model)
    return [path], QuantizedFacts(
        float_inputs=project.run.stage(project.models.float_stage).inputs,
        calibration=seen,
        ranges=found.ranges,
        training=found.training,
        distance=distance,
    )
