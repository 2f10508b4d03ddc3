"""JSON files of others: bounded, and of the shape that was asked for."""

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetl import documents, files
from edgetl.contract import Contract
from edgetl.documents import Document
from edgetl.errors import RunError, UsageError


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "Expecting value"),
        (b"\xff", "decode"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b"[-Infinity]", "is not a JSON number"),
        (b"9" * 5000, "digits"),
        (b" " * (files._LARGEST_BYTES + 1), "larger than 32768 KiB"),
    ],
    ids=["empty", "bytes", "nested", "nan", "infinity", "digits", "large"],
)
def test_what_is_no_document_is_a_value_error(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(ValueError, match=says):
        files.read_json(tmp_path / "x.json")
    with pytest.raises(RunError):
        Contract.read(tmp_path / "x.json")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.json")
    with pytest.raises(OSError, match="not a file"):
        files.read_json(tmp_path / "x.json")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a." * 100_000 + "a = 1", "more than 200 dots"),
        ("[" + "a." * 10_000 + "a]", "more than 200 dots"),
        ("x = {" + "a . " * 5000 + "a = 1}", "more than 200 dots"),
        ("a = " + "[" * 10_000, "nested too deeply"),
        ("# " + "x" * 2**18, "larger than 256 KiB"),
        ("a = 1\0", ""),
    ],
    ids=["key", "table", "inline", "nested", "large", "zero"],
)
def test_toml_takes_little_time_and_memory(text: str, says: str, tmp_path: Path) -> None:
    """Found by hand: tomllib needs memory in the square of a key's parts."""
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(ValueError, match=says):
        files.read_toml(tmp_path / "x.toml")


def test_arrays_are_no_larger_than_their_file(tmp_path: Path) -> None:
    from edgetl.errors import RunError
    from edgetl.quantization.quantized import Quantized

    def npz(header: dict[str, Any], compression: int = zipfile.ZIP_STORED) -> Path:
        part = io.BytesIO()
        np.lib.format.write_array_header_1_0(part, header)
        with zipfile.ZipFile(tmp_path / "x.npz", "w", compression) as archive:
            archive.writestr("weights/conv/0.npy", part.getvalue() + bytes(100_000))
        return tmp_path / "x.npz"

    good = {"descr": "<f4", "fortran_order": False, "shape": (10, 10)}
    assert Quantized.load(npz(good)).weights["conv"][0].shape == (10, 10)
    for changes, compression in (
        ({}, zipfile.ZIP_DEFLATED),
        ({"shape": (10**6, 10**6)}, 0),
        ({"shape": (-1, -1)}, 0),
        ({"descr": "|O"}, 0),
    ):
        with pytest.raises(RunError, match="cannot read the quantized model"):
            Quantized.load(npz(good | changes, compression))


class Sample(Document):
    numbers: tuple[int, ...]
    file: documents.RelativePath = "x"
    share: documents.Share | None = None


def test_a_document_is_read_as_it_was_written(tmp_path: Path) -> None:
    sample = Sample(numbers=(1, 2), share=0.5)
    sample.write(tmp_path / "x.json")
    assert Sample.read(tmp_path / "x.json") == sample
    assert json.loads((tmp_path / "x.json").read_text())["schema_version"] == 1


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([], "it is not a JSON object"),
        ({"numbers": [1]}, "it has no schema_version"),
        ({"schema_version": 2, "anything": 1}, "it has schema version 2; this is edgetl .* reads version 1"),
        ({"schema_version": 1, "numbers": ["1"]}, "numbers.0: Input should be a valid integer"),
        ({"schema_version": 1, "numbers": [True]}, "numbers.0"),
        ({"schema_version": 1, "numbers": [], "more": 1}, "more: Extra inputs"),
        ({"schema_version": 1, "numbers": [], "share": 10**400}, "share"),
        ({"schema_version": 1, "numbers": [], "file": "../x"}, "file: the path leaves its folder"),
        ({"schema_version": 1, "numbers": [], "x" * 10_000: 1}, "x{200}:"),
    ],
)
def test_a_document_of_another_form_is_refused(values: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Sample.parse(values)


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/../../x", "a\0b", 5, None])
def test_files_of_a_run_lie_in_it(name: Any) -> None:
    good = {"schema_version": 1, "numbers": [], "file": "export/model ä.tflite"}
    assert Sample.parse(good).file == "export/model ä.tflite"
    with pytest.raises(ValueError, match="file: "):
        Sample.parse(good | {"file": name})


def test_what_a_terminal_would_do_is_in_no_message(tmp_path: Path) -> None:
    """A huge value is not repeated whole."""
    (tmp_path / "run.json").write_text(
        json.dumps({"schema_version": 1, "stages": {"x" * 10**6: "y" * 10**6}, "recipe": {}, "created": "", "software": {}})
    )
    from edgetl.run_folder import RunFolder

    with pytest.raises(RunError, match=r"stages\.x") as caught:
        RunFolder.open(tmp_path)
    assert len(caught.value.problem) < 600


@pytest.mark.parametrize("file", [False, True])
def test_an_environment_variable_names_what_is_there(file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A download instead would hide the mistake."""
    places = {False: tmp_path, True: tmp_path / "file"}
    places[True].touch()
    monkeypatch.setenv("HOME", str(tmp_path.parent))
    for named in (str(places[file]), f"~/{places[file].relative_to(tmp_path.parent)}"):
        monkeypatch.setenv("EDGETL_PLACE", named)
        assert files.place_in("EDGETL_PLACE", file=file) == places[file]
    for named in (tmp_path / "nothing", places[not file]):
        monkeypatch.setenv("EDGETL_PLACE", str(named))
        with pytest.raises(UsageError, match=f"EDGETL_PLACE names {named}, and no {'file' if file else 'folder'} is there"):
            files.place_in("EDGETL_PLACE", file=file)
    for unset in ("", None):
        monkeypatch.setenv("EDGETL_PLACE", unset) if unset is not None else monkeypatch.delenv("EDGETL_PLACE")
        assert files.place_in("EDGETL_PLACE", file=file) is None
