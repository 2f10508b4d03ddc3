"""The mistakes: every image that the main model gets wrong is there, surest first, and a browser lets one choose a class."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgetl.contract import Contract
from edgetl.evaluation.per_class import confusion
from edgetl.report.page.blocks import Gallery, Section, Text
from edgetl.report.page.facts import Facts, Predictions
from edgetl.report.page.sections import mistakes
from edgetl.report.page.write import write
from edgetl.report.plots.thumbnail import edge_px, thumbnail
from tests.report.page.test_rejection import rejects
from tests.report.page.test_write import HOSTILE, facts

NAMES = ("daisy", "rose", "tulip")


def made(int8: Sequence[Sequence[float]], label_ids: Sequence[int], in_float: Sequence[Sequence[float]] | None = None) -> Facts:
    """Return a made-up run with these predictions."""
    base = facts(NAMES)
    assert isinstance(base.predictions, Predictions)
    probabilities = {"keras_float": np.array(in_float or int8), "tflite_int8": np.array(int8)}
    names = tuple(f"{number}.jpg" for number in range(len(label_ids)))
    return replace(
        base, predictions=replace(base.predictions, label_ids=np.array(label_ids), image_names=names, probabilities=probabilities)
    )


def shown(of: Facts) -> tuple[str, Gallery | None]:
    found = mistakes.section(of)
    assert isinstance(found, Section)
    galleries = [block for block in found.blocks if isinstance(block, Gallery)]
    return " ".join(f"{block.text} {block.command}".strip() for block in found.blocks if isinstance(block, Text)), galleries[
        0
    ] if galleries else None


def test_all_mistakes_are_shown_surest_first() -> None:
    int8 = [[0.9, 0.1, 0.0], [0.5, 0.3, 0.2], [0.05, 0.95, 0.0], [0.2, 0.1, 0.7]]
    in_float = [[0.9, 0.1, 0.0], [0.3, 0.5, 0.2], [0.05, 0.95, 0.0], [0.2, 0.1, 0.7]]
    text, gallery = shown(made(int8, [0, 1, 2, 0], in_float))
    assert gallery
    assert "tflite_int8 gets 3 of 4 validation images wrong, surest first; the float model gets 1 of them right" in text
    assert "It is at least 90 % sure of 1 of them" in text
    assert [photo.title for photo in gallery.photos] == ["predicted: rose (95 %)", "predicted: tulip (70 %)", "predicted: daisy (50 %)"]
    assert gallery.photos[0].lines == ["true class: tulip", "2.jpg"], "what float says is there where it is another class"
    assert gallery.photos[2].lines == ["true class: rose", "float: rose (50 %)", "1.jpg"]
    assert gallery.photos[2].groups == [
        ("true class", "rose"),
        ("predicted as", "daisy"),
        ("quantization", "right in float, wrong in int8"),
    ]


def test_without_a_mistake_it_says_so() -> None:
    text, gallery = shown(made([[0.9, 0.1, 0.0]], [0]))
    assert text == "tflite_int8 gets 0 of 1 validation image wrong."
    assert gallery is None


def test_there_are_as_many_as_the_confusion_matrix_has() -> None:
    run = facts()
    assert isinstance(run.predictions, Predictions)
    counts = confusion(run.predictions.top1("tflite_int8"), run.predictions.label_ids, len(HOSTILE))
    _, gallery = shown(run)
    assert gallery
    assert len(gallery.photos) == counts.sum() - np.trace(counts) > 0


def test_an_image_that_is_gone_keeps_its_place() -> None:
    run = made([[0.9, 0.1, 0.0], [0.8, 0.1, 0.1]], [1, 2])
    assert isinstance(run.predictions, Predictions)
    read = run.predictions.read

    def some(rows: Sequence[int]) -> list[NDArray[np.uint8] | None]:
        return [None, *read(rows)[1:]]

    text, gallery = shown(replace(run, predictions=replace(run.predictions, read=some)))
    assert gallery
    assert "1 image cannot be shown" in text
    assert text.endswith("edgetl report RUN --data PATH")
    assert [bool(photo.content) for photo in gallery.photos] == [False, True]


def test_a_rejected_image_is_called_unknown(tmp_path: Path) -> None:
    run = made([[0.4, 0.3, 0.3], [0.9, 0.1, 0.0]], [1, 1])
    assert isinstance(run.predictions, Predictions)
    rejecting = run.predictions.output.model_copy(update={"rejection": rejects(tmp_path, "threshold").output.rejection})
    assert rejecting.rejection
    rejecting = rejecting.model_copy(update={"rejection": rejecting.rejection.model_copy(update={"threshold": 0.5})})
    _, gallery = shown(replace(run, predictions=replace(run.predictions, output=rejecting)))
    assert gallery
    assert [photo.title for photo in gallery.photos] == ["predicted: daisy (90 %)", "predicted: unknown, daisy (40 %)"]


def test_unknown_images_that_pass_are_mistakes_too(tmp_path: Path) -> None:
    found = mistakes.section(facts(rejects=rejects(tmp_path, "all")))
    assert isinstance(found, Section)
    *_, text, gallery = found.blocks
    assert isinstance(text, Text)
    assert isinstance(gallery, Gallery)
    assert text.text.startswith("Unknown images that pass as one of the classes")
    assert gallery.photos[0].groups == [("predicted as", HOSTILE[2]), ("unknown images of", HOSTILE[0])]


def test_many_thumbnails_are_small_and_stay_below_their_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    edges = [edge_px(count) for count in (0, 1, 77, 500, 1000, 3000)]
    assert edges[:3] == [160, 160, 160]
    assert edges == sorted(edges, reverse=True)
    assert edges[-1] >= 48
    monkeypatch.setattr(mistakes, "_MOST", 2)
    text, gallery = shown(made([[0.9, 0.1, 0.0]] * 3, [1, 1, 1]))
    assert gallery
    assert "gets 3 of 3" in text
    assert "Shown are the 2 of which it is surest" in text
    assert len(gallery.photos) == 2
    assert thumbnail(np.zeros((32, 20, 3), np.uint8)).startswith(b"\xff\xd8")


def test_of_several_classes_the_wrong_ones_are_named() -> None:
    run = made([[0.9, 0.8, 0.1], [0.1, 0.2, 0.4], [0.9, 0.1, 0.1]], [0, 0, 0])
    assert isinstance(run.predictions, Predictions)
    output = Contract.square(8, 1 / 255, 0, NAMES).for_task("multi-label").output
    label_ids = np.array([[1, 0, 0], [0, 0, 1], [1, 0, 0]])
    text, gallery = shown(replace(run, predictions=replace(run.predictions, label_ids=label_ids, output=output)))
    assert gallery
    assert "gets 2 of 3 validation images wrong" in text
    first, second = gallery.photos
    assert first.title == "predicted: daisy (90 %), rose (80 %)"
    assert first.groups[0] == ("found, but not shown", "rose")
    assert second.title == "predicted: none"
    assert second.groups[0] == ("missed", "tulip")


def test_a_browser_chooses_by_class_and_shows_all_without_a_script(tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="edgetl[web] is not installed")
    if not shutil.which("chromium"):
        pytest.skip("chromium is not installed")
    run = made([[0.9, 0.1, 0.0], [0.5, 0.3, 0.2], [0.05, 0.95, 0.0], [0.2, 0.1, 0.7]], [0, 1, 2, 0])
    write(run, tmp_path / "r.html", "html")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto((tmp_path / "r.html").as_uri())
        section = page.locator("#mistakes")
        assert section.locator("figure:visible").count() == 3
        choice = section.get_by_label("Show")
        assert choice.locator("optgroup").evaluate_all("kinds => kinds.map(kind => kind.label)") == [
            "predicted as",
            "quantization",
            "true class",
        ]
        choice.select_option(value='["true class","tulip"]')
        assert section.locator("figure:visible figcaption b").all_inner_texts() == ["predicted: rose (95 %)"]
        assert section.get_by_role("status").inner_text() == "1 of 3 shown"
        choice.select_option(value="")
        assert section.locator("figure:visible").count() == 3
        plain = browser.new_context(java_script_enabled=False).new_page()
        plain.goto((tmp_path / "r.html").as_uri())
        assert plain.locator("#mistakes figure:visible").count() == 3
        assert plain.locator("select").count() == 0
        browser.close()
