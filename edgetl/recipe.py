"""Every choice of a run as frozen, checked values: a TOML file and options over resources/defaults.toml, all mistakes reported together."""

import json
import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Self

from pydantic import JsonValue, ValidationError
from pydantic_core import ErrorDetails

from edgetl.errors import UsageError
from edgetl.recipe_tables import (
    AboutTable,
    AugmentTable,
    CompressTable,
    DataTable,
    ExportTable,
    ImportedTable,
    ModelTable,
    QuantizeTable,
    RecipeTable,
    RejectTable,
    TeacherTable,
    TrackTable,
    TrainTable,
    ValidationTable,
)
from edgetl.recipe_values import PATHS, Overrides, merge, put_settings, read, with_paths
from edgetl.registry import closest, did_you_mean

_DEPTH = 2  # a setting is a table's key
_LONGEST = 100  # characters of a wrong value that are repeated
_MUST_BE = {  # by pydantic's type of error
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "model_type": "a table",
    "literal_error": "{expected}",
    "greater_than": "above {gt:.15g}",
    "greater_than_equal": "at least {ge:.15g}",
    "less_than": "below {lt:.15g}",
    "less_than_equal": "at most {le:.15g}",
    "too_short": "a list of one or more",
    "string_pattern_mismatch": "height x width, such as 96x128",
}
_BYTES = re.compile(r"[\ud800-\udfff]")  # as which Python has the bytes of a name that are not UTF-8


class Recipe(RecipeTable):
    data: DataTable
    model: ModelTable
    imported: ImportedTable
    train: TrainTable
    teacher: TeacherTable
    reject: RejectTable
    augment: AugmentTable
    compress: CompressTable
    quantize: QuantizeTable
    about: AboutTable
    export: ExportTable
    validation: ValidationTable
    track: TrackTable

    @property
    def has_images(self) -> bool:
        """Whether there are images; a network from elsewhere can become a run without any, which is then measured on noise."""
        return bool(self.data.source) or not self.model.imported

    @property
    def network(self) -> str:
        """The network in words, with the size of its images: of one from elsewhere the file's name."""
        model, (height, width) = self.model, self.imported.asked_size or (self.model.image_size, self.model.image_size)
        name = Path(model.weights).stem if model.imported else f"{model.backbone} {model.alpha:g}"
        gray = ", gray" if model.channels == "gray" else ""
        return f"{name}, {width} px{gray}" if height == width else f"{name}, {height} x {width} px{gray}"

    def changed(self, other: "Recipe") -> dict[str, tuple[JsonValue, JsonValue]]:
        """Return the settings that differ from another recipe's, by dotted key, each with its own value and the other's."""
        mine, theirs = self.model_dump(mode="json", exclude={"track"}), other.model_dump(mode="json")
        pairs = {f"{table}.{key}": (value, theirs[table][key]) for table, values in mine.items() for key, value in values.items()}
        return {setting: pair for setting, pair in pairs.items() if pair[0] != pair[1]}

    def settings(self) -> dict[str, JsonValue]:
        """Return the settings that are not the default ones, by dotted key."""
        return {setting: value for setting, (value, _) in self.changed(load()).items()}

    def to_toml(self, comment: str) -> str:
        """Return a recipe file of the settings that are not the default ones, under a comment."""
        lines = [f"# {comment}"]
        tables: dict[str, list[str]] = {}
        for setting, value in self.settings().items():
            table, key = setting.split(".")
            tables.setdefault(table, []).append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
        for table, values in tables.items():
            lines += ["", f"[{table}]", *values]
        return "\n".join(lines) + "\n"

    def without_folders(self) -> Self:
        """Return the recipe with the last part of each path alone: where files lie is nobody else's business."""
        shown = self
        for table, key in (setting.split(".") for setting in PATHS):
            values = getattr(shown, table)
            shown = shown.model_copy(update={table: values.model_copy(update={key: Path(getattr(values, key)).name})})
        return shown


def resource(name: str) -> str:
    """Return the text of a file in edgetl/resources."""
    return resources.files("edgetl").joinpath("resources", name).read_text(encoding="utf-8")


def load(
    path: Path | None = None, settings: Overrides | None = None, options: Mapping[str, Any] | None = None, *, quick: bool = False
) -> Recipe:
    """Return the defaults, over them the recipe file, settings as texts, options by dotted key (None: not given), settings by dotted key.

    Relative paths in the file are relative to its folder; others follow the working directory.

    Args:
        quick: take the file's table [quick] over the rest of the file.

    Raises UsageError that names every mistake at once.
    """
    values = _collected(path, settings, options, quick=quick)
    _taken(values, "pretrain")
    return check(values)


def pretraining(
    path: Path | None, settings: Overrides | None = None, options: Mapping[str, Any] | None = None, *, quick: bool
) -> Recipe | None:
    """Return how the backbone is made that the recipe starts from: as the recipe, all from random weights, but for its table [pretrain].

    None: it has no such table. Arguments and errors as of `load`, where `model.weights` names the file to be made.
    """
    values = _collected(path, settings, options, quick=quick)
    table = _taken(values, "pretrain")
    if not table:
        return None
    if not str(values["model"]["weights"]).endswith(".npz"):
        raise UsageError(
            f"the recipe has a [pretrain] table, but model.weights, '{values['model']['weights']}', is not a file that it can make",
            'name one under [model]: weights = "backbone.npz"',
        )
    values["model"]["weights"] = "none"
    merge(values["train"], {"unfreeze": "all", "depth_factor": 1.0, "unfreeze_epochs": 0.0})  # nothing is known that could be kept
    merge(values, table)
    return check(values)


def _taken(values: dict[str, Any], table: str) -> dict[str, Any]:
    """Return a table that does not belong to a recipe itself, taken out; anything else stays, and is reported with the other mistakes."""
    return values.pop(table) if isinstance(values.get(table), dict) else {}


def _collected(path: Path | None, settings: Overrides | None, options: Mapping[str, Any] | None, *, quick: bool) -> dict[str, Any]:
    values = tomllib.loads(resource("defaults.toml"))
    file = read(path) if path is not None else {}
    less = _taken(file, "quick")
    if quick and not less:
        raise UsageError(f"{path or 'the default recipe'} has no table [quick]", "leave --quick out, or add one with fewer epochs")
    merge(values, file)
    if quick:
        merge(values, less)
    put_settings(values, settings, options)
    return with_paths(values, None)


def check(values: Mapping[str, Any]) -> Recipe:
    """Return a recipe from plain values. Raises UsageError that names every mistake."""
    tables = ((table, settings) for table, settings in values.items() if isinstance(settings, Mapping))
    given = ((f"{table}.{key}", value) for table, settings in tables for key, value in settings.items())
    if bytes_in := [f"\n  {key}: {value!r}" for key, value in given if isinstance(value, str | Path) and _BYTES.search(str(value))]:
        problem = f"a recipe and the record of a run are UTF-8, which is not in:{''.join(bytes_in)}"
        raise UsageError(problem, "rename the file or folder, or name a link to it")
    try:
        # Through JSON, since strict validation of Python values would refuse a list where a tuple is meant.
        return Recipe.model_validate_json(json.dumps(values, default=str))
    except RecursionError:
        raise UsageError("the recipe is nested too deeply", "tables hold plain values: edgetl list settings") from None
    except ValidationError as error:
        raise UsageError(
            "the recipe has mistakes:\n" + "\n".join(f"  {mistake}" for mistake in _mistakes(error)),
            "all keys with their defaults and reasons: edgetl list settings",
        ) from None


def restore(values: Mapping[str, Any], settings: Overrides | None = None, options: Mapping[str, Any] | None = None) -> Recipe:
    """Return a recipe as a run recorded it, with settings and options as in `load`; settings newer than the run get their defaults."""
    complete = tomllib.loads(resource("defaults.toml"))
    merge(complete, values)
    put_settings(complete, settings, options)
    return check(complete)


def anchored(recipe: Recipe) -> Recipe:
    """Return the recipe with the paths that are relative to the working directory as absolute ones: a run is used from elsewhere too."""
    return check(with_paths(recipe.model_dump(mode="json"), Path.cwd()))


def _mistakes(error: ValidationError) -> list[str]:
    """Return a line for each setting that is wrong: what it must be, by all of the types that it may have."""
    settings: dict[str, list[ErrorDetails]] = {}
    for item in error.errors():
        # Of a setting of several types the third part is a type's name; that of a list is a number.
        place = [str(part) for depth, part in enumerate(item["loc"]) if depth < _DEPTH or isinstance(part, int)]
        settings.setdefault(".".join(place), []).append(item)
    return [f"{setting}: {_mistake(setting.split('.'), items)}" for setting, items in settings.items()]


def _mistake(place: list[str], items: list[ErrorDetails]) -> str:
    if items[0]["type"] == "extra_forbidden":
        return f"unknown; {_meant(place)}"
    if not all(item["type"] in _MUST_BE for item in items):  # of several settings, whose values are not repeated: one may be a password
        return items[0]["msg"]
    wanted = list(dict.fromkeys(_MUST_BE[item["type"]].format(**item.get("ctx", {})) for item in items))
    return f"must be {' or '.join(wanted)}, not {repr(items[0]['input'])[:_LONGEST]}"


def _meant(place: list[str]) -> str:
    """Return a hint at what an unknown key should have been: one of its table, or the key that has that name in another."""
    tables: dict[str, Any] = {table: field.annotation for table, field in Recipe.model_fields.items()}
    choices = list(tables[place[0]].model_fields if place[:-1] else tables)
    homes: dict[str, str] = {}
    for table, kind in tables.items():
        for name in kind.model_fields:
            homes.setdefault(name, f"{table}.{name}")  # of several, the first table's is what is meant most
    if place[-1] in homes or not closest(place[-1], choices):
        home = homes.get(closest(place[-1], list(homes)))
        return f"did you mean '{home}'? choices: {', '.join(choices)}" if home else f"choices: {', '.join(choices)}"
    return did_you_mean(place[-1], choices)
