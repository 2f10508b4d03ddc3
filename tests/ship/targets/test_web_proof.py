"""The web app's self-test, which whatever is not as validated fails, and the classifier in a page of somebody else's."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgetl.devices.browser_runtimes import RUNTIMES
from edgetl.pipeline.ship.app import app_files
from edgetl.ship import archive
from edgetl.ship.targets import TARGETS
from edgetl.ship.targets.base import App
from tests.ship.repack import repacked, with_other_thresholds
from tests.ship.targets.web_host import PART, Cli, Visit, hosted, image, predicted

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture
def app(web_apps: dict[str, Path], tmp_path: Path) -> Path:
    """To be changed."""
    return Path(shutil.copytree(web_apps["litert"], tmp_path / "app"))


def flipped(name: str) -> Callable[[Path], None]:
    def change(app: Path) -> None:
        model = json.loads((app / PART / "model/app.json").read_text(encoding="utf-8"))["model"]
        path = app / PART / "model" / (model if name == "MODEL" else name)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)

    return change


def rewritten(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(app: Path) -> None:
        text = (app / PART / name).read_text(encoding="utf-8")
        assert old in text
        (app / PART / name).write_text(text.replace(old, new), encoding="utf-8")

    return change


RUN = "this.#run(pixels)"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        *(
            (flipped(name), "was changed")
            for name in ("MODEL", "labels.txt", "golden/golden.json", "golden/pixels.bin", "golden/resized.bin")
        ),
        (rewritten("classifier.js", RUN, "this.#run(pixels.map((_, at) => pixels[at + 2 - 2 * (at % 3)]))"), "the predictions are up to"),
        (rewritten("classifier.js", RUN, "this.#run(pixels.map((value) => value / 2 + 64))"), "the predictions are up to"),
        (
            rewritten(
                "classifier.js", "this.manifest.contract.output.class_names;", "this.manifest.contract.output.class_names.toReversed();"
            ),
            "another order",
        ),
        (rewritten("resample.js", "Math.max(scale, 1)", "1"), "cropping and resizing"),
        (rewritten("resample.js", "(width - wide) / 2", "0"), "cropping and resizing"),
    ],
)
def test_what_is_not_as_validated_fails_the_self_test(browser: "Browser", app: Path, change: Callable[[Path], None], says: str) -> None:
    change(app)
    assert says in tested(browser, app)


def tested(browser: "Browser", app: Path) -> str:
    """The verdict of the self-test's own page."""
    with hosted(app) as host:
        page = Visit(browser).page
        page.goto(f"{host.url}{PART}/selftest.html")
        page.wait_for_selector("html[data-selftest]")
        verdict = page.inner_text("#verdict")
        assert verdict.split(":")[0].lower() == page.get_attribute("html", "data-selftest")
        page.context.close()
    return verdict


def wrong_names(files: dict[str, bytes]) -> None:
    manifest = json.loads(files["manifest.json"])
    manifest["contract"]["output"]["class_names"].reverse()
    files["manifest.json"] = json.dumps(manifest).encode()
    files["labels.txt"] = "".join(f"{label}\n" for label in manifest["contract"]["output"]["class_names"]).encode()


def bgr(files: dict[str, bytes]) -> None:
    files["golden/pixels.bin"] = np.frombuffer(files["golden/pixels.bin"], np.uint8).reshape(-1, 3)[:, ::-1].tobytes()


def halved(files: dict[str, bytes]) -> None:
    files["golden/pixels.bin"] = (np.frombuffer(files["golden/pixels.bin"], np.uint8) // 2 + 64).astype(np.uint8).tobytes()


@pytest.mark.usefixtures("web_runtimes")
@pytest.mark.parametrize(
    ("change", "says", "runtime"),
    [
        (wrong_names, "another order", "litert"),
        (with_other_thresholds, "decided otherwise", "litert"),
        (bgr, "predictions are up to", "onnxruntime"),
        (halved, "predictions are up to", "litert"),
    ],
)
def test_a_mistake_with_right_hashes_fails_the_self_test(
    browser: "Browser", coloured: Path, tmp_path: Path, runtime: str, change: Callable[[dict[str, bytes]], None], says: str
) -> None:
    """Each with one runtime: predictions are compared by the same lines, whichever made them."""
    manifest, files = archive.read(repacked(coloured, tmp_path / "wrong.edgetl", change))
    model = next(name for name, facts in manifest.models.items() if facts.runtime == runtime)
    for name, content in app_files(TARGETS.load("web"), App(manifest, runtime, model, "com.example.app"), files).items():
        (tmp_path / "app" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "app" / name).write_bytes(content)
    assert says in tested(browser, tmp_path / "app")


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.usefixtures("web_runtimes")
def test_into_a_page_of_somebody_else(browser: "Browser", cli: Cli, coloured: Path, tmp_path: Path, runtime: str) -> None:
    site = tmp_path / "site"
    site.mkdir()
    command = ("ship", coloured, "--target", "web", "--runtime", runtime, "--into", site, "--json")
    none = cli(*command)
    assert none.code == 2
    assert "no index.html" in none.err
    (site / "index.html").write_text("<!doctype html><title>mine</title><body>mine</body>", encoding="utf-8")
    outcome = cli(*command)
    assert outcome.code == 0, outcome.err
    assert sorted(path.name for path in site.iterdir()) == [".edgetl-ship.json", PART, "index.html"]
    lines = [line for line in outcome.document["next"].splitlines() if line.startswith("  ")]
    assert len(lines) == 3
    expected = predicted(cli, site, image(tmp_path, "p.png"))[0][0]
    shutil.copy(tmp_path / "p.png", site)
    script = "\n".join(lines).replace("console.log", "globalThis.found = ")
    (site / "mine.js").write_text(f"const image = await (await fetch('p.png')).blob();\n{script}", encoding="utf-8")
    (site / "index.html").write_text("<body></body><script type=module src=mine.js></script>", encoding="utf-8")
    with hosted(site) as host:
        visit = Visit(browser)
        visit.page.goto(host.url)
        [best, *_] = visit.page.wait_for_function("globalThis.found").json_value()
        assert (best["className"], best["probability"]) == (expected[0], pytest.approx(expected[1], abs=1 / 256))
        assert [one for one in visit.wrong if "404" not in one] == [], "a favicon alone"
        visit.context.close()
    assert tested(browser, site).startswith("Passed")


def test_without_npm_it_is_said(cli: Cli, coloured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    outcome = cli("ship", coloured, "--target", "web", "--out", tmp_path / "app")
    assert outcome.code == 8
    assert "there is no npm to fetch it" in outcome.err
    assert "install npm" in outcome.err
    assert not (tmp_path / "app").exists()
