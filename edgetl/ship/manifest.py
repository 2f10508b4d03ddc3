"""The manifest of a bundle."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from edgetl import contract_versions
from edgetl.accuracy import MultiLabelAccuracy
from edgetl.contract import Contract
from edgetl.contract_versions import Plain
from edgetl.documents import Document, Part
from edgetl.overview import Overview
from edgetl.wording import counted, measured_on

MANIFEST, SIGNATURE, CLASS_NAMES = "manifest.json", "manifest.sig", "labels.txt"  # names of files in a bundle
GoldenFolder = Literal["golden", "golden_test"]  # of golden images in a bundle
EVERY_APP: Final = "golden"  # what every app carries
TESTS: Final = "golden_test"  # what the tests of an app have alone

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Share = Annotated[float, Field(ge=0, le=1)]


class BundledFile(Part):
    """A file of the bundle."""

    sha256: Sha256
    size_bytes: Annotated[int, Field(ge=0)]


class MeasuredLatency(Part):
    """The latency of one image on one thread."""

    device: str
    chip: str
    p50_ms: Annotated[float, Field(ge=0)]


class BundledModel(Part):
    """A model file; `unverified` says why its predictions could not be compared (its accuracy is then unknown), else it is empty.

    Nor is the accuracy known where there were no labels.
    """

    runtime: Annotated[str, Field(pattern="^[a-z0-9_]+$")]
    precision: str
    top1_accuracy: Share | None
    top1_interval_95: tuple[Share, Share] | None
    latency: tuple[MeasuredLatency, ...]
    unverified: str
    multi_label: MultiLabelAccuracy | None = Field(default=None, description="in place of top-1 where images may show several classes")


class GoldenSet(Part):
    """The golden images in one folder of the bundle."""

    images: Annotated[int, Field(ge=0)]
    source: str = Field(description="synthetic, validation, or the name of the folder that they were taken from")
    missing_class_names: tuple[str, ...] = Field(description="classes that no synthetic image was found to show")

    @property
    def text(self) -> str:
        """How many images of which kind."""
        return counted(self.images, f"{self.source} image" if self.source in ("synthetic", "validation") else f"image of '{self.source}'")


class Verdict(Part):
    """The verdict of `edgetl validate`; `forced` says what was wrong where the run was bundled in spite of it, else it is empty."""

    passed: bool
    images: Annotated[int, Field(ge=0)]
    forced: str


class Manifest(Document):
    """manifest.json of a bundle: see docs/bundle-format.md."""

    REMEDY: ClassVar[str] = "bundle the run again"

    name: Annotated[str, Field(min_length=1)]
    architecture: str
    version: str
    licence: str
    scheme: str
    contract: Contract
    models: dict[str, BundledModel]
    files: dict[str, BundledFile]
    validation: Verdict
    data_fingerprint: str
    software: dict[str, str]
    golden: dict[GoldenFolder, GoldenSet] = Field(
        default={}, description="by folder; an older bundle has none of this, and validation images in the first"
    )

    @classmethod
    def upgraded(cls, values: Plain) -> Plain:
        """Return plain values with the contract as this version has it."""
        return contract_versions.holding(values)

    @model_validator(mode="after")
    def _images_for_every_app(self) -> Self:
        if self.golden and EVERY_APP not in self.golden:
            raise ValueError(f"it lists no images of the folder {EVERY_APP}, which every app carries")
        return self

    @property
    def golden_folders(self) -> tuple[str, ...]:
        """The folders of golden images, that of every app first."""
        return tuple(sorted(self.golden)) or (EVERY_APP,)

    @property
    def own_images(self) -> str:
        """Somebody's images in the bundle, with what to do about it; empty: it holds none."""
        if not self.golden:
            return "validation images for every app, for it is of an older edgetl; bundle the run again, and an app's tests alone get them"
        if TESTS not in self.golden:
            return ""
        which = self.golden[TESTS].text
        return f"{which} in {TESTS}/, for an app's tests only; --golden synthetic leaves them out, --golden DIR takes others"

    def overview(self) -> Overview:
        """Return each model with its accuracy and size."""
        rows = [(name, _accuracy(facts), f"{self.files[name].size_bytes:,}") for name, facts in self.models.items() if name in self.files]
        metric = "mAP" if self.contract.output.several else "top-1"
        figure = metric if metric == "mAP" else "top-1 accuracy"
        notes = [f"{metric} on {measured_on(self.validation.images, 'image')}"]
        notes += [f"bundled by force: {self.validation.forced}"] if self.validation.forced else []
        notes += [f"golden images: {self.own_images}"] if self.own_images else []
        return Overview(f"{self.name}, version {self.version}", ("model", figure, "bytes"), rows, notes)


def _accuracy(facts: BundledModel) -> str:
    if facts.multi_label:
        return f"{facts.multi_label.mean_average_precision:.2%}"
    if facts.top1_accuracy is None:
        return "unverified" if facts.unverified else "no labels"
    return f"{facts.top1_accuracy:.2%}"


class BundleContents(NamedTuple):
    """A bundle in memory: its manifest, and all of its files by name, the manifest's and the signature's among them."""

    manifest: Manifest
    files: Mapping[str, bytes]
