"""Images to a float model, and that to int8 grids."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from edgetl.backbones.fold import fold_batch_norms
from edgetl.errors import DataError
from edgetl.files import atomic, fingerprint, write_json
from edgetl.pipeline.project import Project
from edgetl.pipeline.train.fit import fit, float_schedule, head_settings, material_of, start_from, starting_model, tuning_settings
from edgetl.pipeline.train.temperature import scale_temperature
from edgetl.quantization import SCHEMES
from edgetl.quantization.base import Quantize, Quantized
from edgetl.run_folder import RunFolder
from edgetl.run_record import CalibrationImages, CompressFacts, Compression, DataFacts, QuantizedFacts, StageFacts, UnfreezeFacts
from edgetl.training.compress import CompressSettings, achieved, compress
from edgetl.training.epochs import History
from edgetl.training.finetune import Teacher
from edgetl.training.trials import choose

logger = logging.getLogger(__name__)

# How compression learns: zeros and clusters go through the whole network, so all of it must learn to live with them.
_WHOLE: dict[str, Any] = {"dropout": 0.0, "live_norms": False, "unfreeze": "all", "depth_factor": 1.0, "unfreeze_epochs": 0.0}


def train(project: Project) -> None:
    """Float training, then calibration, then quantization-aware training unless the recipe says no.

    A worker that is not rank 0 helps with the float training, and has nothing else to do.
    """
    if project.team.rank:
        return _follow(project)
    with project.run.writing():
        inputs = train_float(project)
        if project.float_stage == "compress":
            inputs = fingerprint(inputs, project.recipe.compress.model_dump())
            project.stage("compress", inputs, partial(_compress, project, inputs))
        for scheme in int8_schemes(project):
            quantize(project, scheme)


def train_float(project: Project) -> str:
    """The data and the float model; gives the identity of what that was made from."""
    inputs = prepare(project)
    if project.team.workers > 1:
        wanted = bool(project.run.undone("float", inputs))
        project.team.tell(project.training_images.fingerprint if wanted else "")  # read first: the others use the cache
    return project.stage("float", inputs, partial(_float, project, inputs))


def prepare(project: Project) -> str:
    """Read the images, and try what to unfreeze where the recipe leaves that open.

    Gives the identity of the images and of all else that a float model is made from.
    """
    recipe, data = project.recipe, find_data(project)
    taught = (
        [recipe.teacher.model_dump() | {"float": RunFolder(Path(recipe.teacher.run)).stage("float").files}] if recipe.teacher.run else []
    )
    tables = [recipe.model.model_dump(), recipe.train.model_dump(), recipe.augment.model_dump(), *taught]
    inputs = fingerprint(data, start_from(project), *tables)
    if recipe.train.unfreeze == "auto" and recipe.train.epochs:
        project.stage("unfreeze", inputs, partial(_unfreeze, project, inputs))
    return inputs


def find_data(project: Project) -> str:
    """Read and record the images; gives their identity.

    What was read counts, not when it was written: images that were copied or touched do not train a model again.
    """
    recipe = project.recipe
    # What is excluded counts, not the file that says so.
    settings = recipe.data.model_dump(exclude={"exclude"}) | ({"excluded": project.listing.excluded} if project.listing.excluded else {})
    listed = fingerprint(project.listing.stamp, settings, recipe.train.seed, project.contract.to_json())
    project.stage("data", listed, partial(_data, project))
    return project.run.facts("data", DataFacts).fingerprint


def int8_schemes(project: Project) -> list[str]:
    """The schemes that a run's int8 files are chosen from."""
    return ["ptq_int8", "qat_int8"] if project.recipe.quantize.qat else ["ptq_int8"]


def quantize(project: Project, scheme: str) -> None:
    """Find the int8 grids of the trained float model, unless that is done."""
    settings = project.recipe.quantize.model_dump(exclude={"qat"})
    if not scheme.startswith("qat"):
        settings = {key: settings[key] for key in ("ranges", "calibration_images")}
    inputs = fingerprint(project.run.stage(project.float_stage).inputs, scheme, settings)
    project.stage(scheme, inputs, partial(_quantize, project, scheme, inputs))


def _data(project: Project) -> tuple[Sequence[Path], StageFacts]:
    excluded = project.listing.excluded
    index = project.images.to_dict() | {"excluded": list(excluded)}
    write_json(project.run.data, index)
    facts = DataFacts(
        fingerprint=index["fingerprint"],
        counts={split: sum(sizes.values()) for split, sizes in index["counts"].items()},
        class_names=index["classes"],
        rejected=len(index["rejected"]),
        excluded=len(excluded),
    )
    counts = ", ".join(f"{count} {split}" for split, count in facts.counts.items())
    logger.info(f"images: {counts}, {facts.rejected} left out, {facts.excluded} excluded")
    return [project.run.data], facts


def _follow(project: Project) -> None:
    """Train in step with rank 0, if it has anything to train; write nothing."""
    wanted = project.team.tell()
    if wanted:
        if project.training_images.fingerprint != wanted:
            raise DataError(f"{project.recipe.data.source} holds other images here than at rank 0", "give all workers the same data")
        fit(project, starting_model(project), float_schedule(project, "float", ""))
    logger.info(f"rank {project.team.rank}: done, rank 0 goes on")


def _float(project: Project, inputs: str) -> tuple[Sequence[Path], StageFacts]:
    model, schedule = starting_model(project), float_schedule(project, "float", inputs)
    facts = fit(project, model, schedule)
    model = fold_batch_norms(model)
    facts = facts.model_copy(update={"temperature": scale_temperature(project, model)})
    model.trainable = True
    with atomic(project.run.float_model) as temporary:
        model.save(temporary, save_format="keras")
    project.contract.write(project.run.contract)
    schedule.finish()
    project.forget_float_model()
    return [project.run.float_model, project.run.contract], facts


def _unfreeze(project: Project, inputs: str) -> tuple[Sequence[Path], StageFacts]:
    schedule = float_schedule(project, "unfreeze", inputs)
    trials = choose(
        *(starting_model(project), material_of(project), head_settings(project)),
        *(tuning_settings(project, project.recipe.train.learning_rate, None), schedule),
    )
    return [], UnfreezeFacts(trials=tuple(trials))


def _compress(project: Project, inputs: str) -> tuple[Sequence[Path], StageFacts]:
    """Zeros, then clusters of what is left; both learn the predictions of the model that they were made from."""
    settings, contract, model, whole = project.recipe.compress, project.contract, project.uncompressed_model(), project.uncompressed_model()
    teacher = Teacher(lambda pixels: whole(contract.normalize(pixels), training=False), 1.0, project.recipe.quantize.temperature)
    schedule = project.schedule("compress", settings.epochs, settings.epochs, inputs)
    histories: dict[str, History] = {}
    steps = (settings.sparsity, 0, settings.learning_rate), (0.0, settings.clusters, settings.cluster_learning_rate)
    for sparsity, clusters, rate in steps:
        tuning = replace(tuning_settings(project, rate, teacher), **_WHOLE)
        histories |= compress(model, material_of(project), CompressSettings(sparsity, clusters, tuning), schedule)
    scaled = scale_temperature(project, model)
    model.trainable = True
    with atomic(project.run.compressed_model) as temporary:
        model.save(temporary, save_format="keras")
    schedule.finish()
    project.forget_float_model()
    pruning, clustering = (histories[name].training() if name in histories else None for name in ("pruning", "clustering"))
    facts = CompressFacts(pruning=pruning, clustering=clustering, achieved=Compression(**achieved(model)), temperature=scaled)
    return [project.run.compressed_model], facts


def _quantize(project: Project, scheme: str, inputs: str) -> tuple[Sequence[Path], StageFacts]:
    recipe, images, rows = project.recipe, project.images, project.calibration_rows
    schedule = project.schedule(scheme, recipe.quantize.epochs, recipe.quantize.epochs, inputs)
    find: Quantize = SCHEMES.load(scheme).quantize  # type: ignore[assignment]  # int8 schemes have one
    settings, calibrated = project.quantize_settings(), {}
    if scheme.startswith("qat"):
        quantize(project, "ptq_int8")
        settings = replace(settings, calibrated=Quantized.load(project.run.quantized_model("ptq_int8")))
        calibrated = project.run.facts("ptq_int8", QuantizedFacts).model_dump(include={"ranges", "kl"})
    quantized, found = find(project.float_model, images, rows, project.contract, settings, schedule)
    path = project.run.quantized_model(scheme)
    quantized.save(path)
    schedule.finish()
    seen = CalibrationImages(len(rows), fingerprint([images.hashes[row] for row in rows]))
    return [path], QuantizedFacts(float_inputs=project.run.stage(project.float_stage).inputs, calibration=seen, **calibrated | found)
