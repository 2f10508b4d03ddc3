"""A loaded model takes images of every form and names what is on them."""

import csv
import re
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgetl.contract import Contract
from edgetl.data.base import Rejected
from edgetl.errors import DataError, RunError, UsageError
from edgetl.output import Rejection, Thresholds
from edgetl.pipeline.predict import Classifier, load
from edgetl.pipeline.prediction import Prediction
from tests.conftest import CliResult, Made

NAMES = ("red", "green", "blue")
GREEN = np.zeros((20, 30, 3), np.uint8)
GREEN[..., 1] = 255


class Colours:
    """Gives each channel's share of the light, two images at a time."""

    batch_size = 2

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        self.batches.append(len(pixels))
        light = pixels.astype(np.float32).mean((1, 2)) + 1e-9
        return light / light.sum(1, keepdims=True)


@pytest.fixture
def classifier() -> Classifier:
    return Classifier(Colours(), Contract.square(8, 1 / 255, 0, NAMES), "colours")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(("b.png", "a/c.PNG", "a/d.bmp", ".hidden/x.png", "notes.txt")):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.zeros((9 + number, 7, 3), np.uint8)
        pixels[..., number % 3] = 200
        Image.fromarray(pixels).save(path, "PNG" if not name.endswith("bmp") else "BMP")
    return tmp_path / "photos"


def test_one_image_in_every_form(classifier: Classifier, tmp_path: Path) -> None:
    Image.fromarray(GREEN).save(tmp_path / "green.png")
    path = tmp_path / "green.png"
    for image in (path, str(path), Image.open(path), Image.fromarray(GREEN), GREEN, GREEN[None]):
        (prediction,) = classifier.predict(image)
        assert (prediction.class_name, prediction.probability) == ("green", pytest.approx(1))
        assert prediction.class_names == classifier.class_names == NAMES
    assert classifier.predict(path)[0].image == classifier.predict(Image.open(path))[0].image == str(path)
    assert [one.image for one in classifier.predict([GREEN, path])] == ["image 0", str(path)]


def test_a_transparent_turned_image_is_read_as_a_file_is(classifier: Classifier, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 24, 4), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=exif)
    by_path, by_image = classifier.predict([tmp_path / "turned.png", Image.open(tmp_path / "turned.png")])
    assert by_path.probabilities == by_image.probabilities


def test_threads_share_a_model_one_at_a_time(classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    session, inside, most = Colours(), [], []

    def slow(pixels: np.ndarray) -> np.ndarray:
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.01)
        inside.pop()
        return session(pixels)

    slow.batch_size = 1  # type: ignore[attr-defined]
    monkeypatch.setattr(classifier, "_session", slow)
    with ThreadPoolExecutor(4) as pool:
        assert {one.class_name for made in pool.map(classifier.predict, [GREEN] * 8) for one in made} == {"green"}
    assert max(most) == 1


@pytest.mark.parametrize("count", [-1, 1.5, "x"])
def test_a_count_of_classes_is_an_integer(classifier: Classifier, count: object) -> None:
    with pytest.raises(UsageError, match="count cannot be"):
        classifier.predict(GREEN)[0].top(count)  # type: ignore[arg-type]


def test_a_folder_is_read_in_order_and_in_batches(classifier: Classifier, folder: Path) -> None:
    predictions = classifier.predict(folder)
    assert [Path(one.image).relative_to(folder).as_posix() for one in predictions] == ["a/c.PNG", "a/d.bmp", "b.png"]
    assert [one.class_name for one in predictions] == ["green", "blue", "red"]
    assert classifier._session.batches == [2, 1]


def test_a_bad_image_is_an_error_that_names_it_unless_it_is_collected(classifier: Classifier, folder: Path) -> None:
    (folder / "a" / "broken.jpg").write_bytes(b"\xff\xd8 no more")
    with pytest.raises(DataError, match=r"broken\.jpg"):
        classifier.predict(folder)
    bad: list[Rejected] = []
    assert len(classifier.predict([folder, np.zeros((4, 4), np.uint8)], on_bad=bad.append)) == 3
    assert [Path(one.name).name for one in bad] == ["broken.jpg", "image 1"]
    assert "is not an image" in bad[1].reason


@pytest.mark.parametrize("image", [GREEN / 255, GREEN[..., 0], GREEN[..., :2], GREEN[:0], None, 7])
def test_what_is_no_image_is_refused(classifier: Classifier, image: object) -> None:
    with pytest.raises(DataError, match=r"image 0 is not an image.*|uint8 array"):
        classifier.predict([image])  # type: ignore[list-item]


def test_a_folder_without_images_is_an_error(classifier: Classifier, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no image in"):
        classifier.predict(tmp_path)
    assert classifier.predict([]) == []


def test_a_prediction_shows_itself() -> None:
    prediction = Prediction("a<b>.png", ("x", "<script>", "z"), (0.25, 0.5, 0.25), ("<script>",))
    assert repr(prediction) == "Prediction('a<b>.png': <script> 50.0%, x 25.0%, z 25.0%)"
    assert "<script>" not in prediction._repr_html_()
    assert "&lt;script&gt;" in prediction._repr_html_()
    assert prediction.top(1) == [("<script>", 0.5)]
    assert prediction.to_json(2) == {
        "image": "a<b>.png",
        "unknown": False,
        "present": ["<script>"],
        "top": [{"class_name": "<script>", "probability": 0.5}, {"class_name": "x", "probability": 0.25}],
    }


def test_an_image_below_the_threshold_is_unknown_and_has_a_best_guess(classifier: Classifier, tmp_path: Path) -> None:
    rejecting = classifier.contract.rejecting(Rejection(threshold=0.6, keep=0.95, inside_the_model=False))
    grey = GREEN // 2 + 127
    sure, unsure = Classifier(Colours(), rejecting, "colours").predict([GREEN, grey], csv=tmp_path / "p.csv", top=1)
    assert (sure.unknown, sure.present, unsure.unknown, unsure.present) == (False, ("green",), True, ())
    assert unsure.class_name == "green"
    assert repr(unsure).startswith("Prediction('image 1': unknown, best guess green 50.0%")
    assert "unknown: green is the best guess" in unsure._repr_html_()
    assert "unknown" not in sure._repr_html_()
    assert unsure.to_json(1) == {
        "image": "image 1",
        "unknown": True,
        "present": [],
        "top": [{"class_name": "green", "probability": 0.5}],
    }
    with (tmp_path / "p.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["image", "prediction", "top1", "top1_probability", "problem"]
    assert [row[1] for row in rows] == ["green", "unknown"]
    assert not classifier.predict(grey)[0].unknown, "a model without thresholds names every image"


def test_several_classes_are_all_shown_and_none_is_not_unknown(classifier: Classifier, tmp_path: Path) -> None:
    several = classifier.contract.for_task("multi-label").with_thresholds(Thresholds(per_class=(0.1, 0.7, 0.45)))
    purple, grey = GREEN[..., [1, 0, 1]], GREEN // 2 + 127
    grey[..., 0] = 0
    both, none = Classifier(Colours(), several, "colours").predict([purple, grey], csv=tmp_path / "p.csv", top=1)
    assert (both.present, both.unknown, both.without) == (("red", "blue"), False, "")
    assert both.shown(1) == [("red", 0.5), ("blue", 0.5)], "all that are present, however many were asked for"
    assert (none.present, none.unknown, none.without) == ((), False, "none of the classes")
    assert repr(none).startswith("Prediction('image 1': none of the classes, best guess green 66.7%")
    assert both.to_json(1)["top"] == [{"class_name": "red", "probability": 0.5}, {"class_name": "blue", "probability": 0.5}]
    assert len(none.to_json(1)["top"]) == 1  # type: ignore[arg-type]
    with (tmp_path / "p.csv").open(newline="", encoding="utf-8") as file:
        _, *rows = csv.reader(file)
    assert [row[1] for row in rows] == ["red|blue", ""]


def test_a_class_below_one_that_is_absent_is_in_the_document() -> None:
    """A class with a low threshold is present though a more probable one is not."""
    prediction = Prediction("a.png", ("x", "y", "z"), (0.3, 0.6, 0.1), ("x",), several=True)
    assert prediction.shown() == [("x", 0.3)]
    assert [one["class_name"] for one in prediction.to_json(1)["top"]] == ["y", "x"]  # type: ignore[attr-defined]


def test_the_command_says_unknown_with_the_guesses(cli: Callable[..., CliResult], run_copy: Path) -> None:
    export = run_copy / "export"
    contract = Contract.read(export / "contract.json")
    rejection = Rejection(threshold=255.5 / 256, keep=0.95, inside_the_model=False)
    contract.rejecting(rejection).write(export / "contract.json")
    outcome = cli("predict", export / "model_int8.tflite", "digits:7", "--top", "1", "--json")
    assert [(one["unknown"], one["present"], len(one["top"])) for one in outcome.document] == [(True, [], 1)]
    assert "unknown: 1 of 1 image, as no class" in outcome.err
    assert re.search(r"unknown\s+\(\d\) +0\.\d+", outcome.err), outcome.err


def test_run_file_and_bundle_predict_alike(made: Made, bundled: Path, digit_folder: Path) -> None:
    images = [sorted((digit_folder / name).glob("digits*.png"))[0] for name in "012"]
    wanted = load(made.run / "export" / "model_int8.tflite").predict(images)
    assert [one.class_name for one in wanted] == ["0", "1", "2"]
    assert load(made.run).predict(images) == wanted
    with load(bundled) as classifier:
        assert classifier.predict(images) == wanted
        assert classifier.class_names == ("0", "1", "2")
        extracted = Path(classifier._extracted.name)
        assert [path.name for path in extracted.iterdir()] == ["model_int8.tflite"]
    assert not extracted.exists()


def test_a_changed_bundle_and_a_missing_model_are_errors(bundled: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(bundled) as opened, zipfile.ZipFile(tmp_path / "changed.edgetl", "w") as changed:
        for name in opened.namelist():
            changed.writestr(name, opened.read(name)[:-1] if name.endswith(".tflite") else opened.read(name))
    with pytest.raises(RunError, match="was changed"):
        load(tmp_path / "changed.edgetl")
    for source in ("none.edgetl", "none.tflite", "."):
        with pytest.raises(RunError):
            load(tmp_path / source)


def test_a_csv_file_has_a_row_for_each_image(classifier: Classifier, folder: Path, tmp_path: Path) -> None:
    (folder / "a" / "broken.jpg").write_bytes(b"no image")
    bad: list[Rejected] = []
    predictions = classifier.predict([folder, GREEN], on_bad=bad.append, csv=tmp_path / "new" / "p.csv", top=9)
    with (tmp_path / "new" / "p.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    tops = [name for place in (1, 2, 3) for name in (f"top{place}", f"top{place}_probability")]
    assert list(rows[0]) == ["image", "prediction", *tops, "problem"]
    assert [row["image"] for row in rows] == [one.image for one in predictions] + [bad[0].name]
    assert [float(row["top1_probability"]) for row in rows[:-1]] == [pytest.approx(one.probability, abs=1e-6) for one in predictions]
    assert (rows[-1]["top1"], rows[-1]["problem"]) == ("", bad[0].reason)
    with pytest.raises(DataError, match=r"broken\.jpg"):
        classifier.predict(folder, csv=tmp_path / "none.csv")
    assert not (tmp_path / "none.csv").exists()


def test_a_name_is_no_formula_of_a_spreadsheet(tmp_path: Path) -> None:
    formulas = ['=HYPERLINK("http://x")', "+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "@SUM(1+9)*cmd|x!A0", "\t=A1(", "\r=1|2!3"]
    harmless = ["-1", "+", "=", "@home", "a=(b)", "-", "rose, red", 'a "b"', "\udcff"]
    classifier = Classifier(Constant(len(formulas + harmless)), Contract.square(8, 1 / 255, 0, (*formulas, *harmless)), "constant")
    classifier.predict(GREEN, csv=tmp_path / "p.csv", top=99)
    with (tmp_path / "p.csv").open(encoding="utf-8", newline="") as file:
        [row] = csv.DictReader(file)
    found = [value for name, value in row.items() if name.startswith("top") and not name.endswith("probability")]
    assert found == [*(f"'{text}" for text in formulas), *harmless[:-1], "\\udcff"]


class Constant:
    """Gives the first class the highest probability, and so on."""

    batch_size = 1

    def __init__(self, classes: int) -> None:
        self.row = np.arange(classes, 0, -1, dtype=np.float32) / classes

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        return self.row[None]


def test_the_command_goes_on_after_a_bad_image(made: Made, folder: Path, cli: Callable[..., CliResult], tmp_path: Path) -> None:
    (folder / "empty").mkdir()
    (folder / "bad.png").write_bytes(b"no image")
    words = ["predict", made.run, "missing.jpg", folder, folder / "empty", "digits:3", "--csv", tmp_path / "p.csv"]
    outcome = cli(*words)
    assert outcome.code == 3
    assert all(name in outcome.out for name in ("b.png", "c.PNG", "d.bmp", "digits:3"))
    assert "3 images cannot be read:" in outcome.err
    assert all(f"{name}" in outcome.err for name in ("missing.jpg", "bad.png", f"no image in {folder / 'empty'}"))
    again = cli(*words, "--json")
    assert again.code == 3
    assert [bool(one["top"]) for one in again.document] == [True] * 4 + [False] * 3
    assert all(one["problem"] for one in again.document[4:])
    assert len((tmp_path / "p.csv").read_text(encoding="utf-8").splitlines()) == 8


def test_what_is_no_model_is_answered_with_what_is_there(made: Made, folder: Path, cli: Callable[..., CliResult]) -> None:
    outcome = cli("predict", made.run.with_name("a rum"), "x.jpg")
    assert outcome.code == 5
    assert f"did you mean '{made.run}'?" in outcome.err
    outcome = cli("predict", folder / "b.png", folder / "a")
    assert outcome.code == 2
    assert "is an image, not a model" in outcome.err
    assert f"edgetl predict RUN {folder / 'b.png'}" in outcome.err


def test_a_prediction_never_steers_a_terminal() -> None:
    shown = repr(Prediction("\u202egpj.exe", ("\x1b[2J\u202e", "b"), (0.75, 0.25), ()))
    assert shown == "Prediction('\\u202egpj.exe': unknown, best guess \\u001b[2J\\u202e 75.0%, b 25.0%)"
