"""JSON files of others: bounded, and of the shape that was asked for."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from edgetl import documents
from edgetl.contract import InputContract
from edgetl.errors import RunError


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "Expecting value"),
        (b"\xff", "decode"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": NaN}', "NaN is no number"),
        (b"[-Infinity]", "no number"),
        (b"9" * 5000, "digits"),
        (b" " * (documents._LARGEST_BYTES + 1), "larger than 32 MiB"),
    ],
    ids=["empty", "bytes", "nested", "nan", "infinity", "digits", "large"],
)
def test_what_is_no_document_is_a_value_error(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(ValueError, match=says):
        documents.load(tmp_path / "x.json")
    with pytest.raises(RunError):
        InputContract.load(tmp_path / "x.json")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.json")
    with pytest.raises(OSError, match="not a file"):
        documents.load(tmp_path / "x.json")


SHAPE = {"a": int, "b?": {"*": str}, "c": [documents.number], "d?": (int, str)}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"a": 1, "c": []}, ""),
        ({"a": 1, "b": None, "c": [1, 0.5], "d": "x", "more": 1}, ""),
        ([], "it is no table"),
        ({"c": []}, "it has no a"),
        ({"a": True, "c": []}, "it.a is 'True'"),
        ({"a": 1, "c": 5}, "it.c is no list"),
        ({"a": 1, "c": [1, "x"]}, r"it.c\[1\] is 'x'"),
        ({"a": 1, "c": [float("inf")]}, r"it.c\[0\] is 'inf'"),
        ({"a": 1, "c": [10**400]}, r"it.c\[0\]"),
        ({"a": 1, "c": [], "b": {"x": 5}}, "it.b.x is '5'"),
        ({"a": 1, "c": [], "d": []}, "it.d is"),
    ],
)
def test_shapes(value: Any, says: str) -> None:
    if not says:
        documents.check(value, SHAPE, "it")
        return
    with pytest.raises(ValueError, match=says):
        documents.check(value, SHAPE, "it")


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/../../x", "a\0b", 5, None])
def test_files_of_a_run_lie_in_it(name: Any) -> None:
    assert not documents.inside(name)
    assert documents.inside("export/model ä.tflite")


def test_what_a_terminal_would_do_is_in_no_message(tmp_path: Path) -> None:
    """A huge value is not repeated whole."""
    (tmp_path / "run.json").write_text(json.dumps({"schema": 1, "stages": {"x": "y" * 10**6}, "recipe": {}, "created": "", "software": {}}))
    from edgetl.workspace import Run

    with pytest.raises(RunError, match=r"stages\.x is no table") as caught:
        Run.open(tmp_path)
    assert len(caught.value.problem) < 300
