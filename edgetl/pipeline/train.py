"""Pictures to a float model, and that to int8 grids."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from edgetl.keras import device_name, tf

import numpy as np

from edgetl.backbones import weights
from edgetl.backbones.fold import fold_batch_norms
from edgetl.console import note
from edgetl.errors import RunError
from edgetl.pipeline.temperature import scale_temperature
from edgetl.project import Project
from edgetl.quantization import SCHEMES
from edgetl.quantization.base import Quantize
from edgetl.training.compress import CompressSettings, achieved, compress
from edgetl.training.epochs import History, Schedule, resume, save
from edgetl.training.finetune import FineTuneSettings, Teacher, class_weights, fine_tune
from edgetl.training.head import HeadSettings, attach_head, train_head
from edgetl.training.tensorboard import Log
from edgetl.workspace import Run, atomic, fingerprint, sha256, write_json


def train(project: Project) -> None:
    """Float training, then calibration, then quantization-aware training unless the recipe says no."""
    inputs = train_float(project)
    if project.float_stage == "compress":
        inputs = fingerprint(inputs, project.recipe.compress.model_dump())
        project.stage("compress", inputs, partial(_compress, project, inputs))
    for scheme in int8_schemes(project):
        quantize(project, scheme)


def train_float(project: Project) -> str:
    """The data and the float model; gives the identity of what that was made from."""
    recipe, data = project.recipe, find_data(project)
    taught = [recipe.teacher.model_dump() | {"float": Run(Path(recipe.teacher.run)).stage("float")["files"]}] if recipe.teacher.run else []
    tables = [recipe.model.model_dump(), recipe.train.model_dump(), recipe.augment.model_dump(), *taught]
    inputs = fingerprint(data, start_from(project), *tables)
    return project.stage("float", inputs, partial(_float, project, inputs))


def find_data(project: Project) -> str:
    """Read and record the pictures; gives their identity.

    What was read counts, not when it was written: pictures that were copied or touched do not train a model again.
    """
    recipe = project.recipe
    # What is excluded counts, not the file that says so.
    settings = recipe.data.model_dump(exclude={"exclude"}) | ({"excluded": project.listing.excluded} if project.listing.excluded else {})
    listed = fingerprint(project.listing.stamp, settings, recipe.train.seed, project.contract.to_dict())
    project.stage("data", listed, partial(_data, project))
    return str(project.run.stage("data")["facts"]["fingerprint"])


def start_from(project: Project) -> str:
    """Identity of the weights that training starts from."""
    start = Path(project.recipe.model.weights)
    return sha256(start) if start.is_file() else project.recipe.model.weights


def int8_schemes(project: Project) -> list[str]:
    """The schemes that a run's int8 files are chosen from."""
    return ["ptq_int8", "qat_int8"] if project.recipe.quantize.qat else ["ptq_int8"]


def quantize(project: Project, scheme: str) -> None:
    """Find the int8 grids of the trained float model, unless that is done."""
    settings = project.recipe.quantize.model_dump(exclude={"qat"})
    if not scheme.startswith("qat"):
        settings = {key: settings[key] for key in ("ranges", "calibration_pictures")}
    inputs = fingerprint(project.run.stage(project.float_stage)["inputs"], scheme, settings)
    project.stage(scheme, inputs, partial(_quantize, project, scheme, inputs))


def _data(project: Project) -> tuple[Sequence[Path], dict[str, Any]]:
    excluded = project.listing.excluded
    index = project.pictures.to_dict() | {"excluded": list(excluded)}
    write_json(project.run.data, index)
    facts = {"fingerprint": index["fingerprint"], "counts": {split: sum(sizes.values()) for split, sizes in index["counts"].items()}}
    left_out, counts = len(index["rejected"]), ", ".join(f"{count} {split}" for split, count in facts["counts"].items())
    note(f"pictures: {counts}, {left_out} left out, {len(excluded)} excluded")
    return [project.run.data], facts | {"classes": index["classes"], "left_out": left_out, "excluded": len(excluded)}


def _float(project: Project, inputs: str) -> tuple[Sequence[Path], dict[str, Any]]:
    model_settings, settings, pictures, contract = project.recipe.model, project.recipe.train, project.pictures, project.contract
    note(f"training on {device_name()}")
    model, from_random = starting_model(project), model_settings.weights == "none"
    by_class = _class_weights(project)
    schedule = project.schedule("float", settings.epochs, settings.patience, inputs)
    facts: dict[str, Any] = {"device": device_name(), "class_weights": [round(float(weight), 3) for weight in by_class]}
    head_schedule = replace(schedule, checkpoint=schedule.checkpoint.with_name("checkpoint-head.npz"))
    if settings.head_epochs:
        trained = _head(project, model, by_class, head_schedule)
        facts["head_val_accuracy"] = trained.best["val_accuracy"]
        facts |= {"head_epochs": trained.entries, "head_best_epoch": trained.best_epoch + 1}
    if settings.epochs:
        tuning = _tuning(project, settings.learning_rate, _teacher(project), from_random)
        history = fine_tune(model, pictures, project.training_pictures, contract, by_class, project.augmentation, tuning, schedule)
        facts |= {"epochs": history.entries, "best_epoch": history.best_epoch + 1}
    model = fold_batch_norms(model)
    facts |= scale_temperature(project, model)
    model.trainable = True
    with atomic(project.run.float_model) as temporary:
        model.save(temporary, save_format="keras")
    write_json(project.run.contract, contract.to_dict())
    for done in (schedule, head_schedule):
        done.checkpoint.unlink(missing_ok=True)
    project.forget_float_model()
    return [project.run.float_model, project.run.contract], facts


def _head(project: Project, model: Any, by_class: np.ndarray, schedule: Schedule) -> History:
    """The last layer alone, unless that was done before a kill."""
    settings, model_settings, logits = project.recipe.train, project.recipe.model, model.get_layer("logits").variables
    done, _ = resume(schedule, logits, [])
    if done.entries:
        return done
    mirror = project.augmentation.flip and project.augmentation.strength > 0
    head = HeadSettings(
        settings.head_epochs, settings.head_learning_rate, settings.batch_size, model_settings.dropout, settings.label_smoothing, mirror
    )
    trained = train_head(model, project.pictures, project.contract, by_class, head)
    save(schedule, trained, logits, [], [variable.numpy() for variable in logits])
    log = Log(schedule.logs and schedule.logs / "head")
    for number, entry in enumerate(trained.entries, 1):
        log(number, entry)
    return trained


def starting_model(project: Project) -> Any:
    """The backbone with the weights that training starts from, under a new head."""
    settings = project.recipe.model
    backbone = project.backbone.build(settings.alpha, settings.image_size)
    weights.load(backbone, project.backbone, settings.weights, settings.alpha, settings.image_size)
    # Folded first, a pretrained network trains 1.7 times as fast and its statistics are frozen; a random one needs live statistics.
    return attach_head(backbone if settings.weights == "none" else fold_batch_norms(backbone), len(project.contract.labels))


def _class_weights(project: Project) -> np.ndarray:
    pictures = project.pictures
    return class_weights(pictures.labels[pictures.rows("train")], len(pictures.classes), project.recipe.train.balance_above)


def _tuning(project: Project, learning_rate: float, teacher: Teacher | None, from_random: bool = False) -> FineTuneSettings:
    model, train = project.recipe.model, project.recipe.train
    return FineTuneSettings(
        batch_size=train.batch_size,
        learning_rate=learning_rate,
        warmup_fraction=train.warmup_fraction,
        fine_tune_from=train.fine_tune_from,
        dropout=model.dropout,
        label_smoothing=train.label_smoothing,
        live_norms=from_random,
        seed=train.seed,
        teacher=teacher,
    )


def _compress(project: Project, inputs: str) -> tuple[Sequence[Path], dict[str, Any]]:
    """Zeros, then clusters of what is left; both learn the answers of the model that they were made from."""
    settings, contract, model, whole = project.recipe.compress, project.contract, project.uncompressed_model(), project.uncompressed_model()
    teacher = Teacher(lambda pixels: whole(contract.normalize(pixels), training=False), 1.0, project.recipe.quantize.temperature)
    schedule = project.schedule("compress", settings.epochs, settings.epochs, inputs)
    histories: dict[str, History] = {}
    pruning, clustering = (settings.sparsity, 0, settings.learning_rate), (0.0, settings.clusters, settings.cluster_learning_rate)
    for sparsity, clusters, rate in (pruning, clustering):
        tuning = replace(_tuning(project, rate, teacher), dropout=0.0)
        histories |= compress(
            *(model, project.pictures, project.training_pictures, contract, _class_weights(project), project.augmentation),
            CompressSettings(sparsity, clusters, tuning),
            schedule,
        )
    scaled = scale_temperature(project, model)
    model.trainable = True
    with atomic(project.run.compressed_model) as temporary:
        model.save(temporary, save_format="keras")
    for checkpoint in project.run.path.glob(f"{schedule.checkpoint.stem}*"):
        checkpoint.unlink()
    project.forget_float_model()
    last = list(histories.values())[-1]
    facts = {"epochs": last.entries, "best_epoch": last.best_epoch + 1, "achieved": achieved(model)} | scaled
    if len(histories) > 1:  # clustering came last
        facts |= {"pruning_epochs": histories["pruning"].entries, "pruning_best_epoch": histories["pruning"].best_epoch + 1}
    return [project.run.compressed_model], facts


def _teacher(project: Project) -> Teacher | None:
    """The float model of another run. Raises RunError when it knows other classes."""
    settings = project.recipe.teacher
    if not settings.run:
        return None
    other = Project.open(Path(settings.run))
    if other.contract.labels != project.contract.labels:
        raise RunError(f"{settings.run} knows other classes than {project.recipe.data.source}", "choose a teacher of the same classes")
    model, contract = other.float_model, other.contract

    def answer(pixels: Any) -> Any:
        sized = tf.image.resize(pixels, [contract.image_size] * 2, antialias=True)
        return model(contract.normalize(sized), training=False)

    return Teacher(answer, settings.weight, settings.temperature)


def _quantize(project: Project, scheme: str, inputs: str) -> tuple[Sequence[Path], dict[str, Any]]:
    recipe, pictures, rows = project.recipe, project.pictures, project.calibration_rows
    schedule = project.schedule(scheme, recipe.quantize.epochs, recipe.quantize.epochs, inputs)
    find: Quantize = SCHEMES.load(scheme).quantize  # type: ignore[assignment]  # int8 schemes have one
    quantized, facts = find(project.float_model, pictures, rows, project.contract, project.quantize_settings(), schedule)
    path = project.run.quantized_model(scheme)
    quantized.save(path)
    schedule.checkpoint.unlink(missing_ok=True)
    calibration = {"pictures": len(rows), "sha256": fingerprint([pictures.hashes[row] for row in rows])}
    return [path], facts | {"float": project.run.stage(project.float_stage)["inputs"], "calibration": calibration}
