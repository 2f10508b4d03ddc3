"""The saliency map shows what a prediction rests on. Every backbone is looked into in tests/export/test_seen.py."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgetl.contract import Contract
from edgetl.explanation.gradcam import Saliency, Seen, saliency
from edgetl.explanation.results import Explanation, SaliencyFigures
from edgetl.export import FORMATS
from edgetl.export.base import Conversion
from edgetl.output import Rejection
from edgetl.report.plots.saliency import saliency_figure, sentences
from tests.conftest import CliResult, Made
from tests.processes import loaded_by

Cli = Callable[..., CliResult]
CONTRACT = Contract.square(64, 1 / 255, 0, ("red", "blue"))


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Red against blue, by the mean of what each of two filters finds."""
    from edgetl.keras import keras, layers

    image = keras.Input((64, 64, 3))
    found = layers.Conv2D(2, 1, name="found", activation="relu")(layers.AveragePooling2D(8)(image))
    padded = layers.ZeroPadding2D(1, name="pad")(found)
    model = keras.Model(image, layers.Dense(2, use_bias=False, name="logits")(layers.GlobalAveragePooling2D(name="pool")(padded)))
    model.get_layer("found").set_weights([np.array([[[[1, -1], [-1, -1], [-1, 1]]]], np.float32), np.zeros(2, np.float32)])
    model.get_layer("logits").set_weights([100 * np.eye(2, dtype=np.float32)])
    path = tmp_path_factory.mktemp("colours") / "model.tflite"
    path.write_bytes(Conversion(model, CONTRACT, "float32", FORMATS.load).file("tflite"))
    return Seen(path)


@pytest.mark.parametrize(("top", "left"), [(0, 0), (40, 40), (40, 0)])
def test_it_looks_at_what_decides(colours: Seen, top: int, left: int) -> None:
    image = np.full((64, 64, 3), 90, np.uint8)
    image[top : top + 24, left : left + 24] = 255, 0, 0
    image[24:32, 32:40] = 0, 0, 255  # one place of the map
    found = saliency(colours, CONTRACT, image)
    assert "found" in colours.layer, "padding has no map of its own"
    figures = found.figures
    assert (figures.top1, found.map.shape, found.map.max()) == (0, (64, 64), pytest.approx(1, abs=0.01))
    y, x = np.unravel_index(found.map.argmax(), found.map.shape)
    assert top <= y < top + 24
    assert left <= x < left + 24
    assert figures.drop > 0.1
    assert figures.drop > 3 * figures.drop_elsewhere
    assert figures.beaten == 1
    blue = saliency(colours, CONTRACT, image, label=1)
    assert (blue.figures.top1, blue.figures.probability) == (0, pytest.approx(1 - figures.probability, abs=1e-6))
    y, x = np.unravel_index(blue.map.argmax(), blue.map.shape)
    assert 16 <= y < 40
    assert 24 <= x < 48


def test_of_a_rejected_image_the_most_probable_class_is_explained(colours: Seen) -> None:
    rejecting = CONTRACT.rejecting(Rejection(threshold=0.9, keep=0.95, inside_the_model=False))
    image = np.full((64, 64, 3), 90, np.uint8)
    assert not saliency(colours, CONTRACT, image).figures.unknown, "nothing is rejected there"
    found = saliency(colours, rejecting, image)
    image[:] = 255, 0, 0
    sure = saliency(colours, rejecting, image)
    assert (found.figures.unknown, found.figures.top1, sure.figures.unknown) == (True, 0, False)
    assert found.figures.top1_probability == pytest.approx(0.5)
    lines = sentences(sure, found, CONTRACT.class_names)
    assert lines[0].startswith("The float model predicts red (100.0 %). Hiding")
    assert lines[1].startswith("The quantized model rejects the image as unknown; most probable is red (50.0 %). Hiding")


def test_a_class_that_nothing_speaks_for_has_an_empty_map(colours: Seen) -> None:
    found = saliency(colours, CONTRACT, np.zeros((64, 64, 3), np.uint8), label=1)
    assert not found.map.any()
    assert found.figures.drop == pytest.approx(0)


def test_the_command_draws_images_and_the_report_shows_them(cli: Cli, run_copy: Path, tmp_path: Path) -> None:
    from edgetl.data.sources import read_image

    name = tmp_path / "ein Bild ☂ & <b>.png"
    name.write_bytes(read_image("digits:0"))
    outcome = cli("explain", run_copy, name, "digits:1", "--json")
    assert outcome.code == 0, outcome.err
    first, second = outcome.document["images"]
    assert (first["image"], second["image"]) == ("ein Bild ☂ & <b>.png", "digits:1")
    for one in (first, second):
        with Image.open(run_copy / "explain" / one["file"]) as image:
            assert image.width > 3 * image.height
        assert 0 <= one["int8_model"]["probability"] <= 1
        assert -1 <= one["float_model"]["drop"] <= 1
    assert cli("explain", run_copy, "digits:2").code == 0
    path = run_copy / "explain" / "explain.json"
    explanation = Explanation.read(path)
    assert len(explanation.images) == 3, "one after the other they gather for the report"
    assert cli("report", run_copy).code == 0
    page = (run_copy / "report.html").read_text(encoding="utf-8")
    assert page.count("Saliency of ") == 3
    assert "ein Bild ☂ &amp; &lt;b&gt;.png" in page
    explanation.model_copy(update={"models": "another"}).write(path)
    absent = [one["part"] for one in cli("report", run_copy, "--json").document["absent"]]
    assert "Saliency maps (Grad-CAM)" in absent, "of another model: not shown"


def test_an_exported_run_is_explained_without_tensorflow(made: Made, tmp_path: Path) -> None:
    program = f"import edgetl\nprint(edgetl.Run({str(made.run)!r}).explain(['digits:0'], out={str(tmp_path / 'explained')!r}).images)"
    assert loaded_by(program, ("tensorflow", "onnxruntime"), limit_s=240) == [], "each takes a second or more to load"


def test_a_run_without_such_files_is_explained_by_ones_made_for_it(cli: Cli, made: Made, run_copy: Path, tmp_path: Path) -> None:
    record = json.loads((run_copy / "run.json").read_text(encoding="utf-8"))
    for stage in [name for name in record["stages"] if name.startswith("export_")]:
        del record["stages"][stage]
    (run_copy / "run.json").write_text(json.dumps(record), encoding="utf-8")
    by_file, by_model = (cli("explain", run, "digits:0", "--out", tmp_path / run.name, "--json") for run in (made.run, run_copy))
    assert by_model.code == 0, by_model.err
    [of_file], [of_model] = by_file.document["images"], by_model.document["images"]
    assert of_file["float_model"] == of_model["float_model"]


def test_mistakes_are_said(cli: Cli, run_copy: Path, tmp_path: Path) -> None:
    (tmp_path / "no image.jpg").write_text("text", encoding="utf-8")
    for arguments, code, words in (
        ((run_copy,), 2, "no image was named"),
        ((run_copy, tmp_path / "none.jpg"), 3, "cannot read the image"),
        ((run_copy, tmp_path / "no image.jpg"), 3, "cannot be read as an image"),
        ((tmp_path, "digits:0"), 5, "is not a run"),
    ):
        outcome = cli("explain", *arguments)
        assert outcome.code == code
        assert words in outcome.err
    assert not (run_copy / "explain").exists()


def test_a_network_with_another_operator_at_its_end_is_refused_in_words(
    cli: Cli, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgetl.explanation import tail

    monkeypatch.setattr(tail, "_RULES", {})
    outcome = cli("explain", made.run, "digits:0", "--out", tmp_path / "explained")
    assert outcome.code == 6, outcome.err
    assert "cannot be explained" in outcome.err
    assert "behind the last map has no derivative here" in outcome.err


def test_the_figures_below_a_map_are_no_wider_than_it() -> None:
    one = Saliency(np.ones((64, 64), np.float32), SaliencyFigures(0, 0.9, 0.9, (1, 1, 3), 1.0, -1.0, 0.9))
    figure = saliency_figure(np.zeros((64, 64, 3), np.uint8), one, one, ("daisy", "roses"))
    figure.draw_without_rendering()
    for axes in figure.axes:
        panel, below = axes.get_window_extent(), axes.xaxis.label.get_window_extent()
        assert below.x0 >= panel.x0, axes.get_xlabel()
        assert below.x1 <= panel.x1, axes.get_xlabel()
