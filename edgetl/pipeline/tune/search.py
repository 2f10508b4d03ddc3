"""A search over networks and learning rates: every trial is a run, judged by accuracy, latency, memory and size."""

import logging
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from itertools import zip_longest
from pathlib import Path

from edgetl.backbones import BACKBONES
from edgetl.backbones.weights.load import obtain
from edgetl.devices import open_device
from edgetl.errors import UsageError, WeightsError
from edgetl.files import atomic, fingerprint
from edgetl.input import Channels
from edgetl.pipeline.recorded_images import listing_of
from edgetl.pipeline.train.teacher import AUTO
from edgetl.pipeline.tune.study import Choice, Space, Study, StudyOptions, choice_of
from edgetl.pipeline.tune.trial import Workbench, compare_trials, judged, recipe_of, trained
from edgetl.recipe import Recipe
from edgetl.report.plots.trials import trials_plot
from edgetl.run_folder import writing
from edgetl.tuning_record import NAME, Budget, TuningRecord, TuningTrial
from edgetl.wording import duration

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
# For microcontrollers: what some hundred KiB may hold.
SMALL_MODELS = ("mobilenet_v1 0.25", "mobilenet_v1 0.5", "mobilenet_v2 0.35", "mobilenet_v3_small_minimalistic 1.0")
SMALL_IMAGE_SIZES = (48, 64, 80, 96, 112, 128, 160)
LEARNING_RATES = (2e-4, 5e-4, 1e-3)
_TRAININGS, _FINALISTS = 1 / 3, 1 / 4  # of the number of networks: trainings take most of the time
_SURPLUS = 3  # trials begun for each one that counts; the others are over the budget, or were drawn before


@dataclass(frozen=True, kw_only=True)
class Search:
    """The extent and the limits of a search.

    Args:
        trials: networks that are to be judged in all, those of earlier calls included.
        device: that latency is measured on, see `edgetl.devices`.
    """

    trials: int
    device: str
    budget: Budget = field(default_factory=Budget)

    @cached_property
    def small(self) -> bool:
        """Whether networks for microcontrollers are searched: memory is limited, or nothing is timed. Raises as `open_device` does."""
        if self.budget.of_memory:
            return True
        device = open_device(self.device)
        device.close()
        return not device.timed


def tune(recipe: Recipe, out: Path, search: Search) -> TuningRecord:
    """Go on with the search in `out`, or begin it; write tune.json, tune.png and, for the most accurate within budget, best.toml.

    Two rungs, as in successive halving (Jamieson and Talwalkar 2016, arXiv:1502.07943): networks are judged by a head on their frozen
    features, which takes a sixth of fine-tuning's time or less; the recipe as it is and the best of them are trained as the recipe says,
    and the best of these at other learning rates. Held-out training images rank them all; what measures ranks none, and compares the best
    one with the recipe as it was.

    Raises DataError, DependencyError, DeviceError (no latency or memory can be measured), WeightsError (of all backbones), and UsageError
    for images of several labels.
    """
    listing = listing_of(recipe)  # images that cannot be used are an error before anything is written
    if listing.several:
        problem = "a search judges networks by heads that name one class an image, and these images may show several"
        raise UsageError(problem, "train several networks, and compare the runs: edgetl compare RUN RUN")
    with writing(out):
        return _search(recipe, out, search)


def _search(recipe: Recipe, out: Path, search: Search) -> TuningRecord:
    if recipe.teacher.run == AUTO:
        logger.info("trials have no teacher, which would take each several times as long; best.toml has one again")
    bench = Workbench(recipe, out / "trials", search.device, search.budget)
    own, rates = replace(_own(recipe), learning_rate=None), sorted({*LEARNING_RATES, recipe.train.learning_rate})
    usable = _with_weights(recipe, SMALL_MODELS if search.small else MODELS)
    sizes = sorted({*(SMALL_IMAGE_SIZES if search.small else IMAGE_SIZES), own.image_size})
    channels: Sequence[Channels] = ("RGB", "gray") if search.small and own.channels == "RGB" else (own.channels,)
    space = Space(usable, sizes, channels)
    networks = _study(recipe, out, search, space)
    if networks.is_new and own.network in usable:
        networks.enqueue(own)
    for _ in _until(networks, search.trials, "search 1 of 2, by heads"):
        networks.attempt(partial(judged, bench))

    trainings = _study(recipe, out, search, replace(space, learning_rates=rates))
    heads = [choice_of(trial) for trial in networks.complete]
    finalists = _finalists(networks.complete, math.ceil(_FINALISTS * search.trials))
    own_first = dict.fromkeys([own] * (own in heads) + finalists)  # of equally accurate ones the first is the best
    queue = [replace(one, learning_rate=recipe.train.learning_rate) for one in own_first]
    count = math.ceil(_TRAININGS * search.trials) + len(own_first) - len(finalists)
    for _ in _until(trainings, count if finalists else 0, "search 2 of 2, by trainings"):
        if not trainings.waiting:
            trainings.enqueue(_next(queue, trainings.complete))
        trainings.attempt(partial(trained, bench))
    return _written(bench, networks.tried, trainings.complete, search, out)


def _study(recipe: Recipe, out: Path, search: Search, space: Space) -> Study:
    name = fingerprint(recipe.model_dump(), space.parameters, search.device, asdict(search.budget))
    options = StudyOptions(budget=search.budget, seed=recipe.train.seed, startup=max(4, search.trials // 3))
    return Study(out, name, space, options)


def _until(study: Study, count: int, rung: str) -> Iterator[int]:
    """Yield turns until `count` trials have all their figures, or too many have not; report where the rung is, and how long it takes."""
    reported = -1
    took: list[float] = []
    for turn in range(_SURPLUS * count):
        done = len(study.complete)
        if done >= count:
            return
        if done != reported:
            left = f", about {duration((count - done) * sum(took) / len(took))} left" if took else ""
            logger.info(f"{rung}: trial {done + 1} of {count}{left}")
        reported, started = done, time.monotonic()
        yield turn
        if len(study.complete) > done:
            took.append(time.monotonic() - started)


def _finalists(judged: Sequence[TuningTrial], count: int) -> list[Choice]:
    """Return each network at its best image size, then at its second: a head tells sizes apart, but networks badly."""
    ranked = [choice_of(trial) for trial in sorted(judged, key=_accuracy, reverse=True)]
    by_network = [[one for one in ranked if one.network == network] for network in dict.fromkeys(one.network for one in ranked)]
    return [choice for place in zip_longest(*by_network) for choice in place if choice][:count]


def _next(queue: Sequence[Choice], done: Sequence[TuningTrial]) -> Choice:
    """Return the first of the queue that was not trained yet; else the most accurate one, at any other learning rate."""
    trained_already = {choice_of(trial) for trial in done}
    waiting = [choice for choice in queue if choice not in trained_already]
    return waiting[0] if waiting else replace(choice_of(max(done, key=_accuracy)), learning_rate=None)


def _accuracy(trial: TuningTrial) -> float:
    return trial.top1_accuracy or 0.0


def _with_weights(recipe: Recipe, models: Sequence[str]) -> Sequence[str]:
    """Return the networks to choose from: the recipe's and these. Raises WeightsError when the weights of none can be obtained."""
    if recipe.model.weights != "imagenet":  # one file, or none, for one backbone
        return [_own(recipe).network]
    there, missing = [], []
    for model in dict.fromkeys((_own(recipe).network, *models)):
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


def _written(bench: Workbench, heads: Sequence[TuningTrial], trainings: Sequence[TuningTrial], search: Search, out: Path) -> TuningRecord:
    trials, recipe = [*heads, *trainings], bench.recipe
    within = [one for one in trials if one.top1_accuracy is not None and not search.budget.over(one)]
    # Fine-tuning never ends below its own head, so that a head alone proves nothing where anything was trained.
    rivals = [one for one in within if one.learning_rate is not None] or within
    front = [one for one in rivals if not any(_beats(other, one) for other in rivals)]
    marked = tuple(one.model_copy(update={"front": one in front}) for one in trials)
    best = max((one for one in marked if one.front), key=_accuracy, default=None)
    default = next((one for one in marked if choice_of(one) == _own(recipe)), None)
    found = compare_trials(bench, best, default) if best and default and best.run != default.run else None
    record = TuningRecord(
        device=search.device,
        budget_ms=search.budget.latency_ms,
        arena_budget_bytes=search.budget.arena_bytes,
        flash_budget_bytes=search.budget.flash_bytes,
        recipe=recipe,
        best=best,
        default=default,
        against_default=found,
        trials=marked,
    )
    if best:
        tuned = replace(choice_of(best), learning_rate=best.learning_rate or recipe.train.learning_rate)
        with atomic(out / "best.toml") as temporary:
            text = recipe_of(tuned, recipe).to_toml(f"Found by 'edgetl tune': {record.verdict}")
            temporary.write_text(text, encoding="utf-8")
        trials_plot(record, out / "tune.png")
    record.write(out / NAME)
    return record


def _own(recipe: Recipe) -> Choice:
    """Return the choice that is the recipe as it is."""
    model = recipe.model
    return Choice(f"{model.backbone} {model.alpha}", model.image_size, recipe.train.learning_rate, model.channels)


def _beats(one: TuningTrial, other: TuningTrial) -> bool:
    """Return whether one is as good in accuracy, latency, size and working memory, and better in one of them."""
    pairs = [(getattr(other, name) or 0, getattr(one, name) or 0) for name in ("latency_ms", "size_bytes", "arena_bytes", "flash_bytes")]
    gains = [_accuracy(one) - _accuracy(other), *(theirs - own for theirs, own in pairs)]
    return bool(min(gains) >= 0 < max(gains))
