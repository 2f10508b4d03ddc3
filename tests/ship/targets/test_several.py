"""From images with several labels to an app that names all that an image shows: the complete way, with a small network."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from edgetl.data.digits import find
from tests.conftest import CliResult
from tests.ship.repack import golden_images
from tests.ship.targets.web_host import Visit, give, hosted, proved

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Cli = Callable[..., CliResult]
NAMES = ("0", "1", "2")
QUICK = ("--backbone", "small_cnn", "--image-size", "32", "--weights", "none", "--seed", "1", "--no-qat", "--epochs", "12")
ONCE = ("--set", "train.again_below=0")


def composed(folder: Path) -> Path:
    """A CSV file of images with a digit at the left, at the right, at both sides or at none."""
    digits = {name: [item.read() for item in find("digits").items if item.class_name == name] for name in NAMES}
    random = np.random.default_rng(3)
    with (folder / "list.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "label"])
        for number in range(320):
            image, shown = Image.new("RGB", (64, 64)), []
            for side in range(2):
                if random.random() < 0.6:
                    name = NAMES[random.integers(3)]
                    one = Image.open(io.BytesIO(digits[name][random.integers(len(digits[name]))])).convert("RGB")
                    image.paste(one.resize((32, 32)), (32 * side, int(random.integers(33))))
                    shown.append(name)
            image.save(folder / f"{number}.png")
            rows.writerow([f"{number}.png", "|".join(dict.fromkeys(shown))])
    return folder / "list.csv"


@pytest.mark.usefixtures("web_runtimes")
def test_from_labels_to_an_app_that_names_all_that_is_there(cli: Cli, browser: "Browser", tmp_path: Path) -> None:
    run, bundle = tmp_path / "run", tmp_path / "several.edgetl"
    for words in (
        ("train", composed(tmp_path), "--task", "multi-label", *QUICK, *ONCE, "--out", run),
        ("export", run, "--int8"),  # which refuses operators that are not integer
        ("validate", run),
        ("bundle", run, "--out", bundle),
        ("verify", bundle),
        ("ship", bundle, "--target", "web", "--out", tmp_path / "web"),
        ("ship", bundle, "--target", "linux", "--out", tmp_path / "linux"),
    ):
        done = cli(*words, "--json")
        assert done.code == 0, done.err
        if words[0] == "verify":
            assert [one["other_decisions"] for one in done.document["golden"].values()] == [0, 0]

    images = golden_images(tmp_path / "linux" / "model", tmp_path)
    assert {len(names) for names in images.values()} >= {0, 1, 2}, "golden images have several, one and none"
    predicted = {one["image"]: one["present"] for one in cli("predict", bundle, *images, "--json").document}
    assert predicted == {str(path): names for path, names in images.items()}

    command = [sys.executable, tmp_path / "linux/classify.py", "--json", *images]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8").stdout.splitlines()
    assert [json.loads(line)["present"] for line in lines] == list(images.values())

    with hosted(tmp_path / "web") as host:
        visit = Visit(browser)
        visit.page.goto(host.url)
        visit.page.wait_for_selector("#facts dt")
        assert "Mean average precision" in visit.page.inner_text("#facts")
        assert proved(visit.page) == "Passed: identical predictions on 12 images", "nor is an image decided otherwise"
        for path, names in images.items():
            outcome = give(visit.page, path)
            assert visit.page.is_visible("#unsure") is (not names)
            assert not names or sorted(name for name, _ in outcome) == names
        assert visit.wrong == []
        visit.context.close()
