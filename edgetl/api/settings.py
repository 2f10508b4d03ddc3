"""Keyword arguments of the API as settings of the recipe."""

from pathlib import Path
from typing import Literal, TypedDict

from edgetl.recipe_values import Overrides

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
    "task": "data.task",
    "background": "reject.background",
    "mlflow": "track.mlflow",
    "preprocessing": "imported.preprocessing",
    "resize": "imported.resize",
    "class_names": "imported.class_names",
    "size": "imported.size",
}


class Choices(TypedDict, total=False):
    """Settings with a keyword of their own; None leaves a setting as it is.

    Attributes:
        backbone: name of the feature extractor, see `edgetl list backbones`.
        alpha: width multiplier of the backbone.
        image_size: width and height of the input in pixels.
        weights: "imagenet", "none", a file of weights, or a model file whose network is trained in place of a backbone.
        epochs: epochs of fine-tuning.
        head_epochs: epochs of training the classifier alone, before fine-tuning.
        qat: train with quantization in the loop; False: only calibrate; "auto": train where there is something to win.
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
        task: "multi-label" where a CSV file lists any number of classes an image; "single-label" where each has one.
        background: a folder of images that show none of the classes, which training learns to reject.
        mlflow: where MLflow tracks the run.
        preprocessing: how a network from elsewhere is fed: "auto", "raw", "zero-one", "minus-one-one", "imagenet", "caffe", or MEAN/STD.
        resize: "auto", "crop" or "stretch": what becomes of images that have not the proportions of that network's input.
        class_names: a file with the class names in the order of that network's outputs, one a line.
        size: height x width, such as "48x192", of the input of a network that takes any.
    """

    backbone: str | None
    alpha: float | None
    image_size: int | None
    weights: str | Path | None
    epochs: int | None
    head_epochs: int | None
    qat: bool | Literal["auto"] | None
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
    task: str | None
    background: str | Path | None
    mlflow: str | None
    preprocessing: str | None
    resize: str | None
    class_names: str | Path | None
    size: str | None


class RecipeOptions(Choices, total=False):
    """Options of a recipe: these, and the keywords of `edgetl.Choices`, which take precedence over the recipe file.

    Attributes:
        recipe: a TOML file of settings.
        settings: any setting of `edgetl list settings` by dotted key, such as {"augment.flip": False}; these take precedence over all.
    """

    recipe: str | Path | None
    settings: Overrides | None
