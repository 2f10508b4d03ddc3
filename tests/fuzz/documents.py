"""An example of every document in DOCUMENTS: written by hand where its values depend on each other, else made from its JSON schema."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from edgetl.contract import Contract
from edgetl.documents import DOCUMENTS
from tests.fuzz import examples

_BY_HAND: dict[str, Callable[[], Any]] = {
    "benchmark": lambda: json.loads(examples.benchmark()),
    "contract": lambda: Contract.square(8, 1 / 127.5, 128, ("a", "b")).to_json(),
    "manifest": lambda: json.loads(examples.manifest()),
    "run": lambda: json.loads(examples.record()),
    "tuning_record": lambda: json.loads(examples.tuning_record()),
    "validation": lambda: json.loads(examples.validation()),
}
_PATTERNS = {"^[0-9a-f]{64}$": "0" * 64}


@cache
def example(name: str) -> bytes:
    """Return a document that its class reads."""
    return json.dumps(
        _BY_HAND[name]() if name in _BY_HAND else _made(DOCUMENTS.load(name).model_json_schema(mode="serialization"))
    ).encode()


def _made(schema: dict[str, Any], definitions: dict[str, Any] | None = None) -> Any:
    """Return a value that the schema allows: the smallest numbers, one item in a list, one key in a table."""
    known = schema.get("$defs", {}) if definitions is None else definitions
    if "$ref" in schema:
        return _made(known[schema["$ref"].rpartition("/")[2]], known)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return _made(schema[key][0], known)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object" if "properties" in schema:
            return {key: _made(value, known) for key, value in schema["properties"].items()}
        case "object":
            values = schema.get("additionalProperties")
            return {"x": _made(values, known)} if isinstance(values, dict) else {}
        case "array":
            return [_made(one, known) for one in schema.get("prefixItems") or [schema["items"]] * schema.get("minItems", 1)]
        case "string":
            return _PATTERNS.get(schema.get("pattern", ""), "train")
        case "integer" | "number":
            return schema.get("minimum", 1) if schema.get("minimum", 1) > schema.get("exclusiveMinimum", -1) else 1
        case "boolean":
            return True
    return None


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every (holder, key) in a document, outermost first."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])
