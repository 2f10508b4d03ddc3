"""The plain values of contract.json in other versions than the present one."""

import json
from collections.abc import Mapping
from contextlib import suppress

from pydantic import ValidationError

from edgetl.input import Input, Normalization

Plain = Mapping[str, object]


def upgraded(values: Plain) -> Plain:
    """Return a contract's plain values as this version has them, without what follows from the others.

    The first version had the normalization in `input`, and no `feed`. Raises ValueError where `feed` differs from the rest.
    """
    given = values.get("input")
    if not isinstance(given, Mapping):
        return values
    given = dict(given)
    if values.get("schema_version") == 1 and "normalization_inside_the_model" in given:
        inside = {"normalization": given.pop("normalization_inside_the_model")}
        return {**values, "schema_version": 2, "input": given, "inside_the_model": inside}
    feed = given.pop("feed", None)
    with suppress(ValidationError):  # which reading the values reports, with its place
        if feed is not None and Input.model_validate_json(json.dumps(given), strict=True).feed.model_dump(mode="json") != feed:
            raise ValueError("input.feed: it differs from the rest of the input")
    return {**values, "input": given}


def holding(values: Plain) -> Plain:
    """Return the plain values of a document that holds a contract, with that as this version has it."""
    contract = values.get("contract")
    return {**values, "contract": upgraded(contract)} if isinstance(contract, Mapping) else values


def of_the_images(taken: Input, given: Plain, normalization: Normalization) -> Plain:
    """Return what the images of a run depend on, in the form of the first version, by which the records of all runs know them.

    Args:
        given: the output's plain values, as far as the images depend on them.
    """
    inside = {"normalization_inside_the_model": normalization.model_dump(mode="json")}
    return {"schema_version": 1, "input": taken.model_dump(mode="json", exclude={"feed"}) | inside, "output": given}
