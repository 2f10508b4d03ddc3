"""A report is one self-contained page that needs nothing from outside, whatever the classes are called."""

import base64
import hashlib
import json
import re
import shlex
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetl.cli.app import _COMMANDS
from edgetl.compared import MeasuredImages
from edgetl.contract import Contract
from edgetl.diagnosis.base import Finding
from edgetl.diagnosis.results import Diagnosis
from edgetl.errors import DependencyError, DeviceError
from edgetl.recipe import load
from edgetl.report.page import html
from edgetl.report.page.blocks import Absent, Section, Table
from edgetl.report.page.facts import Facts, Predictions, Rejects
from edgetl.report.page.sections import SECTIONS, training
from edgetl.report.page.write import write
from edgetl.run_record import Epoch, FloatFacts, RunRecord, Stage, Training
from tests.conftest import CliResult, Made

Cli = Callable[..., CliResult]
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    r"$\frac{",
    "-->",
    "_under | *star*",
    "名前 été",
    "]]>&amp;",
    "x" * 200,
)


class _Page(HTMLParser):
    """Elements, their attributes, ids, and the text that is shown."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, Mapping[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.text += data


def check_self_contained(text: str) -> _Page:
    """Nothing to run but the page's own script, nothing to load, and each image says what it shows."""
    page = _Page(text)
    own = files("edgetl").joinpath("report", "page", "page.js").read_text(encoding="utf-8")
    assert re.findall("<script.*?</script>", text, re.DOTALL) == [f"<script>{own}</script>"]
    allowed = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{allowed}'\"" in text
    assert not {tag for tag, _ in page.elements} & {"iframe", "object", "embed", "form", "base", "foreignobject"}
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        for name in ("src", "href", "xlink:href", "srcset", "action"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), (tag, attributes)
        if tag == "img":
            assert attributes["alt"]
        if attributes.get("role") == "img":
            assert attributes["aria-label"]
    assert not re.search(r"url\((?!#)|@import", text)
    return page


def diagnosis(classes: tuple[str, ...]) -> Diagnosis:
    """What the doctor writes of images with such names."""
    finding = Finding(classes[0], "a copy of the same file", (classes[1],), exclude=(classes[0],))
    return Diagnosis(
        source="flowers",
        made="2026-01-01T00:00:00+00:00",
        data_stamp="0",
        images=20,
        counts={"train": dict.fromkeys(classes, 1)},
        notes=("the source has no validation split",),
        findings={"duplicates": (finding,), "leaks": ()},
        exclude=(classes[0],),
        consider=(),
        exclude_file="exclude.txt",
        exclude_sha256="0",
        seconds=1.0,
    )


def facts(classes: tuple[str, ...] = HOSTILE, **changed: Any) -> Facts:
    """A made-up run with an image of every part."""
    random, k = np.random.default_rng(0), len(classes)
    labels = np.arange(20 * k) % k
    first = random.dirichlet(np.ones(k), len(labels)) + 0.7 * np.eye(k)[labels]
    first /= first.sum(axis=1, keepdims=True)
    second = np.roll(first, 1, axis=1) * 0.4 + first * 0.6
    predictions = Predictions(
        "val",
        classes,
        labels,
        tuple(f"{classes[label]}/{number}.jpg" for number, label in enumerate(labels)),
        lambda rows: [random.integers(0, 255, (8, 8, 3), np.uint8) for _ in rows],
        {"keras_float": first, "tflite_int8": second, "onnx_int8": second},
        reference="keras_float",
        quantized="tflite_int8",
        output=Contract.square(8, 1 / 255, 0, classes).output,
    )
    epochs = (Epoch(loss=1.0, accuracy=0.5, val_accuracy=0.6, val_loss=0.9, seconds=1.0),) * 2
    trained = FloatFacts(
        device="CPU", replicas=1, precision="float32", class_weights=(), head=Training(epochs, 1), fine_tuning=Training(epochs, 0)
    )
    when = "2026-01-01T00:00:00+00:00"
    record = RunRecord(
        created=when,
        recipe=load(options={"model.weights": "/home/somebody/w.h5", "data.source": "/home/somebody/d"}),
        software={"edgetl": "1"},
        stages={"float": Stage(inputs="0", finished=when, seconds=1.0, files={"export/x": "0"}, facts=trained)},
    )
    made = Facts(classes[0], "today", record, None, None, None, diagnosis(classes), None, Path("nowhere"), predictions)
    return replace(made, **changed)


def test_the_report_of_a_run(cli: Cli, made: Made, run_copy: Path) -> None:
    assert cli("sensitivity", run_copy, "--limit", 8).code == 0
    timed = ["--runs", 3, "--warmup", 1, "--delegate", "default", "--delegate", "xnnpack"]
    assert cli("benchmark", run_copy / "export" / "model_int8.tflite", *timed, "--out", run_copy).code == 0
    outcome = cli("report", run_copy, "--json")
    assert outcome.code == 0, outcome.err
    path = run_copy / "report.html"
    assert outcome.document["report"] == str(path)
    assert outcome.document["size_bytes"] == path.stat().st_size < 8_000_000
    text = path.read_text(encoding="utf-8")
    page = check_self_contained(text)
    assert {one["part"] for one in outcome.document["absent"]} == {
        "Saliency maps (Grad-CAM)",
        "Data quality",
        "Unknown images (out of distribution)",
    }
    assert f"edgetl explain {shlex.quote(str(run_copy))} IMAGE..." in page.text, "a command can be copied"
    assert "RUN" not in page.text
    assert re.search(r"CPU \d\d % \(XNNPACK\), CPU \d\d % \(built-in kernels\)", page.text), "who ran the operators"
    assert "fell back from the delegate xnnpack: QUANTIZE" in page.text
    for tag in (
        "summary",
        "training",
        "confusion",
        "classes",
        "calibration",
        "agreement",
        "mistakes",
        "flips",
        "sensitivity",
        "latency",
        "size",
        "provenance",
    ):
        assert f'id="{tag}"' in text
    for subject in made.outcome.document["subjects"].values():
        assert f"{100 * subject['accuracy']['top1_accuracy']:.2f}" in page.text
    assert "Head on the frozen backbone" in page.text
    commands = "".join(re.findall("<code>.*?</code>", text))
    assert str(run_copy.parent) not in text.replace(commands, "").replace(shlex.quote(str(run_copy)), ""), "elsewhere paths say nothing"
    source = json.loads((run_copy / "run.json").read_text(encoding="utf-8"))["recipe"]["data"]["source"]
    assert text.count(source.rpartition("/")[0]) == commands.count(source.rpartition("/")[0]) == 1, "of the doctor's command"


def test_without_the_images_the_rest_is_told(cli: Cli, run_copy: Path, tmp_path: Path) -> None:
    record = json.loads((run_copy / "run.json").read_text(encoding="utf-8"))
    record["recipe"]["data"]["source"] = str(tmp_path / "gone")
    (run_copy / "run.json").write_text(json.dumps(record), encoding="utf-8")
    (run_copy / "benchmark.json").write_text("{broken", encoding="utf-8")
    outcome = cli("report", run_copy, "--out", tmp_path / "r.html", "--json")
    assert outcome.code == 0, outcome.err
    assert "benchmark.json: Expecting property name" in outcome.err
    assert "left out of the report" in outcome.err
    reasons = {one["part"]: one["reason"] for one in outcome.document["absent"]}
    assert "Confusion matrix" not in reasons, "the validation kept the predictions"
    assert "the report shows no images" in outcome.err
    page = check_self_contained((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "cannot be shown: they are not where the run recorded them" in page.text
    shutil.rmtree(run_copy / "cache")
    outcome = cli("report", run_copy, "--out", tmp_path / "r.html", "--json")
    reasons = {one["part"]: one["reason"] for one in outcome.document["absent"]}
    assert "there is no folder" in reasons["Confusion matrix"]
    assert 'id="agreement"' in (tmp_path / "r.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("count", [2, len(HOSTILE), 40])
def test_names_are_data(count: int, tmp_path: Path) -> None:
    """Whatever classes are called, they are shown, and neither run nor parsed."""
    classes = tuple([*HOSTILE, *(f"class {number}" for number in range(count))][:count])
    absent = write(facts(classes), tmp_path / "r.html", "html")
    page = check_self_contained((tmp_path / "r.html").read_text(encoding="utf-8"))
    missing = {"Saliency maps (Grad-CAM)", "Quantization sensitivity", "Latency", "Model size", "Agreement between runtimes"}
    missing |= {"Unknown images (out of distribution)"}
    assert {one.title for one in absent} == missing
    for name in classes[:3]:
        assert name in page.text
    assert "somebody" not in page.text


def test_markdown_has_its_images_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "ein Bericht" / "r.md"
    write(facts(), path, "md")
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"(?<!\\)<", text), "nothing that a viewer would take for HTML"
    images = re.findall(r"\]\((.+?)\)$", text, re.MULTILINE)
    assert len(images) > 8
    for address in images:
        assert (path.parent / address).stat().st_size > 100
    assert all(len(re.findall(r"(?<!\\)\|", line)) in range(3, 12) for line in text.splitlines() if line.startswith("| "))


def test_a_column_is_one_of_numbers_or_of_words() -> None:
    rows = [["a", "1.5", "0.2", "-"], ["b", "-", "auto", ""]]
    text = html.page("run", "today", [("one", Section("One", (Table(("name", "ms", "value", "nothing"), rows, "All"),)))], [])
    cells = [attributes.get("class") == "number" for name, attributes in _Page(text).elements if name in ("th", "td")]
    assert cells == [False, True, False, False] * 3


def test_one_epoch_is_one_tick_and_one_word() -> None:
    epoch = Epoch(loss=1.0, accuracy=0.5, val_accuracy=0.6, val_loss=0.9, seconds=1.0)
    axes = training._curves(Training((epoch,), 1), "accuracy", MeasuredImages()).axes[-1]
    low, high = axes.get_xlim()
    assert [tick for tick in axes.get_xticks() if low <= tick <= high] == [1]
    assert "over 1 epoch;" in training._alt("Fine-tuning", (epoch,), "kept", "accuracy")


def test_a_report_of_nothing_names_the_commands(tmp_path: Path) -> None:
    record = facts().record.model_copy(update={"software": {}, "stages": {}})
    nothing = facts(record=record, doctor=None, predictions=Absent("", "no exported model", "edgetl export RUN"))
    absent = write(nothing, tmp_path / "r.html", "html")
    assert {one.title: one.command for one in absent} == {
        "Training curves": "edgetl train DATA",
        "Confusion matrix": "edgetl export RUN",
        "Per-class metrics": "edgetl export RUN",
        "Calibration (reliability diagram)": "edgetl export RUN",
        "Unknown images (out of distribution)": "edgetl evaluate RUN --unknown DIR",
        "Agreement between runtimes": "edgetl validate RUN",
        "Mistakes": "edgetl export RUN",
        "Predictions changed by quantization": "edgetl export RUN",
        "Saliency maps (Grad-CAM)": "edgetl explain RUN IMAGE...",
        "Quantization sensitivity": "edgetl sensitivity RUN",
        "Latency": "edgetl benchmark RUN",
        "Model size": "edgetl validate RUN",
        "Data quality": "edgetl doctor DATA --out RUN",
    }
    page = check_self_contained((tmp_path / "r.html").read_text(encoding="utf-8"))
    for one in absent:
        assert one.reason
        assert one.reason in page.text
        assert one.command in page.text
        assert one.command.split()[1] in _COMMANDS, "a command that there is"


def test_pdf_is_printed_by_chromium(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not shutil.which("chromium"):
        pytest.skip("chromium is not installed")
    write(facts(), tmp_path / "ä b.pdf", "pdf")
    assert (tmp_path / "ä b.pdf").read_bytes().startswith(b"%PDF-")
    monkeypatch.setattr("edgetl.report.page.write.find_chromium", lambda: None)
    with pytest.raises(DependencyError, match="Chromium"):
        write(facts(), tmp_path / "other.pdf", "pdf")
    assert not (tmp_path / "other.pdf").exists()


def test_a_browser_that_is_ended_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not shutil.which("chromium"):
        pytest.skip("chromium is not installed")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("edgetl.report.page.write._PRINT_S", 0.5)  # it has begun by then, and prints later
    with suppress(DeviceError):
        write(facts(), tmp_path / "out" / "a.pdf", "pdf")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert {path.name for path in (tmp_path / "out").iterdir()} <= {"a.pdf"}


def test_a_browser_shows_it_in_silence(tmp_path: Path) -> None:
    """No message, no request, nothing wider than a phone."""
    playwright = pytest.importorskip("playwright.sync_api", reason="edgetl[web] is not installed")
    if not shutil.which("chromium"):
        pytest.skip("chromium is not installed")
    write(facts(), tmp_path / "r.html", "html")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 390, "height": 844})
        said: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto((tmp_path / "r.html").as_uri())
        page.wait_for_load_state("networkidle")
        assert not said
        assert [url for url in asked if not url.startswith("data:")] == [(tmp_path / "r.html").as_uri()]
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
        browser.close()


def test_the_sections_of_several_labels_an_image() -> None:
    random, classes = np.random.default_rng(0), ("a", "b", "c")
    shown = (random.random((60, 3)) < 0.4).astype(int)
    first = np.clip(0.75 * shown + 0.25 * random.random(shown.shape), 0, 1)
    second = np.where(np.arange(60)[:, None] < 2, 1 - first, first)
    base = facts(classes)
    assert isinstance(base.predictions, Predictions)
    output = Contract.square(8, 1 / 255, 0, classes).for_task("multi-label").output
    predictions = replace(base.predictions, label_ids=shown, probabilities={"keras_float": first, "tflite_int8": second}, output=output)
    made = replace(base, predictions=predictions, rejects=Rejects(output, None, None, Path("nowhere")))
    sections = {name: SECTIONS.load(name)(made) for name in ("confusion", "classes", "calibration", "rejection", "mistakes", "flips")}
    texts = {name: str(section) for name, section in sections.items()}
    assert "58 of 60 images have all their classes found and no other" in texts["confusion"]
    assert "AP % int8" in texts["classes"]
    assert "decisions, one for each image and class" in texts["calibration"]
    assert "A class is found on an image where its probability reaches its threshold" in texts["rejection"]
    assert "tflite_int8 gets 2 of 60 validation images wrong, surest first; the float model gets 2 of them right" in texts["mistakes"]
    assert "different classes for 2 of 60 images: 2 correct in float only (lost), 0 in int8 only (won)" in texts["flips"]


def test_tables_are_sorted_and_commands_copied_in_a_browser(tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="edgetl[web] is not installed")
    if not shutil.which("chromium"):
        pytest.skip("chromium is not installed")
    names = ("b", "a", "c", "d")
    made = facts(names, predictions=Absent("", "no exported model", "edgetl export RUN"), places={"RUN": "'my run'"})
    write(made, tmp_path / "r.html", "html")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.goto((tmp_path / "r.html").as_uri())
        page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
        table = page.get_by_role("table", name="Recipe")
        head = table.get_by_role("columnheader", name="setting")
        read = "cells => cells.map(cell => cell.textContent)"
        before = table.locator("tbody td:first-child").evaluate_all(read)
        head.get_by_role("button").press("Enter")
        assert head.get_attribute("aria-sort") == "ascending"
        upwards = table.locator("tbody td:first-child").evaluate_all(read)
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == "descending"
        assert table.locator("tbody td:first-child").evaluate_all(read) == upwards[::-1] != before
        assert sorted(before) == sorted(upwards)
        page.get_by_role("button", name="Copy edgetl validate 'my run'").first.click()
        assert page.evaluate("navigator.clipboard.readText()") == "edgetl validate 'my run'"
        browser.close()
