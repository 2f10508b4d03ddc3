"""A search over networks and schedules: every trial is a run, and what counts is accuracy, measured latency and size."""

import json
import logging
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

from edgetl.backbones import BACKBONES
from edgetl.backbones.weights.load import obtain
from edgetl.errors import DependencyError, RunError, WeightsError
from edgetl.files import atomic, fingerprint, write_json
from edgetl.pipeline.tune.trial import Choice, judged, recipe_of, trained
from edgetl.recipe import Recipe, load
from edgetl.report.tune import plot
from edgetl.run_folder import writing

logger = logging.getLogger(__name__)

# What is tried. Wider and larger ones than these are for GPUs; an entry whose weights cannot be had is left out, and named.
MODELS = (
    *("mobilenet_v1 0.25", "mobilenet_v1 0.5", "mobilenet_v1 1.0"),
    *("mobilenet_v2 0.35", "mobilenet_v2 0.5", "mobilenet_v2 1.0", "efficientnet_lite0 1.0"),
)
IMAGE_SIZES = (96, 128, 160, 192, 224)
SCHEDULES: Mapping[str, Sequence[Any]] = {
    "train.epochs": (4, 6),  # enough to tell good networks from others; longer schedules gain all of them another point or so
    "train.learning_rate": (2e-4, 5e-4, 1e-3),
}
_FIGURES = ("top1_accuracy", "latency_ms", "size_bytes")
_TRAININGS, _FINALISTS = 1 / 3, 1 / 4  # of the number of networks: trainings take most of the time
_SURPLUS = 3  # trials begun for each one that counts; the others are over the budget, or were drawn before


@dataclass(frozen=True)
class Search:
    """What is searched for.

    Args:
        trials: networks that are to be judged in all, those of earlier calls included.
        device: that latency is measured on, see `edgetl.devices`.
        budget_ms: median latency that is allowed; 0: any.
    """

    trials: int
    device: str
    budget_ms: float


def tune(recipe: Recipe, out: Path, search: Search) -> dict[str, Any]:
    """Go on with the search in `out`, or begin it; into tune.json, tune.png and, for the most accurate within budget, best.toml.

    Two rungs, as of successive halving (Jamieson and Talwalkar 2016, arXiv:1502.07943): networks are judged by a head on their frozen
    features, which takes a sixth of fine-tuning's time; the best of them are trained, and what then is the best with other schedules.

    Raises DependencyError, DeviceError (no latency can be measured), WeightsError (of all backbones).
    """
    optuna = _optuna()
    with writing(out):
        return _search(optuna, recipe, out, search)


def _search(optuna: Any, recipe: Recipe, out: Path, search: Search) -> dict[str, Any]:
    space: dict[str, Sequence[Any]] = {"model": _with_weights(recipe), "model.image_size": IMAGE_SIZES}
    networks = _study(optuna, recipe, out, search, space)
    default = {"model": _name(recipe), "model.image_size": recipe.model.image_size}
    if not networks.trials and all(default[key] in values for key, values in space.items()):
        networks.enqueue_trial(default)
    for _ in _until(networks, search.trials):
        _try(networks, space, partial(judged, recipe, out / "trials", search.device, search.budget_ms))

    space |= SCHEDULES
    trainings = _study(optuna, recipe, out, search, space)
    finalists = _finalists(networks, math.ceil(_FINALISTS * search.trials))
    for _ in _until(trainings, math.ceil(_TRAININGS * search.trials) if finalists else 0):
        if not any(trial.state.name == "WAITING" for trial in trainings.trials):
            trainings.enqueue_trial(_next(finalists, trainings, recipe))
        _try(trainings, space, partial(trained, recipe, out / "trials", search.device))
    return _written(networks, trainings, recipe, out, search)


def _until(study: Any, count: int) -> Iterator[int]:
    """Turns until `count` trials have all their figures, or too many have not."""
    for turn in range(_SURPLUS * count):
        if len(_complete(study)) >= count:
            return
        yield turn


def _complete(study: Any) -> list[Any]:
    return [trial for trial in study.trials if trial.state.name == "COMPLETE"]


def _try(study: Any, space: Mapping[str, Sequence[Any]], attempt: Callable[[Choice], dict[str, Any]]) -> None:
    """One trial of what the study proposes, unless that was tried before."""
    known = [trial.params for trial in study.trials if trial.user_attrs]
    trial = study.ask()
    choice = {key: trial.suggest_categorical(key, values) for key, values in space.items()}
    found = {} if choice in known else attempt(choice)
    for name, value in found.items():
        trial.set_user_attr(name, value)
    if all(figure in found for figure in _FIGURES):
        study.tell(trial, [found[figure] for figure in _FIGURES])
    else:
        study.tell(trial, state=_optuna().trial.TrialState.PRUNED)


def _finalists(networks: Any, count: int) -> list[Choice]:
    """The most accurate network of each model, then the second of each: a head tells sizes of one model apart, but models badly."""
    ranked = [trial.params for trial in sorted(_complete(networks), key=_accuracy, reverse=True)]
    by_model = [[one for one in ranked if one["model"] == model] for model in dict.fromkeys(one["model"] for one in ranked)]
    return [network for place in zip_longest(*by_model) for network in place if network][:count]


def _next(finalists: Sequence[Choice], trainings: Any, recipe: Recipe) -> Choice:
    """A finalist that was not trained yet, with the longest schedule; else the most accurate one, whose schedule is left to the study."""
    done = _complete(trainings)
    for network in finalists:
        if not any(network.items() <= trial.params.items() for trial in done):
            rate = min(SCHEDULES["train.learning_rate"], key=lambda rate: abs(rate - recipe.train.learning_rate))
            return network | {"train.epochs": max(SCHEDULES["train.epochs"]), "train.learning_rate": rate}
    best = max(done, key=_accuracy).params
    return {key: best[key] for key in finalists[0]}


def _accuracy(trial: Any) -> float:
    return float(trial.user_attrs["top1_accuracy"])


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
        logger.warning(f"left out, since their ImageNet weights cannot be had: {', '.join(missing)}")
    if not there:
        raise WeightsError("the ImageNet weights of no backbone can be had", "set EDGETL_WEIGHTS_DIR to a folder that holds some")
    return there


def _name(recipe: Recipe) -> str:
    return f"{recipe.model.backbone} {recipe.model.alpha}"


def _study(optuna: Any, recipe: Recipe, out: Path, search: Search, space: Mapping[str, Sequence[Any]]) -> Any:
    """The study of this space in a database in `out`; what an earlier call was killed in is tried again first."""
    name = fingerprint(recipe.model_dump(), {key: list(values) for key, values in space.items()}, search.device, search.budget_ms)
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
    return study


def _over_budget(search: Search) -> Any:
    return lambda trial: (trial.user_attrs.get("latency_ms", 0.0) - search.budget_ms if search.budget_ms else -1.0,)


def _written(networks: Any, trainings: Any, recipe: Recipe, out: Path, search: Search) -> dict[str, Any]:
    document: dict[str, Any] = {"device": search.device, "budget_ms": search.budget_ms, "recipe": recipe.model_dump(), "best": None}
    heads = [{"train.epochs": 0} | trial.params | trial.user_attrs for trial in networks.trials if trial.user_attrs]
    trials = heads + [trial.params | trial.user_attrs for trial in _complete(trainings)]
    within = [one for one in trials if "top1_accuracy" in one and (not search.budget_ms or one["latency_ms"] <= search.budget_ms)]
    document["trials"] = trials = [one | {"front": one in within and not any(_beats(other, one) for other in within)} for one in trials]
    if within:
        document["best"] = best = max((one for one in trials if one["front"]), key=lambda one: one["top1_accuracy"])
        with atomic(out / "best.toml") as temporary:
            temporary.write_text(_toml(recipe_of(best, recipe)), encoding="utf-8")
        plot(document, out / "tune.png")
    write_json(out / "tune.json", document)
    return document


def _beats(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """As good in all figures, and better in one."""
    gains = one["top1_accuracy"] - other["top1_accuracy"], *(other[cost] - one[cost] for cost in ("latency_ms", "size_bytes"))
    return bool(min(gains) >= 0 < max(gains))


def _toml(recipe: Recipe) -> str:
    """A recipe file of what differs from the defaults."""
    lines, defaults = ["# Found by 'edgetl tune', whose schedules are short: more epochs may gain another point"], load()
    for table, values in recipe:
        default = getattr(defaults, table)
        differing = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values if value != getattr(default, key)]
        lines += ["", f"[{table}]", *differing] if differing else []
    return "\n".join(lines) + "\n"
