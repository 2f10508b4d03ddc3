"""Describe a model that somebody else made: what an importer returns, and why a file may be refused."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl.errors import ModelFileError, listed
from edgetl.wording import counted

if TYPE_CHECKING:
    from edgetl.importing.grids import Grid, Numbers


class QuantizedFile(ModelFileError):
    """The file computes in integers, but not throughout, or in others than ours."""


class Unsupported(Exception):
    """Says why a single operator of a file has no counterpart."""


def damaged(path: Path, why: object) -> ModelFileError:
    """Return the error of a file that cannot be read."""
    reason = (str(why).strip().splitlines() or [type(why).__name__])[0][:300]
    return ModelFileError(f"cannot read {path}: {reason}", "it is damaged or of another kind: save or export the model again")


def quantized(path: Path, why: object) -> QuantizedFile:
    """Return the error of a file that computes partly in integers, or in other integers than ours."""
    return QuantizedFile(
        f"{path} is quantized, but not as edgetl's int8 files are: {why}",
        "quantize all of it to 8 bits, weights and activations, or import the float model that it was made from",
    )


def unknown_operators(path: Path, found: list[str]) -> ModelFileError:
    """Return the one error that names all operators without counterpart."""
    return ModelFileError(
        f"edgetl has no layer for {counted(len(found), 'operator')} of {path}:{listed(found)}",
        "replace them in the original network by others (ReLU, ReLU6, hard-swish, sigmoid, convolutions, pools, sums, products, joins), "
        "cut off what is not the classifier, and export it again",
    )


@dataclass(frozen=True)
class Preprocessing:
    """Describes what the file itself does to its input first: `scale * x + offset`, a number for each channel, in the file\'s own order."""

    scale: tuple[float, ...]
    offset: tuple[float, ...]

    @property
    def is_none(self) -> bool:
        return set(self.scale) == {1.0} and set(self.offset) == {0.0}


@dataclass(frozen=True)
class Origin:
    """Facts about a file beside its arithmetic.

    Args:
        producer: the program that wrote it, with its version where the file has one.
        class_names: of its metadata, in the order of the outputs; empty: it has none.
        takes_bytes: its input is of integers, of 8 bits each.
    """

    producer: str
    class_names: tuple[str, ...] = ()
    takes_bytes: bool = False


@dataclass(frozen=True, eq=False)
class ImportedModel:
    """A float model that computes what a file from elsewhere does, of a quantized one but for the rounding.

    Args:
        model: plain layers, batch norms folded, [N, H, W, C] to logits [N, K]; it reads what `preprocessing` gives.
        preprocessing: what stood before the first layer in the file.
        activation: what stood behind the logits: softmax, sigmoid, or empty where the file gives the logits; "rejecting softmax" in a file
            of ours that rejects unknown images, whose part for that is left out.
        channels_last: the file's own input is [N, H, W, C], not [N, C, H, W].
        sha256: of the file; of a folder, of all its files.
        numbers: the integers of a quantized file.
        gives: the grid that a quantized file's outputs are on; None: they are on none.
    """

    model: Any
    preprocessing: Preprocessing
    activation: str
    channels_last: bool
    sha256: str
    origin: Origin
    numbers: "Numbers | None" = None
    gives: "Grid | None" = None

    @property
    def ends_in_steps(self) -> bool:
        """Whether its probabilities are integers, too."""
        return self.gives is not None and bool(self.activation)

    @property
    def takes(self) -> "Grid | None":
        """The grid that a quantized file's input of integers is on; None: it takes real numbers."""
        return self.numbers.image if self.numbers and self.origin.takes_bytes else None

    @property
    def height(self) -> int:
        return int(self.model.input_shape[1])

    @property
    def width(self) -> int:
        return int(self.model.input_shape[2])

    @property
    def channels(self) -> int:
        return int(self.model.input_shape[3])

    @property
    def classes(self) -> int:
        return int(self.model.output_shape[-1])


@dataclass(frozen=True)
class Wish:
    """Says what a file may leave open.

    Args:
        size: height and width of the input in pixels, for files that take any.
        features: it is not to classify, but to give features: a file that ends in a map is taken too.
    """

    size: tuple[int, int] | None = None
    features: bool = False

    def open_size(self, path: Path) -> tuple[int, int]:
        """Return the size that was asked for. Raises ModelFileError where none was."""
        if self.size is None:
            raise ModelFileError(f"{path} takes images of any size", "name the height and width to use, such as --size 224x224")
        return self.size
