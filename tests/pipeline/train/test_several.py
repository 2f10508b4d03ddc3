"""A training on images that show several classes, from a CSV file to an int8 model, and what is refused there."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgetl.contract import Contract
from edgetl.data.index import DataIndex
from edgetl.errors import UsageError
from edgetl.evaluation.rejection import GRID
from edgetl.pipeline import pack, recorded_images
from edgetl.pipeline.project import Project
from edgetl.recipe import load
from edgetl.run_record import DataFacts, FloatFacts
from tests.conftest import CliResult

Cli = Callable[..., CliResult]
SHOWN = ("red", "green", "blue")


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of grey images with a patch of each colour that they show, each of which is on half of them, and of their list."""
    folder, random = tmp_path_factory.mktemp("colours"), np.random.default_rng(0)
    lines = ["path,label"]
    for number in range(240):
        pixels = random.integers(90, 160, (32, 32, 3)).astype(np.uint8)
        there = [place for place in range(3) if random.random() < 0.5]
        for corner, place in zip(random.permutation(4), there, strict=False):
            top, left = 16 * (corner // 2), 16 * (corner % 2)
            pixels[top : top + 14, left : left + 14] = 255 * np.eye(3, dtype=np.uint8)[place]
        Image.fromarray(pixels).save(folder / f"{number:03}.png")
        lines.append(f"{number:03}.png,{'|'.join(SHOWN[place] for place in there)}")
    (folder / "list.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(colours: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from edgetl.api.training import train

    out = tmp_path_factory.mktemp("several") / "run"
    settings = {"quantize.ranges": "minmax", "train.again_below": 0, "augment.colour": 0.0}
    options = {"backbone": "small_cnn", "weights": "none", "image_size": 32, "head_epochs": 0, "epochs": 8, "learning_rate": 1e-2}
    train(colours / "list.csv", out=out, task="multi-label", qat=False, settings=settings, **options)  # type: ignore[arg-type]
    return out


def test_it_learns_and_decides(run: Path) -> None:
    project = Project.open(run)
    output, images, rows = project.contract.output, project.data.images, project.data.rows("val")
    assert output.several
    assert output.thresholds == project.run.facts("float", FloatFacts).thresholds
    assert output.thresholds is not None
    assert set(output.thresholds.per_class) <= set(GRID.tolist())
    probabilities = project.models.float_predictions
    assert (output.present(probabilities) == images.shown[rows]).mean() >= 0.9, "each colour alone; half are there"
    kept = project.run.facts("float", FloatFacts).kept
    assert kept is not None
    assert kept.val_accuracy >= 0.9, "mAP"


def test_the_index_holds_all_labels(run: Path, colours: Path) -> None:
    index, facts = DataIndex.read(run / "data.json"), Project.open(run).run.facts("data", DataFacts)
    listed = dict(line.split(",") for line in (colours / "list.csv").read_text(encoding="utf-8").split("\n")[1:])
    assert {image.name: image.class_name for image in index.images} == {
        name: "|".join(sorted(filter(None, text.split("|")))) for name, text in listed.items()
    }
    assert sum(facts.counts.values()) == 240, "images, not labels"
    assert index.task == facts.task == "multi-label"
    shown = [text.count("red") for text in listed.values()]
    assert sum(counts["red"] for counts in index.counts.values()) == sum(shown)


def test_the_images_may_lie_elsewhere_in_a_folder_without_labels(run: Path, colours: Path, tmp_path: Path) -> None:
    for path in colours.glob("*.png"):
        (tmp_path / f"other {path.name}").write_bytes(path.read_bytes())
    images = Project.open(run, data=str(tmp_path)).data.trained_images()
    assert np.array_equal(images.label_ids, Project.open(run).data.images.label_ids)


def test_packed_images_are_the_same(run: Path, colours: Path, tmp_path: Path) -> None:
    recipe = load(None, None, {"data.source": str(colours / "list.csv"), "data.task": "multi-label"})
    packed = pack.pack(recorded_images.listing_of(recipe), str(tmp_path / "packed"), 2, 256, 0)
    assert packed.images == 240
    found = recorded_images.listing_of(load(None, None, {"data.source": str(tmp_path / "packed")}))
    assert found.several
    listed = recorded_images.listing_of(recipe)
    assert {(item.name, item.class_name) for item in found.items} == {(item.name, item.class_name) for item in listed.items}


@pytest.mark.parametrize(
    ("setting", "problem"), [({"reject.keep": 0.95}, "reject.keep = 0.95"), ({"reject.background": "."}, "background images")]
)
def test_rejection_is_for_one_class(colours: Path, setting: dict[str, object], problem: str) -> None:
    recipe = load(None, setting, {"data.source": str(colours / "list.csv"), "data.task": "multi-label"})
    with pytest.raises(UsageError, match=problem):
        recorded_images.listing_of(recipe)


def test_what_is_made_for_one_class_is_refused(cli: Cli, colours: Path, tmp_path: Path) -> None:
    settings = ["--set", "data.task=multi-label", "--set", "model.backbone=small_cnn", "--set", "model.weights=none"]
    for command in ("learning-curve", "tune"):
        result = cli(command, colours / "list.csv", "--out", tmp_path / command, *settings)
        assert (result.code, "several" in result.err or "multi-label" in result.err) == (2, True), result.err


def test_thresholds_are_one_half_where_nothing_is_held_out(colours: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from edgetl.api.training import train

    settings = {"data.selection_fraction": 0, "quantize.ranges": "minmax", "data.limit": 4}
    options = {"backbone": "small_cnn", "weights": "none", "image_size": 32, "head_epochs": 1, "epochs": 0}
    caplog.set_level("INFO")
    train(colours / "list.csv", out=tmp_path / "run", task="multi-label", qat=False, settings=settings, **options)  # type: ignore[arg-type]
    assert Contract.read(tmp_path / "run" / "contract.json").output.thresholds is None
    assert "from a probability of 0.498 on (one half, less half a step of 1/256): no training images are held out" in caplog.text
