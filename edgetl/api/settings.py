"""Keyword arguments of the API as settings of the recipe."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict, Unpack

from edgetl import recipe as recipes
from edgetl.errors import UsageError
from edgetl.recipe import Recipe
from edgetl.registry import did_you_mean

SHORT = {
    "backbone": "model.backbone",
    "alpha": "model.alpha",
    "image_size": "model.image_size",
    "weights": "model.weights",
    "epochs": "train.epochs",
    "head_epochs": "train.head_epochs",
    "qat": "quantize.qat",
    "qat_epochs": "quantize.epochs",
    "batch_size": "train.batch_size",
    "learning_rate": "train.learning_rate",
    "unfreeze": "train.unfreeze",
    "precision": "train.precision",
    "jit": "train.jit",
    "strategy": "train.strategy",
    "seed": "train.seed",
    "sparsity": "compress.sparsity",
    "clusters": "compress.clusters",
    "exclude": "data.exclude",
    "mlflow": "track.mlflow",
}
Overrides = Mapping[str, object] | Iterable[str]


class Choices(TypedDict, total=False):
    """Settings with a keyword of their own; None leaves a setting as it is.

    backbone: name of the feature extractor, see `edgetl list backbones`.
    alpha: width multiplier of the backbone.
    image_size: width and height of the input in pixels.
    weights: "imagenet", "none", or a path to a weights file.
    epochs: epochs of fine-tuning.
    head_epochs: epochs of training the classifier alone, before fine-tuning.
    qat: train with quantization in the loop; False: only calibrate.
    qat_epochs: epochs of quantization-aware training.
    batch_size: images per step.
    learning_rate: peak learning rate of fine-tuning.
    unfreeze: what fine-tuning trains: "all", "N-blocks", "head", "none" or "auto".
    precision: "auto", "float32", "mixed_bfloat16" or "mixed_float16", of fine-tuning.
    jit: "auto", "on" or "off": compile training steps with XLA.
    strategy: "auto", "one", "mirrored" or "multi-worker": which devices train together.
    seed: seed of splits, weights, shuffling and augmentation.
    sparsity: share of the weights that are set to zero.
    clusters: largest number of different values in a kernel; 0: no limit.
    exclude: a file that lists images to leave out, as `edgetl.doctor` writes it.
    mlflow: where MLflow tracks the run.
    """

    backbone: str | None
    alpha: float | None
    image_size: int | None
    weights: str | Path | None
    epochs: int | None
    head_epochs: int | None
    qat: bool | None
    qat_epochs: int | None
    batch_size: int | None
    learning_rate: float | None
    unfreeze: str | None
    precision: str | None
    jit: str | None
    strategy: str | None
    seed: int | None
    sparsity: float | None
    clusters: int | None
    exclude: str | Path | None
    mlflow: str | None


class RecipeOptions(Choices, total=False):
    """Options of a recipe: these, and the keywords of `edgetl.Choices`, which take precedence over the recipe file.

    recipe: a TOML file of settings.
    settings: any setting of `edgetl list settings` by dotted key, such as {"augment.flip": False}; these take precedence over all.
    """

    recipe: str | Path | None
    settings: Overrides | None


@dataclass(frozen=True)
class Given:
    """Settings as a caller gives them.

    Args:
        file: a recipe.
        texts: settings as "table.key=value".
        values: settings by dotted key.
        quick: use the recipe's table [quick], too.
    """

    file: Path | None = None
    texts: tuple[str, ...] = ()
    values: Mapping[str, object] = field(default_factory=dict)
    quick: bool = False

    @classmethod
    def of(cls, data: str | Path, /, *, quick: bool = False, **options: Unpack[RecipeOptions]) -> "Given":
        """Return the settings in the arguments of a function. Raises UsageError that names the one meant where one is unknown."""
        file = options.pop("recipe", None)
        texts, dotted = overrides(options.pop("settings", None))
        named: dict[str, object] = {"data.source": str(data)} if str(data) else {}
        for name, value in options.items():
            if name not in SHORT:
                raise UsageError(f"there is no setting '{name}'", _meant(name))
            if value is not None:
                named[SHORT[name]] = str(value) if isinstance(value, Path) else value
        return cls(None if file is None else Path(file), tuple(texts), named | dotted, quick)

    def recipe(self, defaults: Mapping[str, object] | None = None) -> Recipe:
        """Return the recipe. Raises UsageError that names every mistake."""
        return recipes.load(self.file, self.texts, {**(defaults or {}), **self.values}, quick=self.quick)

    def pretraining(self) -> Recipe | None:
        """Return the recipe of the backbone that the recipe's table [pretrain] asks for, if it has one."""
        return recipes.pretraining(self.file, self.texts, self.values, quick=self.quick)


def _meant(name: str) -> str:
    dotted = [f"{table}.{name}" for table, field in Recipe.model_fields.items() if name in getattr(field.annotation, "model_fields", {})]
    return f"write settings={{'{dotted[0]}': ...}}" if dotted else did_you_mean(name, SHORT)


def overrides(settings: Overrides | None) -> tuple[list[str], dict[str, object]]:
    """Return settings given as "table.key=value" texts, and those given by dotted key."""
    if settings is None:
        return [], {}
    if not isinstance(settings, Mapping | Iterable) or isinstance(settings, str):
        raise UsageError(f"settings cannot be {settings!r}", "give a dictionary such as {'augment.flip': False}")
    return ([], dict(settings)) if isinstance(settings, Mapping) else (list(settings), {})
