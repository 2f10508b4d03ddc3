"""A search over backbones, sizes and schedules: every trial is a run, and what counts is accuracy, measured latency and size."""

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgetl.keras import keras

from edgetl.backbones import BACKBONES
from edgetl.backbones.fold import fold_batch_norms
from edgetl.backbones.weights import obtain
from edgetl.benchmark.plan import Plan, Subject
from edgetl.benchmark.run import benchmark
from edgetl.console import note, warn
from edgetl.errors import DependencyError, DeviceError, RunError, WeightsError
from edgetl.export.tflite import int8_tflite
from edgetl.pipeline.export import export
from edgetl.pipeline.fit import with_head
from edgetl.pipeline.train import train
from edgetl.project import Project
from edgetl.quantization import SCHEMES
from edgetl.recipe import Recipe, restore
from edgetl.report.pareto import pareto
from edgetl.workspace import atomic, fingerprint, hold, write_json

# What is tried. Wider and larger ones than these are for GPUs; an entry whose weights cannot be had is left out, and named.
MODELS = (
    *("mobilenet_v1 0.25", "mobilenet_v1 0.5", "mobilenet_v1 1.0"),
    *("mobilenet_v2 0.35", "mobilenet_v2 0.5", "mobilenet_v2 1.0", "efficientnet_lite0 1.0"),
)
SPACE: Mapping[str, Sequence[Any]] = {
    "model.image_size": (96, 128, 160, 192, 224),
    "train.epochs": (2, 4, 6),  # enough to tell good networks from others; longer schedules gain all of them another point or so
    "train.learning_rate": (2e-4, 5e-4, 1e-3),
}
# A calibrated int8 model is judged: training with quantization in the loop moves all of them by much the same.
_TRIAL = {"quantize.qat": False, "export.formats": ["tflite"], "export.precisions": ["int8"]}
_PICTURES = 16  # that an untrained model is calibrated on: its latency does not depend on them
_SURPLUS = 3  # trials begun for each one that counts: over-budget ones are given up before they train


@dataclass(frozen=True)
class Search:
    """What is searched for.

    Args:
        trials: that are to be trained in all, those of earlier calls included.
        device: that latency is measured on, see `edgetl.devices`.
        budget_ms: median latency that is allowed; 0: any.
    """

    trials: int
    device: str
    budget_ms: float


def tune(recipe: Recipe, out: Path, search: Search) -> dict[str, Any]:
    """Go on with the search in `out`, or begin it; into tune.json, tune.png and, for the most accurate within budget, best.toml.

    Raises DependencyError, DeviceError (no latency can be measured), WeightsError (of all backbones).
    """
    optuna = _optuna()
    hold(out)
    models = _with_weights(recipe)
    study = _study(optuna, recipe, out, models, search)
    complete = optuna.trial.TrialState.COMPLETE
    for _ in range(_SURPLUS * search.trials):
        if len(study.get_trials(states=(complete,))) >= search.trials:
            break
        trial = study.ask()
        choice = {"model": trial.suggest_categorical("model", models)}
        choice |= {key: trial.suggest_categorical(key, values) for key, values in SPACE.items()}
        found = _tried(recipe, out, choice, search)
        for name, value in found.items():
            trial.set_user_attr(name, value)
        if "top1_accuracy" in found:
            study.tell(trial, [found["top1_accuracy"], found["latency_ms"], found["size_bytes"]])
        else:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    return _written(study, complete, recipe, out, search)


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise DependencyError("the search needs the Python package optuna", "pip install 'edgetl[tune]'") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _with_weights(recipe: Recipe) -> list[str]:
    """The models to choose from. Raises WeightsError when the weights of none can be had."""
    if recipe.model.weights != "imagenet":  # one file, or none, for one backbone
        return [_name(recipe)]
    there, missing = [], []
    for model in MODELS:
        name, alpha = model.split()
        try:
            obtain(BACKBONES.load(name), float(alpha), recipe.model.image_size)
            there.append(model)
        except WeightsError:
            missing.append(model)
    if missing:
        warn(f"left out, since their ImageNet weights cannot be had: {', '.join(missing)}")
    if not there:
        raise WeightsError("the ImageNet weights of no backbone can be had", "set EDGETL_WEIGHTS_DIR to a folder that holds some")
    return there


def _name(recipe: Recipe) -> str:
    return f"{recipe.model.backbone} {recipe.model.alpha}"


def _study(optuna: Any, recipe: Recipe, out: Path, models: Sequence[str], search: Search) -> Any:
    """The study of this search in a database in `out`; what an earlier call was killed in is tried again first."""
    name = fingerprint(
        recipe.model_dump(), list(models), {key: list(values) for key, values in SPACE.items()}, search.device, search.budget_ms
    )
    try:
        study = optuna.create_study(
            storage=f"sqlite:///{(out / 'study.db').resolve()}", study_name=name, load_if_exists=True,
            directions=("maximize", "minimize", "minimize"),
        )  # fmt: skip
    except Exception as error:  # SQLAlchemy's and SQLite's own, of many classes
        raise RunError(f"cannot use {out / 'study.db'}: {error}", "name another folder with --out") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two of its options may change in a later release: the range in pyproject.toml holds it
        study.sampler = optuna.samplers.TPESampler(
            seed=recipe.train.seed + len(study.trials),  # or a second call would draw what the first one drew
            n_startup_trials=max(4, search.trials // 3),
            multivariate=True,
            constraints_func=_over_budget(search),
        )
    for trial in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        study.enqueue_trial(trial.params)
    if not study.trials and _name(recipe) in models:
        defaults = {"model.image_size": recipe.model.image_size, "train.epochs": SPACE["train.epochs"][-1]}
        study.enqueue_trial({"model": _name(recipe), "train.learning_rate": recipe.train.learning_rate} | defaults)
    return study


def _over_budget(search: Search) -> Any:
    return lambda trial: (trial.user_attrs.get("latency_ms", 0.0) - search.budget_ms if search.budget_ms else -1.0,)


def _tried(recipe: Recipe, out: Path, choice: Mapping[str, Any], search: Search) -> dict[str, Any]:
    """A run's accuracy, latency and size; of one over the budget its latency alone, measured before it is trained."""
    backbone, alpha = choice["model"].split()
    options = {key: value for key, value in choice.items() if key != "model"} | _TRIAL
    chosen = restore(recipe.model_dump(), options=options | {"model.backbone": backbone, "model.alpha": float(alpha)})
    name = fingerprint(chosen.model_dump())
    project = Project.create(chosen, out / "trials" / name)
    note(f"trial {name}: {', '.join(f'{key} {value}' for key, value in choice.items())}")
    if search.budget_ms:
        latency_ms = _latency_ms(project.run.path / "untrained.tflite", _untrained(project), search)
        if latency_ms > search.budget_ms:
            note(f"{latency_ms:.2f} ms, over the budget: not trained")
            return {"run": name, "latency_ms": latency_ms}
    train(project)
    export(project)
    facts = project.run.stage("export_int8")["facts"]["model"]
    file = project.run.export / "model_int8.tflite"
    latency_ms = _latency_ms(file, None, search)
    keras.backend.clear_session()  # else every trial's graphs stay in memory
    note(f"top-1 {facts['top1_accuracy']:.4f}, {latency_ms:.2f} ms, {facts['size_bytes']:,} bytes")
    return {"run": name, "latency_ms": latency_ms} | {key: facts[key] for key in ("top1_accuracy", "top1_interval_95", "size_bytes")}


def _untrained(project: Project) -> bytes:
    """The int8 file of the network as it is built: as fast as the trained one."""
    recipe = project.recipe.model
    backbone = project.backbone.build(recipe.alpha, recipe.image_size)
    model = fold_batch_norms(with_head(project, backbone))
    rows = project.calibration_rows[:_PICTURES]
    find: Any = SCHEMES.load("ptq_int8").quantize
    quantized, _ = find(model, project.pictures, rows, project.contract, project.quantize_settings("minmax"))
    return int8_tflite(quantized.to_keras(model, project.contract), project.contract)


def _latency_ms(path: Path, content: bytes | None, search: Search) -> float:
    if content is not None:
        with atomic(path) as temporary:
            temporary.write_bytes(content)
    document = benchmark([Subject("model_int8.tflite", path, "litert")], [search.device], Plan(), None)
    outcome: Mapping[str, Any] = document["results"][0] if document["results"] else document["devices"][search.device]
    if "error" in outcome:
        raise DeviceError(outcome["error"]["problem"], outcome["error"]["remedy"])
    if not outcome.get("latency_ms"):
        raise DeviceError(f"{search.device} tells no latency", "name a device that does: 'edgetl devices'")
    return float(outcome["latency_ms"]["p50"])


def _written(study: Any, complete: Any, recipe: Recipe, out: Path, search: Search) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        front = {trial.number for trial in study.best_trials}
    trials = [trial.params | trial.user_attrs | {"front": trial.number in front} for trial in study.get_trials() if trial.user_attrs]
    document = {
        **{"device": search.device, "budget_ms": search.budget_ms, "recipe": recipe.model_dump()},
        **{"trials": trials, "trained": len(study.get_trials(states=(complete,))), "best": None},
    }
    good = [trial for trial in trials if trial["front"] and (not search.budget_ms or trial["latency_ms"] <= search.budget_ms)]
    if good:
        document["best"] = best = max(good, key=lambda trial: trial["top1_accuracy"])
        with atomic(out / "best.toml") as temporary:
            temporary.write_text(_toml(best, recipe), encoding="utf-8")
        _plot([trial for trial in trials if "top1_accuracy" in trial], search.device, out / "tune.png")
    write_json(out / "tune.json", document)
    return document


def _toml(trial: Mapping[str, Any], recipe: Recipe) -> str:
    """A trial's choices as a recipe, which trains it with quantization in the loop, too."""
    backbone, alpha = trial["model"].split()
    return (
        f'[data]\nsource = {json.dumps(recipe.data.source, ensure_ascii=False)}\n\n[model]\nbackbone = "{backbone}"\nalpha = {alpha}\n'
        f"image_size = {trial['model.image_size']}\n\n[train]\n"
        f"epochs = {trial['train.epochs']}  # the trial's; more are likely to gain another point\n"
        f"learning_rate = {trial['train.learning_rate']}\n"
    )


def _plot(trials: Sequence[Mapping[str, Any]], device: str, path: Path) -> None:
    names = [f"{trial['model']}, {trial['model.image_size']} px, {trial['train.epochs']} epochs" for trial in trials]
    results = [
        {"device": device, "model": name, "latency_ms": {"p50": trial["latency_ms"]}} for name, trial in zip(names, trials, strict=True)
    ]
    facts = {
        name: {"runtime": "litert", "top1_accuracy": trial["top1_accuracy"], "size_bytes": trial["size_bytes"]}
        for name, trial in zip(names, trials, strict=True)
    }
    pareto({"results": results, "models": facts}, path)
