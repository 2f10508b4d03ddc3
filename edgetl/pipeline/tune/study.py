"""A study: Optuna proposes choices, and a database remembers what came of them from call to call."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from edgetl.errors import DependencyError, RunError
from edgetl.input import Channels
from edgetl.software import install
from edgetl.tuning_record import Budget, TuningTrial

_TRIAL = "trial"  # the attribute of Optuna's trial that holds ours
_MODEL, _IMAGE_SIZE, _CHANNELS, _LEARNING_RATE = "model", "model.image_size", "model.channels", "train.learning_rate"  # its parameters


@dataclass(frozen=True)
class Choice:
    """A network and how it is trained.

    Args:
        network: a backbone with its width, such as "mobilenet_v1 0.25".
        learning_rate: of fine-tuning; None: a head alone is trained.
    """

    network: str
    image_size: int
    learning_rate: float | None = None
    channels: Channels = "RGB"

    @property
    def backbone(self) -> str:
        return self.network.split()[0]

    @property
    def alpha(self) -> float:
        return float(self.network.split()[1])

    def __str__(self) -> str:
        trained = "a head alone" if self.learning_rate is None else f"learning rate {self.learning_rate:g}"
        gray = ", gray" if self.channels == "gray" else ""
        return f"{self.network}, {self.image_size} px{gray}, {trained}"


def choice_of(trial: TuningTrial) -> Choice:
    """Return the choice that a trial was made from."""
    return Choice(trial.network, trial.image_size, trial.learning_rate, trial.channels)


@dataclass(frozen=True)
class Space:
    """The values that may be chosen; no learning rates: a head alone is trained."""

    networks: Sequence[str]
    image_sizes: Sequence[int]
    channels: Sequence[Channels] = ("RGB",)
    learning_rates: Sequence[float] = ()

    @property
    def parameters(self) -> dict[str, list[object]]:
        """The values of each of Optuna's parameters."""
        found: dict[str, list[object]] = {_MODEL: list(self.networks), _IMAGE_SIZE: list(self.image_sizes)}
        more = {_CHANNELS: self.channels[1:] and self.channels, _LEARNING_RATE: self.learning_rates}  # of one value nothing is to be chosen
        return found | {name: list(values) for name, values in more.items() if values}

    def suggest(self, trial: Any) -> Choice:
        """Let Optuna's trial choose."""
        network = trial.suggest_categorical(_MODEL, self.networks)
        image_size = trial.suggest_categorical(_IMAGE_SIZE, self.image_sizes)
        channels = trial.suggest_categorical(_CHANNELS, self.channels) if self.channels[1:] else self.channels[0]
        rate = trial.suggest_categorical(_LEARNING_RATE, self.learning_rates) if self.learning_rates else None
        return Choice(network, image_size, rate, channels)


@dataclass(frozen=True, kw_only=True)
class StudyOptions:
    """How a study draws.

    Args:
        startup: trials that are drawn at random.
    """

    budget: Budget
    seed: int
    startup: int


class Study:
    """A study of one space.

    Args:
        name: identity of the search; a study of this name in the folder goes on.
    """

    def __init__(self, folder: Path, name: str, space: Space, options: StudyOptions) -> None:
        self._optuna, self.space = _optuna(), space
        from sqlalchemy.exc import SQLAlchemyError  # which Optuna brings

        try:
            self._study = self._optuna.create_study(
                storage=f"sqlite:///{(folder / 'study.db').resolve()}",
                study_name=name,
                load_if_exists=True,
                directions=("maximize", "minimize", "minimize"),  # accuracy, latency or working memory, size
            )
            tried = len(self._study.trials)
        except (SQLAlchemyError, self._optuna.exceptions.OptunaError, LookupError, RuntimeError) as error:  # damaged, or a later release's
            raise RunError(f"cannot use {folder / 'study.db'}: {error}", "name another folder with --out") from error
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # two of its options may change in a later release: the range in pyproject.toml holds it
            self._study.sampler = self._optuna.samplers.TPESampler(
                seed=options.seed + tried,  # or a second call would draw what the first one drew
                n_startup_trials=options.startup,
                multivariate=True,
                constraints_func=lambda trial: (options.budget.excess(_ours(trial)),),
            )
        self._take_up_again()

    def _take_up_again(self) -> None:
        """Enqueue again what an earlier call was killed in."""
        for trial in self._study.get_trials(states=(self._optuna.trial.TrialState.RUNNING,)):
            self._study.tell(trial.number, state=self._optuna.trial.TrialState.FAIL)
            self._study.enqueue_trial(trial.params)

    @property
    def is_new(self) -> bool:
        return not self._study.trials

    @property
    def waiting(self) -> bool:
        """Whether something is enqueued."""
        return any(trial.state.name == "WAITING" for trial in self._study.trials)

    @property
    def tried(self) -> list[TuningTrial]:
        """The trials that gave a latency or working memory."""
        return [ours for trial in self._study.trials if (ours := _ours(trial))]

    @property
    def complete(self) -> list[TuningTrial]:
        """The trials that gave accuracy and size, too."""
        return [ours for ours in self.tried if ours.top1_accuracy is not None]

    def enqueue(self, choice: Choice) -> None:
        """Try this next. A choice without a learning rate leaves it to the study."""
        parameters: dict[str, object] = {_MODEL: choice.network, _IMAGE_SIZE: choice.image_size}
        if self.space.channels[1:]:
            parameters[_CHANNELS] = choice.channels
        if choice.learning_rate is not None:
            parameters[_LEARNING_RATE] = choice.learning_rate
        self._study.enqueue_trial(parameters)

    def attempt(self, judge: Callable[[Choice], TuningTrial]) -> None:
        """Try what the study proposes, unless that was tried before."""
        known = {choice_of(one) for one in self.tried}
        trial = self._study.ask()
        choice = self.space.suggest(trial)
        found = None if choice in known else judge(choice)
        if found:
            trial.set_user_attr(_TRIAL, found.model_dump(mode="json"))
        if found and found.top1_accuracy is not None:
            self._study.tell(trial, [found.top1_accuracy, found.cost, found.size_bytes])
        else:
            self._study.tell(trial, state=self._optuna.trial.TrialState.PRUNED)


def _ours(trial: Any) -> TuningTrial | None:
    """Return what came of an Optuna trial; None: nothing."""
    kept = trial.user_attrs.get(_TRIAL)
    return TuningTrial.model_validate(kept) if kept else None


def _optuna() -> ModuleType:
    try:
        import optuna
    except ImportError as error:
        raise DependencyError("the search needs the Python package optuna", install("tune")) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
