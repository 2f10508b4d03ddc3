"""Placeholders as photo hosts serve them, among photographs: named, and nothing else is."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from edgetl.contract import Contract
from edgetl.data.base import Item
from edgetl.diagnosis.inspect import inspect_image
from edgetl.diagnosis.placeholders import _FEW_BITS_ALONE
from tests.conftest import CliResult
from tests.data.conftest import encode, scene

Cli = Callable[..., CliResult]
CONTRACT = Contract.square(160, 1 / 255, 0, ("a", "b"))
CARDS = {
    "grey with an icon": ((500, 374), (243, 245, 246), (130, 130, 130), "This photo is\nno longer available"),
    "white": ((240, 180), "white", "black", "image not found"),
    "dark and small": ((161, 81), (34, 34, 34), (200, 200, 200), "The image you are requesting\ndoes not exist\nor is no longer available"),
    "blue": ((640, 480), (0, 60, 150), "white", "No image available"),
    "its size": ((400, 300), (204, 204, 204), (150, 150, 150), "400 x 300"),
    "red": ((320, 240), (180, 20, 20), "yellow", "404\nNOT FOUND"),
    "black": ((500, 500), "black", (230, 230, 230), "Sorry, this image\nhas been removed\nby its owner"),
    "green": ((500, 333), (40, 120, 60), "white", "COMING SOON"),
}


def card(kind: str) -> Image.Image:
    size, back, ink, text = CARDS[kind]
    drawn = Image.new("RGB", size, back)
    draw = ImageDraw.Draw(drawn)
    place = size[0] / 2, size[1] / 2
    draw.multiline_text(place, text, fill=ink, font=ImageFont.load_default(max(9, size[1] // 12)), anchor="mm", align="center")
    if "icon" in kind:
        draw.rectangle((220, 60, 280, 105), outline=ink, width=4)
        draw.line((220, 60, 280, 105), fill=ink, width=4)
    return drawn


def bits(data: bytes) -> float:
    facts = inspect_image(CONTRACT, Item("a.jpg", "a", None, lambda: data, "1")).facts
    assert facts is not None
    return facts.colour_bits


@pytest.mark.parametrize("kind", CARDS)
def test_a_card_has_few_colours(kind: str) -> None:
    for data in (encode(card(kind)), encode(card(kind), "JPEG", quality=75), encode(card(kind).resize((300, 220)), "JPEG", quality=50)):
        assert bits(data) < _FEW_BITS_ALONE


def test_a_photograph_has_many() -> None:
    assert bits(encode(scene(240, 320), "JPEG")) > 6
    assert bits(encode(np.full((99, 99, 3), 77, np.uint8))) == 0


def test_doctor_names_them_and_their_like_in_other_classes(cli: Cli, tmp_path: Path) -> None:
    """Three in two classes: the same placeholder in two sizes and encodings, and another one."""
    data = tmp_path / "photos"
    for label, start in (("cat", 0), ("dog", 50)):
        (data / label).mkdir(parents=True)
        for number in range(12):
            (data / label / f"{number}.jpg").write_bytes(encode(scene(120, 160, start + number), "JPEG"))
    planted = {
        "cat/gone.jpg": encode(card("grey with an icon"), "JPEG", quality=80),
        "dog/gone.jpg": encode(card("grey with an icon").resize((240, 180)), "JPEG", quality=60),
        "dog/none.png": encode(card("blue")),
    }
    for name, content in planted.items():
        (data / name).write_bytes(content)
    outcome = cli("doctor", data, "--out", tmp_path / "found", "--fast", "--json")
    assert outcome.code == 0, outcome.err
    found = outcome.document["findings"]
    assert {one["name"] for one in found["placeholders"]} == set(planted)
    assert [{one["name"], *one["others"]} for one in found["two_labels"]] == [{"cat/gone.jpg", "dog/gone.jpg"}]
    assert set(planted) <= set(outcome.document["consider"])


@pytest.mark.slow
def test_three_among_all_flowers(cli: Cli, shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    """Found by the network and without it. Of 3670 flowers none is named by both, and 7 by their colours alone (flowers before black)."""
    for split in ("train", "val"):
        shutil.copytree(shared_data(f"tf_flowers/{split}"), tmp_path / "flowers" / split, copy_function=shutil.copyfile)
    planted = {"train/roses/gone.jpg": "grey with an icon", "train/tulips/gone.jpg": "grey with an icon", "train/roses/none.jpg": "black"}
    for number, (name, kind) in enumerate(planted.items()):
        (tmp_path / "flowers" / name).write_bytes(encode(card(kind), "JPEG", quality=60 + 10 * number))
    for fast, most in (((), 0), (("--fast",), 7)):
        outcome = cli("doctor", tmp_path / "flowers", "--out", tmp_path / "found", "--json", *fast)
        assert outcome.code == 0, outcome.err
        found = outcome.document["findings"]
        named = {one["name"] for one in found["placeholders"]}
        assert named >= set(planted)
        assert len(named - set(planted)) <= most
        pairs = [{one["name"], *one["others"]} for one in found["two_labels"]]
        assert {"train/roses/gone.jpg", "train/tulips/gone.jpg"} in pairs
