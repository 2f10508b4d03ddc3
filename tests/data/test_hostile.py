"""Images and names that were made to harm: each works, is left out with a reason, or is an EdgetlError; none is believed."""

import logging
import os
import re
import resource
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgetl.contract import Contract
from edgetl.data import csv_file
from edgetl.data.decode import BadImage, decode
from edgetl.data.folder import find
from edgetl.errors import EdgetlError
from edgetl.pipeline.predict import pixels_of
from tests.conftest import CliResult, Made
from tests.data.conftest import encode, fill, scene

CONTRACT = Contract.square(32, 1 / 127.5, 128, ("a", "b"))
Cli = Callable[..., CliResult]

STEERING = {*"\x1b\x9b\r\x07\u202e"}  # what moves a terminal's cursor, or turns its text round
NAMES = {
    "line break": "one\ntwo.png",
    "carriage return": "one\rtwo.png",
    "escape codes": "\x1b[2J\x1b]0;owned\x07.png",
    "c1 control": "\x9b31m.png",
    "right to left": "\u202egnp.exe",
    "hebrew": "תמונה.png",
    "dots": "a...png",
    "parent": "a..\\..\\etc.png",
    "percent": "%2e%2e%2f.png",
    "quotes": "'; rm -rf ~ #\".png",
    "option": "--help.png",
    "dollar": "$(id)`id`.png",
    "as long as can be": "n" * 251 + ".png",
    "no unicode": os.fsdecode(b"\xff\xfe\x80.png"),
    "emoji": "\U0001f600" * 60 + ".png",
}


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of(width: int, height: int, data: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def jpeg_of(width: int, height: int) -> bytes:
    """A real JPEG whose header says another size."""
    data = bytearray(encode(scene(16, 16), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def tiff_of(width: int, height: int, tile: int = 0) -> bytes:
    """One strip or tile of 64 bytes, said to be LZW."""
    where = {322: tile, 323: tile, 324: 8, 325: 64} if tile else {273: 8, 278: height, 279: 64}
    tags = {256: width, 257: height, 258: 8, 259: 5, 262: 1, 277: 1} | where
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    return b"II*\0" + struct.pack("<I", 8 + 64) + bytes(64) + struct.pack("<H", len(tags)) + entries + bytes(4)


BOMBS = {
    "png of 60000 x 60000 zeros": lambda: png_of(60000, 60000, zlib.compress(bytes(10**6))),
    "png of 2^31 - 1": lambda: png_of(2**31 - 1, 2**31 - 1, b""),
    "png of no height": lambda: png_of(16, 0, b""),
    "jpeg of 65535 x 65535": lambda: jpeg_of(65535, 65535),
    "bmp of 2^31 - 1": lambda: encode(scene(8, 8), "BMP")[:18] + struct.pack("<ii", 2**31 - 1, 2**31 - 1) + encode(scene(8, 8), "BMP")[26:],
    "gif of 65535 x 65535": lambda: b"GIF89a" + struct.pack("<HH", 65535, 65535) + encode(scene(8, 8), "GIF")[10:],
    "tiff of 60000 x 60000": lambda: tiff_of(60000, 60000),
    "tiff of 16 x 16 with a tile of 30000 x 30000": lambda: tiff_of(16, 16, tile=30000),
    "text chunk that unpacks to 200 MB": lambda: (
        encode(scene(8, 8))[:33] + chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(200_000_000), 9)) + encode(scene(8, 8))[33:]
    ),
    "profile that unpacks to 200 MB": lambda: (
        encode(scene(8, 8))[:33] + chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(200_000_000), 9)) + encode(scene(8, 8))[33:]
    ),
}


def decoded_with_little(path: Path) -> str:
    """What a process of its own says that may not have a GiB."""
    code = (
        "import sys; from edgetl.data.decode import decode, BadImage; from edgetl.contract import Contract\n"
        "try: decode(open(sys.argv[1], 'rb').read(), Contract.square(32, 1.0, 0, ('a', 'b')))\n"
        "except BadImage as error: print('bad:', error)\nelse: print('good')"
    )

    def little() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

    command = [sys.executable, "-c", code, str(path)]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, preexec_fn=little, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("make", BOMBS.values(), ids=BOMBS.keys())
def test_bombs_cost_little(make: Callable[[], bytes], tmp_path: Path) -> None:
    """What the header says is refused before memory is taken for it."""
    (tmp_path / "bomb.png").write_bytes(make())
    reasons = ("more than 89478485 pixels", "damaged: Decompressed data too large", "not a JPEG", "truncated: too short for its size")
    said = decoded_with_little(tmp_path / "bomb.png")
    assert said.startswith(tuple(f"bad: {reason}" for reason in reasons)), said
    with pytest.raises(EdgetlError, match="cannot be read as an image"):
        pixels_of(str(tmp_path / "bomb.png"), CONTRACT)


def test_a_jpeg_of_100_megapixels_is_read_and_costs_little(tmp_path: Path) -> None:
    """Decoded in full it would take 400 MB, and libjpeg an eighth a side (8 MiB beyond the file's own, as measured)."""
    Image.new("L", (10000, 10000), 99).save(tmp_path / "large.jpg")
    assert decoded_with_little(tmp_path / "large.jpg") == "good\n"


def test_a_long_thin_image_is_read() -> None:
    assert decode(encode(np.zeros((1, 60000, 3), np.uint8)), CONTRACT).shape == (32, 32, 3)


POLYGLOTS = {
    "jpeg and zip": (lambda: encode(scene(16, 16), "JPEG") + b"PK\3\4evil", True),
    "gif and script": (lambda: encode(scene(16, 16), "GIF") + b"*/alert(1)//", True),
    "png and html": (lambda: encode(scene(16, 16)) + b"<script>alert(1)</script>", True),
    "pdf before jpeg": (lambda: b"%PDF-1.4\n" + encode(scene(16, 16), "JPEG"), False),
    "shell script": (lambda: b"#!/bin/sh\nrm -rf ~\n", False),
    "svg": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>", False),
    "postscript": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n", False),
    "tiff and script": (lambda: encode(scene(16, 16), "TIFF") + b"*/alert(1)//", True),
}


@pytest.mark.parametrize(("make", "read"), POLYGLOTS.values(), ids=POLYGLOTS.keys())
def test_polyglots_are_images_or_nothing(make: Callable[[], bytes], read: bool) -> None:
    """By their content and never by their suffix; what hangs on behind is not looked at."""
    if read:
        assert decode(make(), CONTRACT).shape == (32, 32, 3)
    else:
        with pytest.raises(BadImage):
            decode(make(), CONTRACT)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "AVIF", "HEIC"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_streams_are_left_out(kind: str, share: float) -> None:
    whole = encode(scene(64, 64), kind)
    with pytest.raises(BadImage):
        decode(whole[: int(share * len(whole))], CONTRACT)


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """A data folder with every odd name, each a good image."""
    data = fill(tmp_path / "data", {"a": 3, "b": 3})
    for number, name in enumerate(NAMES.values()):
        (data / "a" / name).write_bytes(encode(scene(10, 12, number)))
        (data / "a" / f"bad {number}").mkdir()
        (data / "a" / f"bad {number}" / name).write_bytes(b"no image")
    return data


def test_every_name_is_listed_once_and_read(named: Path) -> None:
    listing = find(str(named))
    assert not listing.rejected
    assert len({item.name for item in listing.items}) == 6 + 2 * len(NAMES)
    for item in listing.items:
        assert not item.name.startswith(("/", ".."))
        assert item.read()
        item.name.encode("utf-8")


@pytest.mark.parametrize("arguments", [(), ("--json",)], ids=["text", "json"])
def test_a_command_tells_of_them_without_steering_the_terminal(cli: Cli, named: Path, arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Too many are bad, so that training stops with an error that names some."""
    outcome = cli("train", named, "--out", tmp_path / "run", "--weights", "none", *arguments)
    assert outcome.code == 3
    said = outcome.document["error"]["problem"] if arguments else outcome.err
    assert all(f"bad {number}/" in said for number in range(len(NAMES))), "each was read, and is told"
    assert "Traceback" not in outcome.err
    assert not STEERING & {*outcome.out, *outcome.err}


@pytest.mark.parametrize("number", range(len(NAMES)), ids=NAMES.keys())
def test_predict_names_a_bad_image_safely(
    cli: Cli, made: Made, number: int, named: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("edgetl"), "propagate", False)  # pytest-xdist cannot send a log with a name that is no Unicode
    name = list(NAMES.values())[number]
    outcome = cli("predict", made.run / "export" / "model_int8.tflite", "--", named / "a" / f"bad {number}" / name)
    assert outcome.code == 3, outcome.err
    assert "cannot be read as an image" in outcome.err
    assert f"bad {number}" in outcome.err
    assert not STEERING & {*outcome.out, *outcome.err}
    assert cli("predict", made.run / "export" / "model_int8.tflite", "--", named / "a" / name).code == 0, "the name itself is no fault"
    with pytest.raises(EdgetlError) as caught:
        pixels_of(str(tmp_path / "missing" / name), CONTRACT)
    assert caught.value.problem


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside.png", "/dev/zero", "/proc/self/environ"])
def test_links_out_of_the_folder_are_not_read(target: str, tmp_path: Path) -> None:
    data = fill(tmp_path / "data", {"a": 2, "b": 2})
    (tmp_path / "outside.png").write_bytes(encode(scene(8, 8)))
    (data / "a" / "link.png").symlink_to(target)
    (data / "b" / "2.png").symlink_to(data / "a" / "link.png")
    listing = find(str(data))
    assert [one.reason for one in listing.rejected] == ["a link that leads out of the data folder"] * 2
    assert len(listing.items) == 4


# A line, and why it is left out or refuses the file; nothing where the file that it names is listed, to be read as an image later.
LINES = {
    "/dev/zero,a": "not a file",
    "/dev/stdin,a": "not a file",
    "x\0y,a": "embedded null byte",
    f"{'n' * 5000},a": "File name too long",
    f"{'../' * 50}etc/passwd,a": "",
    "\x1b[2J,a": "No such file or directory",
    "a,\x1b[2J": r"'\x1b[2J' cannot be a class name",
    "a/000.png,b": "'a/000.png' is 'a' in line 2 and 'b' in line 4",
    '"a': "unexpected end of data",
    f"{'a' * 200_000},a": "field larger than field limit",
}
REFUSED = ("cannot be", "in line 2", "field limit", "unexpected end")


@pytest.mark.parametrize(("line", "reason"), LINES.items(), ids=range(len(LINES)))
def test_hostile_lines_of_a_csv(line: str, reason: str, tmp_path: Path) -> None:
    """A CSV may name any regular file; devices and pipes are left out, and what is no image when it is read."""
    fill(tmp_path, {"a": 1, "b": 1})
    (tmp_path / "x.csv").write_text(f"path,label\na/000.png,a\nb/000.png,b\n{line}\n", encoding="utf-8", newline="")
    if any(words in reason for words in REFUSED):
        with pytest.raises(EdgetlError, match=re.escape(reason)) as caught:
            csv_file.find(str(tmp_path / "x.csv"))
        assert not STEERING & {*caught.value.problem}
        return
    listing = csv_file.find(str(tmp_path / "x.csv"))
    assert [one.reason for one in listing.rejected] == ([reason] if reason else [])
    assert {item.name for item in listing.items} == {"a/000.png", "b/000.png"} | (set() if reason else {"/etc/passwd"})
