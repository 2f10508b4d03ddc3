"""`edgetl evaluate --unknown`, and thresholds of the classes, on a finished run."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import edgetl
from edgetl.contract import Contract
from edgetl.data.digits import find
from edgetl.export.exported import exported_files
from edgetl.output import Rejection
from edgetl.pipeline.evaluate.recorded import choice_of, unknowns_of
from edgetl.pipeline.evaluate.unknown import listings
from edgetl.pipeline.export.current import is_current
from edgetl.pipeline.project import Project
from edgetl.pipeline.train.stages import train
from edgetl.run_folder import RunFolder
from edgetl.ship import archive
from tests.conftest import CliResult, Made

Cli = Callable[..., CliResult]


@pytest.fixture(scope="module")
def nines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of nines, which the run does not know, partly in a folder of their own, and a file that is not an image."""
    folder = tmp_path_factory.mktemp("unknown") / "nines & <b>"
    (folder / "more").mkdir(parents=True)
    for number, item in enumerate([item for item in find("digits").items if item.class_name == "9"][:30]):
        (folder / ("more" if number % 2 else "") / f"{number}.png").write_bytes(item.read())
    (folder / "text.png").write_text("not an image", encoding="utf-8")
    return folder


def rejecting(run: Path, threshold: float) -> None:
    """Give a run's contracts a rejection, as a training does."""
    for path in (run / "contract.json", run / "export" / "contract.json"):
        Contract.read(path).rejecting(Rejection(threshold=threshold, keep=0.95, inside_the_model=False)).write(path)


def test_unknown_images_are_measured_beside_known_ones(cli: Cli, run_copy: Path, nines: Path) -> None:
    rejecting(run_copy, 0.751953125)
    outcome = cli("evaluate", run_copy, "--unknown", nines, "--unknown", nines / "more", "--json")
    assert outcome.code == 0, outcome.err
    assert "1 of 31 files left out" in outcome.err
    found = outcome.document["rejection"]
    assert [(one["name"], one["images"]) for one in found["folders"]] == [(nines.name, 30), ("more", 15)]
    scores = found["models"]["tflite_int8"]
    classifier = edgetl.load(run_copy / "export" / "model_int8.tflite")
    surest = [one.probability for one in classifier.predict(nines, on_bad=lambda bad: None)]
    assert scores["folders"][0]["passed"]["value"] == pytest.approx(np.mean(np.array(surest) >= 0.75))
    assert scores["mean"]["passed"] == pytest.approx(np.mean([one["passed"]["value"] for one in scores["folders"]]))
    assert 0.5 < scores["folders"][0]["auroc"]["value"] <= 1, "a nine is less like 0, 1 or 2 than these are"
    assert scores["kept"]["value"] > 0.8
    run = RunFolder(run_copy)
    known = unknowns_of(run)
    assert known is not None
    assert known.most_sure[0].probability == pytest.approx(max(surest))
    assert known.most_sure[0].passes
    passing = sum(round(folder["passed"]["value"] * images) for folder, images in zip(scores["folders"], (30, 15), strict=True))
    assert sum(bool(one.passes) for one in known.most_sure) == passing, "all that pass are shown"
    assert (run.unknown / known.most_sure[0].file).read_bytes()[:2] == b"\xff\xd8"
    card = cli("card", run_copy, "--out", run_copy / "card")
    assert card.code == 0, card.err
    text = (run_copy / "card" / "card.md").read_text(encoding="utf-8")
    assert r"| nines &amp; &lt;b&gt; | 30 | tflite\_int8 |" in text or r"| nines \& \<b\> | 30 | tflite\_int8 |" in text
    assert str(nines.parent) not in text + (run_copy / "card" / "results.json").read_text(encoding="utf-8")
    rejecting(run_copy, 0.8)
    assert unknowns_of(run) is None, "the shares are of another threshold"


def test_folders_are_named_by_as_much_of_their_path_as_tells_them_apart(made: Made, digit_folder: Path, tmp_path: Path) -> None:
    paths = [tmp_path / "val", tmp_path / "a" / "val", tmp_path / "b" / "a" / "val", tmp_path / "é"]
    for path in paths:
        path.mkdir(parents=True)
        shutil.copy(next((digit_folder / "1").iterdir()), path)
    assert list(listings(Project.open(made.run), paths)) == [f"{tmp_path.name}/val", f"{tmp_path.name}/a/val", "b/a/val", "é"]


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_its_own_images_are_named_beside_the_figures(cli: Cli, run_copy: Path, digit_folder: Path, options: tuple[str, ...]) -> None:
    outcome = cli("evaluate", run_copy, "--unknown", digit_folder / "1", *options)
    figures = outcome.err[outcome.err.index("no threshold is set") :]  # behind the metrics, of which there may be screens
    assert "warning: 40 of 40 images in 1 are among the run's own images, which show its classes" in figures
    if options:
        assert outcome.document["rejection"]["folders"] == [{"name": "1", "images": 40, "own": 40, "learned": 0}]
    assert "no threshold is set" in outcome.err


def test_thresholds_go_into_contract_and_files_and_no_stage_is_done_again(
    cli: Cli, run_copy: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = RunFolder(run_copy)
    train(Project.open(run_copy))  # lists the images again: another process made the run, and their files' stamps may have changed since
    before = {name: stage.inputs for name, stage in run.read().stages.items() if name != "validate"}
    outcome = cli("evaluate", run_copy, "--choose-thresholds", "per-class", "--target", "precision=0.9", "--json")
    assert outcome.code == 0, outcome.err
    choice = outcome.document["thresholds"]
    assert choice["chosen_on"].endswith("points")
    assert "held-out training image" in choice["chosen_on"]
    per_class = tuple(one["threshold"] for one in choice["classes"])
    assert "rejection" in outcome.document, "what is kept is said where a threshold is set"
    written = Contract.read(run.contract).output.thresholds
    assert written is not None
    assert written.per_class == Contract.read(run.export / "contract.json").output.thresholds.per_class == per_class  # type: ignore[union-attr]
    assert b'"per_class"' in (run.export / "model_int8.onnx").read_bytes()
    project = Project.open(run_copy)
    assert project.contract.output.thresholds == written
    assert all(is_current(project, file.precision) for file in exported_files(run))
    with caplog.at_level(logging.INFO):
        train(project)
    assert not [record.message for record in caplog.records if "done in" in record.message]
    assert before == {name: stage.inputs for name, stage in run.read().stages.items() if name != "validate"}
    assert not run.undone("validate", run.stage("validate").inputs)
    cli("bundle", run_copy, "--out", tmp_path / "b.edgetl")
    assert archive.read(tmp_path / "b.edgetl")[0].contract.output.thresholds == written
    assert cli("evaluate", run_copy, "--choose-thresholds", "none").code == 0
    assert Contract.read(run.contract).output.thresholds is None
    assert choice_of(run) is None


def test_where_all_training_images_were_learned_from_halves_judge_each_other(run_copy: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = (run_copy / "run.json").read_text(encoding="utf-8")
    (run_copy / "run.json").write_text(text.replace('"trained_again": false', '"trained_again": true'), encoding="utf-8")
    choice = edgetl.Run(run_copy).choose_thresholds()
    assert "each half is judged by those of the other" in caplog.text
    assert choice.measured_on.endswith("each half with thresholds of the other")
    assert {one.before.images for one in choice.classes} == {7, 8, 10}


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--unknown", "nowhere"], 3, "is not a folder"),
        (["--choose-thresholds", "each"], 2, "choices: per-class, none"),
        (["--choose-thresholds", "per-class", "--target", "f2"], 2, "choices: best-f1"),
    ],
)
def test_what_is_refused_names_what_is_allowed(cli: Cli, made: Made, options: list[str], code: int, words: str) -> None:
    outcome = cli("evaluate", made.run, *options)
    assert outcome.code == code
    assert words in outcome.err
