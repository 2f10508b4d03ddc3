"""JSON files read without trust: bounded in size, and of the shape that their readers count on."""

import json
import math
import tomllib
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from edgetl.errors import RunError

_LARGEST_BYTES = 32 * 2**20  # the results of a run have some hundred KiB; Python's objects take up to twenty times the text
_ZIP_END_BYTES, _ZIP64_BYTES = 22, 20  # of the end record without a comment, and of the locator that stands before it in zip64
_PART_BYTES = 2**10  # of a part's line in the list of contents, with a long name
_LARGEST_TOML_BYTES, _MOST_DOTS = 2**18, 200  # a hundred times the defaults with all their reasons
_LARGEST_HEADER = 10_000  # characters; NumPy's own limit

Shape = Any
"""A type; a tuple of shapes, of which one must fit; [shape] of a list's items; a function that says whether the value does; or a
mapping of keys to shapes, where `key?` may be missing or null and `*` is every other key. Keys that are not named may be there."""


def load(path: Path) -> Any:
    """What a JSON file holds. Raises OSError, or ValueError with the reason."""
    content = _bytes(path, _LARGEST_BYTES)
    try:
        return json.loads(content.decode("utf-8"), parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _bytes(path: Path, most: int) -> bytes:
    if path.exists() and not path.is_file():  # a pipe would be waited for, a device never ends
        raise OSError("it is not a file")
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"it is larger than {most // 2**10} KiB")
    return content


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number of JSON")


def load_toml(path: Path) -> dict[str, Any]:
    """What a TOML file holds. Raises OSError, or ValueError with the reason."""
    content = _bytes(path, _LARGEST_TOML_BYTES)
    text = content.decode("utf-8")
    # Of a key of n parts tomllib makes n^2: 20,000 dots took 9 s, 100,000 more memory than there was.
    if any(line.count(".") > _MOST_DOTS for line in text.splitlines()):
        raise ValueError(f"a line has more than {_MOST_DOTS} dots")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def check_arrays(path: Path) -> None:
    """Raises ValueError for a .npz file whose arrays are packed, or larger than the file: NumPy takes the memory before it reads them."""
    check_directory(path, most_parts=10_000)
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            with archive.open(entry) as part:
                version = np.lib.format.read_magic(part)
                header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, _, dtype = header(part, max_header_size=_LARGEST_HEADER)
            if entry.compress_type != zipfile.ZIP_STORED or math.prod(shape) * dtype.itemsize > entry.file_size:
                raise ValueError(f"{entry.filename} is packed, or larger than the file")


def check_directory(path: Path, most_parts: int = 64) -> None:
    """Raises ValueError unless a zip file's list of contents is short and at its very end: `zipfile` reads it whole, then counts."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _ZIP64_BYTES - _ZIP_END_BYTES))
        tail = file.read()
    end, before = tail[-_ZIP_END_BYTES:], tail[:-_ZIP_END_BYTES]
    if not end.startswith(b"PK\5\6"):
        raise ValueError("it is cut, has something behind it, or is no zip file")
    if before.startswith(b"PK\6\7") or int.from_bytes(end[12:16], "little") > most_parts * _PART_BYTES:
        raise ValueError("it has far too many parts")


def number(value: Any) -> bool:
    """Whether it is a finite number (JSON's 1e999 is not) that a float can hold."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300 and math.isfinite(value)


def inside(value: Any) -> bool:
    """Whether it is a relative path that stays in its folder."""
    return (
        isinstance(value, str) and "\0" not in value and not PurePosixPath(value).is_absolute() and ".." not in PurePosixPath(value).parts
    )


def check(value: Any, shape: Shape, where: str = "the document") -> None:
    """Raises ValueError that names the first place that does not fit."""
    for problem in _misfits(value, shape, where):
        raise ValueError(problem)


def _misfits(value: Any, shape: Shape, where: str) -> Iterator[str]:
    if isinstance(shape, Mapping):
        if not isinstance(value, Mapping):
            yield f"{where} is no table"
            return
        named = {key.removesuffix("?") for key in shape}
        for key, inner in shape.items():
            name = key.removesuffix("?")
            if key == "*":
                for other in value.keys() - named:
                    yield from _misfits(value[other], inner, f"{where}.{other}")
            elif value.get(name) is None and key.endswith("?"):
                continue
            elif name not in value:
                yield f"{where} has no {name}"
            else:
                yield from _misfits(value[name], inner, f"{where}.{name}")
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{where} is no list"
            return
        for index, item in enumerate(value):
            yield from _misfits(item, shape[0], f"{where}[{index}]")
    elif not _fits(value, shape):
        yield f"{where} is {str(value)[:40]!r}"


def _fits(value: Any, shape: type | Callable[[Any], bool] | tuple[Any, ...]) -> bool:
    if isinstance(shape, tuple):
        return any(not list(_misfits(value, one, "")) for one in shape)
    if isinstance(shape, type):
        return isinstance(value, shape) and (shape is bool or not isinstance(value, bool))
    return shape(value)


_ACCURACY: Shape = {"top1_accuracy": number, "top1_interval_95": lambda v: _interval(v), "loss": number}
_EPOCH: Shape = {"loss": number, "accuracy": number, "val_accuracy": number, "val_loss": number}
RECORD: Shape = {
    "created": str,
    "recipe": {},
    "software": {"*": str},
    "stages": {
        "*": {
            "inputs": str,
            "finished?": str,
            "seconds": number,
            "files": lambda files: isinstance(files, Mapping) and all(inside(f) and isinstance(files[f], str) for f in files),
            "facts": {
                "counts?": {"*": int},
                "epochs?": [_EPOCH],
                "best_epoch?": int,
                "calibration?": {"images": int},
                "candidates?": {"*": _ACCURACY | {"drop_points": number, "lost": int, "won": int, "mcnemar_p": number, "size_bytes": int}},
                "classes?": [str],
                "shipped?": str,
                "reason?": str,
            },
        }
    },
}
_WORST: Shape = {
    "name": str,
    "label": int,
    "first_top1": int,
    "first_probability": number,
    "second_top1": int,
    "second_probability": number,
}
VALIDATION: Shape = {
    "passed": bool,
    "images": int,
    "class_names": [str],
    "subjects": {
        "*": {
            "accuracy": _ACCURACY | {"top5_accuracy": number, "macro_f1": number},
            "size_bytes": int,
            "latency_ms": {"p50": number, "p90": number},
        }
    },
    "pairs": [
        {
            "tolerance": {"first": str, "second": str},
            "agreement": {"top1_agreement": number, "mean_steps": number, "max_steps": number, "mean_abs_dp": number, "kl": number},
            "paired": {"drop_points": number, "mcnemar_p": number},
            "passed": bool,
            "worst": [_WORST],
        }
    ],
    "cpu": {"model": str, "features": {"*": bool}},
    "unverified?": {"*": str},
}
BENCHMARK: Shape = {
    "results": [{"device": str, "model": str, "latency_ms?": {"p50?": lambda v: number(v) and v > 0}}],
}


def _interval(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(number, value))


def validation(path: Path) -> dict[str, Any]:
    """validation.json; `unverified` is there, if empty. Raises RunError when it is not what `edgetl validate` writes."""
    try:
        document = load(path)
        check(document, VALIDATION)
        classes = len(document["class_names"])
        for pair in document["pairs"]:
            for one in pair["worst"]:
                if not all(0 <= one[key] < classes for key in ("label", "first_top1", "second_top1")):
                    raise ValueError(f"an image of {pair['tolerance']['second']} has a class that is none")
    except (OSError, ValueError) as error:
        raise RunError(f"cannot read {path}: {error}", "make it again: edgetl validate") from error
    return {**document, "unverified": document.get("unverified") or {}}
