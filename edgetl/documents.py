"""The JSON documents of a run or a bundle: frozen types, read without trust and written completely or not at all.

A document is a pydantic model in the room that writes it, and one line in DOCUMENTS; its JSON schema is published in docs/schemas/.
"""

import json
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from edgetl.errors import RunError
from edgetl.files import atomic, parse_json, read_json
from edgetl.overview import Overview, Tabular
from edgetl.registry import Registry

_LONGEST = 200  # characters of a place or a message that are repeated


class Part(BaseModel):
    """A frozen value inside a document. Unknown keys, NaN and infinities are refused; dataclasses in it are checked alike."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, ser_json_inf_nan="constants")


class Document(Tabular, Part):
    """A JSON file that edgetl writes and reads again.

    Class variables:
        REMEDY: what to do when the file cannot be read, such as "make it again: edgetl validate".
    """

    REMEDY: ClassVar[str] = "make it again with the command that wrote it"

    # A subclass raises the default when an older edgetl could not read the file, or would misread it.
    schema_version: int = Field(default=1, description="version of this form")

    @field_validator("schema_version")
    @classmethod
    def _of_this_schema(cls, found: int) -> int:
        cls._check_schema(found)
        return found

    @classmethod
    def _check_schema(cls, found: Any, by: str = "") -> None:
        ours = cls.model_fields["schema_version"].default
        if found != ours or isinstance(found, bool):
            made = f", made with edgetl {by}" if by else ""
            raise ValueError(
                f"it has schema version {str(found)[:40]}{made}; this is edgetl {version('edgetl')}, which reads version {ours}"
            )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file. Raises RunError that names the first place that is wrong."""
        try:
            return cls.parse(read_json(path))
        except (OSError, ValueError) as error:
            raise RunError(f"cannot read {path}: {error}", cls.REMEDY) from error

    @classmethod
    def from_bytes(cls, content: bytes, name: str) -> Self:
        """Read the document from a file's content. Raises RunError, with the file's `name`, that says what is wrong."""
        try:
            return cls.parse(parse_json(content))
        except ValueError as error:
            raise RunError(f"cannot read {name}: {error}", cls.REMEDY) from error

    @classmethod
    def parse(cls, values: Any) -> Self:
        """Check plain JSON values. Raises ValueError that names the first place that is wrong."""
        if not isinstance(values, Mapping):
            raise ValueError("it is not a JSON object")
        if "schema_version" not in values:
            raise ValueError("it has no schema_version")
        values = cls.upgraded(values)
        cls._check_schema(values["schema_version"], maker(values))  # first: a file of another version is not judged by this one's fields
        try:
            # Through JSON, since strict validation of Python values would refuse a list where a tuple is meant.
            return cls.model_validate_json(json.dumps(values), strict=True)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        except ValidationError as error:
            raise ValueError(first_mistake(error)) from None

    @classmethod
    def upgraded(cls, values: Mapping[str, object]) -> Mapping[str, object]:
        """Return plain values as this version has them: as they are, unless a document knows an older version."""
        return values

    def overview(self) -> Overview:
        """Return what `repr` and notebooks show: the document's name and its fields, unless a document knows better."""
        fields = [(name, str(value)[:_LONGEST]) for name, value in self if name != "schema_version"]
        return Overview(type(self).__name__, ("field", "value"), fields)

    def __str__(self) -> str:
        return repr(self)

    def to_json(self) -> Any:
        """Plain JSON values, as the file holds them."""
        return self.model_dump(mode="json", by_alias=True)

    def write(self, path: Path) -> None:
        """Write the file completely or not at all. Raises RunError when its folder cannot be written."""
        with atomic(path) as temporary:
            temporary.write_bytes(self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return the file's content."""
        return (json.dumps(self.to_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def first_mistake(error: ValidationError) -> str:
    """Return the first mistake that pydantic found, with its place and the value there, in at most one line."""
    first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(map(str, first["loc"])) or "the document"
    return f"{place[:_LONGEST]}: {first['msg'].removeprefix('Value error, ')[:_LONGEST]}"


def maker(values: Mapping[str, Any]) -> str:
    """Return the version of edgetl that a document says it was made with; empty: it says none."""
    software = values.get("software")
    return str(software.get("edgetl", ""))[:20] if isinstance(software, Mapping) else ""


def _inside(path: str) -> str:
    if "\0" in path or PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise ValueError("the path leaves its folder")
    return path


RelativePath = Annotated[str, AfterValidator(_inside)]  # of a file inside the document's folder, with forward slashes
Count = Annotated[int, Field(ge=0, le=2**53)]  # which every reader of JSON can hold
Amount = Annotated[float, Field(ge=0)]  # a time, a size or a count that was found somewhere: never negative
Share = Annotated[float, Field(ge=0, le=1)]


DOCUMENTS: Registry[type[Document]] = Registry(
    "document",
    {
        "contract": ("edgetl.contract:Contract", "contract.json: how an image becomes the input, and what the outputs mean"),
        "golden": ("edgetl.ship.golden:GoldenPredictions", "golden/golden.json in a bundle: predictions that an app must repeat"),
        "ship": ("edgetl.ship.place:ShipRecord", ".edgetl-ship.json in an app: the hash of every file that was written"),
        "shipped": ("edgetl.pipeline.ship.app:Shipped", "what `edgetl ship --json` prints"),
        "verification": ("edgetl.pipeline.ship.verify:Verification", "what `edgetl verify --json` prints"),
        "manifest": ("edgetl.ship.manifest:Manifest", "manifest.json in a bundle: the contract, the models and the hash of every file"),
        "evaluation": ("edgetl.evaluation.results:Evaluation", "evaluation.json: scores of a run's models on one split"),
        "unknowns": (
            "edgetl.evaluation.unknowns:Unknowns",
            "unknown/unknown.json: how well the models tell images that show none of the classes",
        ),
        "threshold_choice": (
            "edgetl.evaluation.unknowns:ThresholdChoice",
            "thresholds.json: the threshold of each class, and what it does on images that measure",
        ),
        "comparison": ("edgetl.evaluation.results:Comparison", "compare.json: several runs on the same images"),
        "results": ("edgetl.report.page.results:Results", "results.json: the measurements of a run beside its card"),
        "microcontroller": ("edgetl.export.micro_sources:TflmFacts", "model.json in a .tflm.zip: what a model needs on a microcontroller"),
        "learning_curve": ("edgetl.evaluation.results:LearningCurve", "learning_curve.json: accuracy by number of training images"),
        "validation": (
            "edgetl.evaluation.validation:Validation",
            "validation.json: what the models get right, whether they agree, latency",
        ),
        "data": ("edgetl.data.index:DataIndex", "data.json: the images of a run with class, split and hash, and what was left out"),
        "cache": ("edgetl.data.images:CacheIndex", "cache/pixels-*.json: which listed images a file of decoded pixels has"),
        "pack": ("edgetl.data.shards:PackIndex", "edgetl-pack.json: the classes and the shards of packed images"),
        "shard": ("edgetl.data.shards:ShardIndex", "images-*.json: where each image lies in a shard"),
        "run": ("edgetl.run_record:RunRecord", "run.json: the recipe of a run, the software that made it, and its finished stages"),
        "benchmark": ("edgetl.benchmarking.results:Benchmark", "benchmark.json: latency, memory and size of models on devices"),
        "diagnosis": ("edgetl.diagnosis.results:Diagnosis", "doctor.json: what may be wrong with the images"),
        "sensitivity": ("edgetl.quantization.results:Sensitivity", "sensitivity.json: the operators that quantization hurts"),
        "explanation": ("edgetl.explanation.results:Explanation", "explain/explain.json: where the models look on images"),
        "tuning_record": ("edgetl.tuning_record:TuningRecord", "tune.json: the trials of a search, and the best one"),
    },
)


def publish(folder: Path) -> None:
    """Write the JSON schema of every document, `python -m edgetl.documents docs/schemas`: what the files look like, for other programs."""
    for name in DOCUMENTS:
        schema = DOCUMENTS.load(name).model_json_schema(mode="serialization") | {"title": DOCUMENTS.summary(name)}
        with atomic(folder / f"{name}.schema.json") as temporary:
            temporary.write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    publish(Path(sys.argv[1]))
