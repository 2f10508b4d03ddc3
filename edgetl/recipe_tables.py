"""The tables of a recipe: every setting with the values that it may have."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from edgetl.input import Batch, Channels

Count = Annotated[int, Field(ge=0, le=10_000_000)]
Positive = Annotated[int, Field(ge=1, le=10_000_000)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Rate = Annotated[float, Field(gt=0, le=10)]


class RecipeTable(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class DataTable(RecipeTable):
    source: str
    layout: Literal["auto", "classes", "parts", "unlabelled"]
    follow_links: bool
    spellings: Literal["auto", "refuse", "allow"]
    exclude: str
    task: Literal["auto", "single-label", "multi-label"]
    val_fraction: Annotated[float, Field(gt=0, lt=1)]
    test_fraction: Fraction
    selection_fraction: Fraction
    selection_images: Positive
    max_bad_fraction: Annotated[float, Field(ge=0, le=1)]
    cache_memory_mib: Count
    limit: Count

    @model_validator(mode="after")
    def _some_are_left(self) -> Self:
        if self.val_fraction + self.test_fraction >= 1:
            raise PydanticCustomError("nothing_left", "val_fraction and test_fraction leave no images to train on")
        return self


_KEPT = 0.95  # of the images of the classes: as much as users forgive
IMPORTED = "imported"  # in place of a backbone's name: the network is that of a file from elsewhere


class ModelTable(RecipeTable):
    backbone: str
    alpha: Annotated[float, Field(gt=0, le=4)]
    image_size: Annotated[int, Field(ge=1, le=4096)]
    channels: Channels
    weights: str
    pooling: Literal["average", "max", "flatten"]
    dense: tuple[Positive, ...]
    dropout: Fraction
    l2: Annotated[float, Field(ge=0, le=1)]

    @property
    def start(self) -> str:
        """The name of what training starts from: "imagenet", "none" or a file."""
        return Path(self.weights).name

    @property
    def imported(self) -> bool:
        """Whether the network is that of a file from elsewhere."""
        return self.backbone == IMPORTED


class ImportedTable(RecipeTable):
    preprocessing: str
    resize: Literal["auto", "crop", "stretch"]
    class_names: str
    size: Annotated[str, Field(pattern=r"^([1-9]\d{0,3}x[1-9]\d{0,3})?$")]

    @property
    def asked_size(self) -> tuple[int, int] | None:
        """Height and width in pixels; None: the file says them."""
        height, _, width = self.size.partition("x")
        return (int(height), int(width)) if self.size else None


class TrainTable(RecipeTable):
    seed: Count
    batch_size: Positive
    head_epochs: Count
    head_learning_rate: Rate
    head_dropout: Fraction
    epochs: Count | Literal["auto"]
    learning_rate: Rate
    live_norms_from: Count
    live_norms_rate: Annotated[float, Field(gt=0, le=100)]
    warmup_fraction: Fraction
    unfreeze: str
    depth_factor: Annotated[float, Field(gt=0, le=1)]
    unfreeze_epochs: Annotated[float, Field(ge=0, le=1000)]
    label_smoothing: Fraction
    patience: Count
    again_below: Count
    balance_above: Annotated[float, Field(ge=1)]
    temperature_scaling: bool
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"]
    jit: Literal["auto", "on", "off"]
    steps_per_execution: Positive
    strategy: Literal["auto", "one", "mirrored", "multi-worker"]


class TeacherTable(RecipeTable):
    run: str
    most_images: Count
    times_larger: Annotated[float, Field(ge=1)]
    weight: Annotated[float, Field(ge=0, le=1)]
    temperature: Annotated[float, Field(gt=0, le=100)]


class RejectTable(RecipeTable):
    keep: Fraction | Literal["auto"]
    background: str
    made: Annotated[float, Field(ge=0, le=10)]
    scale: Annotated[float, Field(gt=0, le=100)]

    def share(self, *, background: bool, imported: bool) -> float:
        """Return the share of known images to keep, 0 where nothing is rejected; `background`: there are images of none of the classes."""
        return self.keep if self.keep != "auto" else _KEPT if background or not imported else 0.0


class AugmentTable(RecipeTable):
    strength: Annotated[float, Field(ge=0, le=2)]
    flip: bool
    margin: Annotated[float, Field(ge=1, le=4)]
    crop_min_area: Annotated[float, Field(gt=0, le=1)]
    colour: Fraction


class CompressTable(RecipeTable):
    sparsity: Fraction
    clusters: Count
    epochs: Positive
    learning_rate: Rate
    cluster_learning_rate: Rate

    @property
    def asked(self) -> bool:
        """Whether the float model is compressed before it is quantized."""
        return bool(self.sparsity or self.clusters)


class QuantizeTable(RecipeTable):
    qat: bool | Literal["auto"]
    qat_above: Annotated[float, Field(ge=0)]
    epochs: Count
    learning_rate: Rate
    temperature: Annotated[float, Field(gt=0, le=100)]
    feature_weight: Annotated[float, Field(ge=0, le=1000)]
    learn_ranges: bool
    ranges: Literal["auto", "minmax", "percentile", "mse", "own"]
    calibration_images: Positive

    @property
    def own(self) -> bool:
        """Whether the integers are those of the quantized file that was imported."""
        return self.ranges == "own"

    def trains(self, kl: float) -> bool:
        """Return whether a model is trained with quantization in the loop that calibration left so far from float."""
        return kl >= self.qat_above if self.qat == "auto" else self.qat


class AboutTable(RecipeTable):
    name: str
    version: str
    licence: str
    author: str


class ExportTable(RecipeTable):
    formats: Annotated[tuple[str, ...], Field(min_length=1)]
    precisions: Annotated[tuple[str, ...], Field(min_length=1)]
    keep_float: tuple[str, ...]
    output: Literal["auto", "uint8", "float32"]
    max_drop: Annotated[float, Field(ge=0, le=100)]
    batch: Batch
    npu: str


class ValidationTable(RecipeTable):
    limit: Count
    warmup_runs: Count
    timed_runs: Positive


class TrackTable(RecipeTable):
    mlflow: str

    @model_validator(mode="after")
    def _no_password(self) -> Self:
        if urlsplit(self.mlflow).password:
            problem = "a recipe is written into runs: put user and password into MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
            raise PydanticCustomError("password", problem)
        return self
