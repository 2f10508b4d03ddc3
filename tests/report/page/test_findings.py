"""The doctor's page: what to check comes first, images are enlarged by a click, and ticked boxes make the list to leave out."""

import io
import shutil
from pathlib import Path

import pytest
from PIL import Image

from edgetl.data import exclude
from edgetl.data.base import Item
from edgetl.diagnosis import mislabelled
from edgetl.diagnosis.base import Finding
from edgetl.diagnosis.results import Diagnosis
from edgetl.report.page.findings import page
from tests.report.page.test_write import check_self_contained, diagnosis

NAMES = ("a.png", "b.png", "#c.png", "d.png")


def item(name: str) -> Item:
    drawn = io.BytesIO()
    Image.new("RGB", (900, 600), "teal").save(drawn, "PNG")
    return Item(name, "x", None, drawn.getvalue, "0")


def made() -> tuple[Diagnosis, dict[str, Item]]:
    """Return a copy to leave out, two labels to check, and a broken file, which has no image."""
    found = {
        "unreadable": (Finding("broken.jpg", "not an image", exclude=("broken.jpg",)),),
        "duplicates": (Finding("a.png", "a copy of the same file", ("b.png",), exclude=("a.png",)),),
        "wrong_labels": (
            Finding("#c.png", "more like y", score=0.9, consider=("#c.png",)),
            Finding("a.png", "more like z", score=0.8, consider=("a.png",)),
        ),
    }
    base = diagnosis(("x", "y"))
    whole = base.model_copy(update={"findings": found, "exclude": ("broken.jpg", "a.png"), "consider": ("#c.png",)})
    return whole, {name: item(name) for name in NAMES}


def test_the_labels_to_check_are_the_headline() -> None:
    found, items = made()
    text = page(found, items)
    check_self_contained(text)
    assert ">2 labels to check</h2>" in text
    assert mislabelled(found.findings) == 2
    one = {check: findings for check, findings in found.findings.items() if check != "wrong_labels"}
    assert ">No label to check</h2>" in page(found.model_copy(update={"findings": one}), items)
    assert ">Summary</h2>" in page(found.model_copy(update={"findings": {}}), items)


def test_ticked_boxes_make_the_list(tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="edgetl[web] is not installed")
    if not shutil.which("chromium"):
        pytest.skip("chromium is not installed")
    (tmp_path / "doctor.html").write_text(page(*made()), encoding="utf-8")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page()
        said: list[str] = []
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.goto((tmp_path / "doctor.html").as_uri())

        def saved() -> tuple[str, ...]:
            with tab.expect_download() as download:
                tab.get_by_role("button", name="Save exclude.txt").click()
            assert download.value.suggested_filename == "exclude.txt"
            download.value.save_as(tmp_path / "exclude.txt")
            begun, _, _ = (tmp_path / "exclude.txt").read_text(encoding="utf-8").partition("\n")
            assert begun == exclude.heading(made()[0].source), "as doctor writes it"
            return exclude.read(str(tmp_path / "exclude.txt"))

        assert set(saved()) == {"a.png", "broken.jpg"}, "the sure ones, also where the page shows no image"
        assert tab.get_by_role("status").inner_text() == "2 images to leave out"
        tab.get_by_role("checkbox", name="leave out #c.png").check()
        boxes = tab.get_by_role("checkbox", name="leave out a.png")
        assert boxes.count() == 2, "a copy, and its label"
        boxes.last.uncheck()
        assert not boxes.first.is_checked(), "both boxes of an image are one"
        assert set(saved()) == {"#c.png", "broken.jpg"}, "a name that begins with # is read as one"

        dialog = tab.get_by_role("dialog")
        assert not dialog.is_visible()
        tab.locator(".gallery button").first.press("Enter")
        small = tab.locator(".gallery img").first.bounding_box()
        shown = dialog.locator("img").bounding_box()
        assert small
        assert shown
        assert shown["width"] > 1.5 * small["width"]
        tab.keyboard.press("Escape")
        assert not dialog.is_visible()
        plain = browser.new_context(java_script_enabled=False).new_page()
        plain.goto((tmp_path / "doctor.html").as_uri())
        assert plain.locator("figure:visible").count() == 3
        assert plain.locator("input, button").count() == 0
        assert not plain.locator(".ticked").is_visible()
        browser.close()
    assert not said


@pytest.mark.parametrize(
    ("should", "could", "text"),
    [
        (0, 0, "No image need be left out"),
        (0, 9, "No image need be left out, but 9 could be"),
        (1, 0, "1 image should be left out"),
        (2, 1, "2 images should be left out, and 1 more could be"),
    ],
)
def test_what_should_and_what_could_be_left_out(should: int, could: int, text: str) -> None:
    diagnosis = made()[0].model_copy(update={"exclude": ("a.jpg",) * should, "consider": ("b.jpg",) * could})
    assert diagnosis.advice == text
