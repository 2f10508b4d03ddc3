"""Pictures to a float model, and that to int8 grids."""

from collections.abc import Sequence
from dataclasses import asdict, replace
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
from edgetl.training.head import Head, HeadSettings, attach_head, dense_layers, train_head
from edgetl.training.tensorboard import Log
from edgetl.training.trials import choose
from edgetl.workspace import Run, atomic, fingerprint, sha256, write_json

# How compression learns: zeros and clusters go through the whole network, so all of it must learn to live with them.
_WHOLE: dict[str, Any] = {"dropout": 0.0, "live_norms": False, "unfreeze": "all", "depth_factor": 1.0, "unfreeze_epochs": 0.0}


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
    inputs = prepare(project)
    return project.stage("float", inputs, partial(_float, project, inputs))


def prepare(project: Project) -> str:
    """Read the pictures, and try what to unfreeze where the recipe leaves that open.

    Gives the identity of the pictures and of all else that a float model is made from.
    """
    recipe, data = project.recipe, find_data(project)
    taught = [recipe.teacher.model_dump() | {"float": Run(Path(recipe.teacher.run)).stage("float")["files"]}] if recipe.teacher.run else []
    tables = [recipe.model.model_dump(), recipe.train.model_dump(), recipe.augment.model_dump(), *taught]
    inputs = fingerprint(data, start_from(project), *tables)
    if recipe.train.unfreeze == "auto" and recipe.train.epochs:
        project.stage("unfreeze", inputs, partial(_unfreeze, project, inputs))
    return inputs


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
    model, schedule = starting_model(project), float_schedule(project, "float", inputs)
    facts = fit(project, model, schedule)
    model = fold_batch_norms(model)
    facts |= scale_temperature(project, model)
    model.trainable = True
    with atomic(project.run.float_model) as temporary:
        model.save(temporary, save_format="keras")
    write_json(project.run.contract, project.contract.to_dict())
    schedule.finish()
    project.forget_float_model()
    return [project.run.float_model, project.run.contract], facts


def float_schedule(project: Project, stage: str, inputs: str) -> Schedule:
    return project.schedule(stage, project.recipe.train.epochs, project.recipe.train.patience, inputs)


def fit(project: Project, model: Any, schedule: Schedule) -> dict[str, Any]:
    """Train the head alone, then as much of the network as the recipe says; gives what is to be known of it."""
    settings, pictures, contract = project.recipe.train, project.pictures, project.contract
    note(f"training on {device_name()}")
    by_class = _class_weights(project)
    facts: dict[str, Any] = {"device": device_name(), "class_weights": [round(float(weight), 3) for weight in by_class]}
    head = _head_settings(project)
    if head is not None:
        trained = _head(project, model, by_class, head, schedule.part("head"))
        facts["head_val_accuracy"] = trained.best["val_accuracy"]
        facts |= {"head_epochs": trained.entries, "head_best_epoch": trained.best_epoch + 1}
    tuning = _tuning(project, None, _teacher(project))
    if settings.epochs and tuning.unfreeze != "none":
        history = fine_tune(model, pictures, project.training_pictures, contract, by_class, project.augmentation, tuning, schedule)
        facts |= {"epochs": history.entries, "best_epoch": history.best_epoch + 1}
    return facts


def _head(project: Project, model: Any, by_class: np.ndarray, settings: HeadSettings, schedule: Schedule) -> History:
    """The head alone, unless that was done before a kill."""
    variables = [variable for layer in dense_layers(model) for variable in layer.variables]
    done, _ = resume(schedule, variables, [])
    if done.entries:
        return done
    trained = train_head(model, project.pictures, project.contract, by_class, settings)
    save(schedule, trained, variables, [], [variable.numpy() for variable in variables])
    log = Log(schedule.logs and schedule.logs / "head")
    for number, entry in enumerate(trained.entries, 1):
        log(number, entry)
    return trained


def starting_model(project: Project) -> Any:
    """The backbone with the weights that training starts from, under a new head."""
    backbone = starting_backbone(project)
    # Folded first, a pretrained network trains 1.7 times as fast and its statistics are frozen; a random one needs live statistics.
    return with_head(project, backbone if project.recipe.model.weights == "none" else fold_batch_norms(backbone))


def starting_backbone(project: Project) -> Any:
    settings = project.recipe.model
    backbone = project.backbone.build(settings.alpha, settings.image_size)
    weights.load(backbone, project.backbone, settings.weights, settings.alpha, settings.image_size)
    return backbone


def with_head(project: Project, backbone: Any) -> Any:
    """The backbone, itself and no copy, under the recipe's head."""
    head = Head(project.recipe.model.pooling, project.recipe.model.dense)
    return attach_head(backbone, len(project.contract.labels), head)


def _class_weights(project: Project) -> np.ndarray:
    pictures = project.pictures
    return class_weights(pictures.labels[pictures.rows("train")], len(pictures.classes), project.recipe.train.balance_above)


def _unfreeze(project: Project, inputs: str) -> tuple[Sequence[Path], dict[str, Any]]:
    schedule = float_schedule(project, "unfreeze", inputs)
    trials = choose(
        *(starting_model(project), project.pictures, project.training_pictures, project.contract, _class_weights(project)),
        *(project.augmentation, _head_settings(project), _tuning(project, project.recipe.train.learning_rate, None), schedule),
    )
    chosen = {"unfreeze": trials[0].unfreeze, "learning_rate": trials[0].learning_rate}
    return [], chosen | {"trials": [asdict(trial) for trial in trials]}


def _head_settings(project: Project) -> HeadSettings | None:
    """None: the head has no stage of its own."""
    model, train = project.recipe.model, project.recipe.train
    mirror = project.augmentation.flip and project.augmentation.strength > 0
    rates = train.head_epochs, train.head_learning_rate
    return HeadSettings(*rates, train.batch_size, model.dropout, train.label_smoothing, mirror, model.l2) if train.head_epochs else None


def _tuning(project: Project, learning_rate: float | None, teacher: Teacher | None) -> FineTuneSettings:
    """The recipe's fine-tuning, or at another learning rate."""
    model, train = project.recipe.model, project.recipe.train
    what, rate = train.unfreeze, train.learning_rate
    if what == "auto" and learning_rate is None and train.epochs:
        facts = project.run.stage("unfreeze")["facts"]
        what, rate = facts["unfreeze"], facts["learning_rate"]
    return FineTuneSettings(
        batch_size=train.batch_size,
        learning_rate=learning_rate or rate,
        warmup_fraction=train.warmup_fraction,
        unfreeze=what,
        dropout=model.dropout,
        label_smoothing=train.label_smoothing,
        live_norms=model.weights == "none",
        seed=train.seed,
        teacher=teacher,
        l2=model.l2,
        depth_factor=train.depth_factor,
        unfreeze_epochs=train.unfreeze_epochs,
    )


def _compress(project: Project, inputs: str) -> tuple[Sequence[Path], dict[str, Any]]:
    """Zeros, then clusters of what is left; both learn the answers of the model that they were made from."""
    settings, contract, model, whole = project.recipe.compress, project.contract, project.uncompressed_model(), project.uncompressed_model()
    teacher = Teacher(lambda pixels: whole(contract.normalize(pixels), training=False), 1.0, project.recipe.quantize.temperature)
    schedule = project.schedule("compress", settings.epochs, settings.epochs, inputs)
    histories: dict[str, History] = {}
    pruning, clustering = (settings.sparsity, 0, settings.learning_rate), (0.0, settings.clusters, settings.cluster_learning_rate)
    for sparsity, clusters, rate in (pruning, clustering):
        tuning = replace(_tuning(project, rate, teacher), **_WHOLE)
        histories |= compress(
            *(model, project.pictures, project.training_pictures, contract, _class_weights(project), project.augmentation),
            CompressSettings(sparsity, clusters, tuning),
            schedule,
        )
    scaled = scale_temperature(project, model)
    model.trainable = True
    with atomic(project.run.compressed_model) as temporary:
        model.save(temporary, save_format="keras")
    schedule.finish()
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
    schedule.finish()
    calibration = {"pictures": len(rows), "sha256": fingerprint([pictures.hashes[row] for row in rows])}
    return [path], facts | {"float": project.run.stage(project.float_stage)["inputs"], "calibration": calibration}
