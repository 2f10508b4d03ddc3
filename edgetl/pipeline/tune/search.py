"""A search over networks and schedules: every trial is a run, judged by accuracy, measured latency and size."""

import json
import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path

from edgetl.backbones import BACKBONES
from edgetl.backbones.weights.load import obtain
from edgetl.errors import WeightsError
from edgetl.files import atomic, fingerprint
from edgetl.pipeline.recorded_images import listing_of
from edgetl.pipeline.tune.study import Choice, Space, Study, StudyOptions, choice_of
from edgetl.pipeline.tune.trial import Workbench, judged, recipe_of, trained
from edgetl.recipe import Recipe, load
from edgetl.report.plots.trials import trials_plot
from edgetl.run_folder import writing
from edgetl.tuning_record import NAME, TuningRecord, TuningTrial

logger = logging.getLogger(__name__)

# The networks that are tried. Wider and larger ones are for GPUs; one whose weights cannot be obtained is left out, and named.
MODELS = (
    "mobilenet_v1 0.25",
    "mobilenet_v1 0.5",
    "mobilenet_v1 1.0",
    "mobilenet_v2 0.35",
    "mobilenet_v2 0.5",
    "mobilenet_v2 1.0",
    "efficientnet_lite0 1.0",
)
IMAGE_SIZES = (96, 128, 160, 192, 224)
EPOCHS = (4, 6)  # enough to tell good networks from others; longer schedules gain all of them another point or so
LEARNING_RATES = (2e-4, 5e-4, 1e-3)
_TRAININGS, _FINALISTS = 1 / 3, 1 / 4  # of the number of networks: trainings take most of the time
_SURPLUS = 3  # trials begun for each one that counts; the others are over the budget, or were drawn before


@dataclass(frozen=True, kw_only=True)
class Search:
    """The extent and the limits of a search.

    Args:
        trials: networks that are to be judged in all, those of earlier calls included.
        device: that latency is measured on, see `edgetl.devices`.
        budget_ms: median latency that is allowed; 0: any.
    """

    trials: int
    device: str
    budget_ms: float = 0.0


def tune(recipe: Recipe, out: Path, search: Search) -> TuningRecord:
    """Go on with the search in `out`, or begin it; write tune.json, tune.png and, for the most accurate within budget, best.toml.

    Two rungs, as in successive halving (Jamieson and Talwalkar 2016, arXiv:1502.07943): networks are judged by a head on their frozen
    features, which takes a sixth of fine-tuning's time; the best of them are trained, and the best of these with other schedules.

    Raises DataError, DependencyError, DeviceError (no latency can be measured), WeightsError (of all backbones).
    """
    listing_of(recipe)  # images that cannot be used are an error before anything is written
    with writing(out):
        return _search(recipe, out, search)


def _search(recipe: Recipe, out: Path, search: Search) -> TuningRecord:
    bench = Workbench(recipe, out / "trials", search.device, search.budget_ms)
    usable = _with_weights(recipe)
    networks = _study(recipe, out, search, Space(usable, IMAGE_SIZES))
    if networks.is_new and _name(recipe) in usable and recipe.model.image_size in IMAGE_SIZES:
        networks.enqueue(Choice(_name(recipe), recipe.model.image_size))
    for _ in _until(networks, search.trials):
        networks.attempt(partial(judged, bench))

    trainings = _study(recipe, out, search, Space(usable, IMAGE_SIZES, EPOCHS, LEARNING_RATES))
    finalists = _finalists(networks.complete, math.ceil(_FINALISTS * search.trials))
    for _ in _until(trainings, math.ceil(_TRAININGS * search.trials) if finalists else 0):
        if not trainings.waiting:
            trainings.enqueue(_next(finalists, trainings.complete, recipe))
        trainings.attempt(partial(trained, bench))
    return _written([*networks.tried, *trainings.complete], recipe, out, search)


def _study(recipe: Recipe, out: Path, search: Search, space: Space) -> Study:
    name = fingerprint(recipe.model_dump(), space.parameters, search.device, search.budget_ms)
    options = StudyOptions(budget_ms=search.budget_ms, seed=recipe.train.seed, startup=max(4, search.trials // 3))
    return Study(out, name, space, options)


def _until(study: Study, count: int) -> Iterator[int]:
    """Yield turns until `count` trials have all their figures, or too many have not."""
    for turn in range(_SURPLUS * count):
        if len(study.complete) >= count:
            return
        yield turn


def _finalists(judged: Sequence[TuningTrial], count: int) -> list[Choice]:
    """Return each network at its best image size, then at its second: a head tells sizes apart, but networks badly."""
    ranked = [choice_of(trial) for trial in sorted(judged, key=_accuracy, reverse=True)]
    by_network = [[one for one in ranked if one.network == network] for network in dict.fromkeys(one.network for one in ranked)]
    return [choice for place in zip_longest(*by_network) for choice in place if choice][:count]


def _next(finalists: Sequence[Choice], done: Sequence[TuningTrial], recipe: Recipe) -> Choice:
    """Return a finalist that was not trained yet, with the longest schedule; else the most accurate one, with any other schedule."""
    trained_already = {(trial.network, trial.image_size) for trial in done}
    for finalist in finalists:
        if (finalist.network, finalist.image_size) not in trained_already:
            rate = min(LEARNING_RATES, key=lambda rate: abs(rate - recipe.train.learning_rate))
            return Choice(finalist.network, finalist.image_size, max(EPOCHS), rate)
    best = max(done, key=_accuracy)
    return Choice(best.network, best.image_size)


def _accuracy(trial: TuningTrial) -> float:
    return trial.top1_accuracy or 0.0


def _with_weights(recipe: Recipe) -> Sequence[str]:
    """Return the networks to choose from. Raises WeightsError when the weights of none can be obtained."""
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
        logger.warning(f"left out, since their ImageNet weights cannot be obtained: {', '.join(missing)}")
    if not there:
        raise WeightsError("no backbone's ImageNet weights can be obtained", "set EDGETL_WEIGHTS_DIR to a folder that holds some of them")
    return there


def _name(recipe: Recipe) -> str:
    return f"{recipe.model.backbone} {recipe.model.alpha}"


def _written(trials: Sequence[TuningTrial], recipe: Recipe, out: Path, search: Search) -> TuningRecord:
    within = [one for one in trials if one.top1_accuracy is not None and (not search.budget_ms or one.latency_ms <= search.budget_ms)]
    front = [one for one in within if not any(_beats(other, one) for other in within)]
    marked = tuple(one.model_copy(update={"front": one in front}) for one in trials)
    best = max((one for one in marked if one.front), key=_accuracy, default=None)
    record = TuningRecord(device=search.device, budget_ms=search.budget_ms, recipe=recipe, best=best, trials=marked)
    if best:
        with atomic(out / "best.toml") as temporary:
            temporary.write_text(_toml(recipe_of(choice_of(best), recipe)), encoding="utf-8")
        trials_plot(record, out / "tune.png")
    record.write(out / NAME)
    return record


def _beats(one: TuningTrial, other: TuningTrial) -> bool:
    """Return whether one is as good in accuracy, latency and size, and better in one of them."""
    sizes = (other.size_bytes or 0) - (one.size_bytes or 0)
    gains = _accuracy(one) - _accuracy(other), other.latency_ms - one.latency_ms, sizes
    return bool(min(gains) >= 0 < max(gains))


def _toml(recipe: Recipe) -> str:
    """Write a recipe file of the settings that differ from the defaults."""
    lines, defaults = ["# Found by 'edgetl tune', whose schedules are short: more epochs may gain another point"], load()
    for table, values in recipe:
        default = getattr(defaults, table)
        differing = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values if value != getattr(default, key)]
        lines += ["", f"[{table}]", *differing] if differing else []
    return "\n".join(lines) + "\n"
