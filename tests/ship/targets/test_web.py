"""The web page in a real Chromium, from a plain web server under a sub-path."""

import base64
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from edgetl.data.decode import crop_and_resize
from edgetl.devices.browser_runtimes import RUNTIMES
from edgetl.pipeline.ship.app import AppOptions, ship
from edgetl.ship.manifest import Manifest
from tests.axe import faults
from tests.ship.repack import HOSTILE, RESIZED, golden_images, repacked
from tests.ship.targets.test_linux import _drawn
from tests.ship.targets.web_host import PART, PASTE, Cli, Visit, give, hosted, image, predicted, proved, shown
from tests.ship.test_strings import translated

if TYPE_CHECKING:
    from playwright.sync_api import Browser

LARGEST_FIRST_LOAD_BYTES = 20_000_000


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_first_visit_then_offline(browser: "Browser", web_apps: dict[str, Path], cli: Cli, tmp_path: Path, runtime: str) -> None:
    path = image(tmp_path)
    [expected] = predicted(cli, web_apps[runtime], path)
    with hosted(web_apps[runtime]) as host:
        visit = Visit(browser, viewport={"width": 320, "height": 640})
        page = visit.page
        page.goto(host.url)
        page.wait_for_selector("#facts dt")
        sent = sum(size for _, size in host.sent)
        assert sent < LARGEST_FIRST_LOAD_BYTES
        large = [name for name, size in host.sent if size > 300_000]
        assert large
        assert len(large) == len(set(large)), "once each"
        assert page.title() == page.text_content("h1") == HOSTILE[0], "the name is text"
        outcome = give(page, path)
        assert {label for label, _ in outcome} == set(HOSTILE), "the labels are text"
        assert outcome[0][0] == expected[0][0]
        assert outcome[0][1] == pytest.approx(expected[0][1], abs=1 / 256)
        assert proved(page) == "Passed: identical predictions on 12 images", "nor is an image decided otherwise"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is wider than a small phone"
        host.failing = True
        visit.context.set_offline(True)
        for address in (host.url, f"{host.url}index.html?from=home#x"):
            page.goto(address)
            page.wait_for_selector("#facts dt")
            assert give(page, path) == outcome
        assert proved(page).startswith("Passed")
        page.goto(f"{host.url}{PART}/selftest.html")
        page.wait_for_selector("html[data-selftest=passed]")
        assert faults(page) == []
        assert visit.wrong == []
        assert [url for url in visit.requested if not url.startswith(host.url)] == [], "nothing from elsewhere"
        visit.context.close()


def test_it_is_not_sure_where_edgetl_says_unknown(browser: "Browser", web_apps: dict[str, Path], tmp_path: Path) -> None:
    images = golden_images(web_apps["litert"] / PART / "model", tmp_path)
    with hosted(web_apps["litert"]) as host:
        visit = Visit(browser)
        page = visit.page
        page.goto(host.url)
        page.wait_for_selector("#facts dt")
        assert "Not sure below" in page.inner_text("#facts")
        assert page.inner_text("#class-count") == f"Class names ({len(HOSTILE)})"
        page.click("#class-count")
        assert page.locator("#class-names li").all_text_contents() == list(HOSTILE)
        for path, names in images.items():
            outcome = give(page, path)
            assert page.is_visible("#unsure") is (not names), path.name
            size = page.eval_on_selector("#prediction li", "(best) => parseFloat(getComputedStyle(best).fontSize)")
            assert (size == 24) is bool(names), "a guess is no larger than the others"
            page.wait_for_function(
                "(said) => document.getElementById('announced').textContent.startsWith(said)",
                arg="".join(names) or "Not sure. Best guess: ",
            )
            assert not names or outcome[0][0] == names[0]
        assert visit.wrong == []
        visit.context.close()


@pytest.mark.usefixtures("web_runtimes")
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_all_classes_of_several_are_shown(browser: "Browser", of_several_classes: Path, tmp_path: Path, runtime: str) -> None:
    app = tmp_path / "app"
    ship(of_several_classes, "web", AppOptions(out=app, runtime=runtime))
    images = golden_images(app / PART / "model", tmp_path)
    with hosted(app) as host:
        visit = Visit(browser)
        page = visit.page
        page.goto(host.url)
        page.wait_for_selector("#facts dt")
        assert "Shown from" in page.inner_text("#facts")
        assert proved(page) == "Passed: identical predictions on 12 images", "nor is an image decided otherwise"
        for path, names in images.items():
            outcome = give(page, path)
            large = page.eval_on_selector_all(
                "#prediction li", "(all) => all.map((one) => parseFloat(getComputedStyle(one).fontSize) === 24)"
            )
            assert page.is_visible("#unsure") is (not names), path.name
            if names:
                assert {name for name, _ in outcome} == set(names), path.name
                assert all(large)
            else:
                assert page.inner_text("#unsure").split("\n") == ["None of the classes", "Nearest to it:"]
                assert not any(large)
            said = (
                "; ".join(f"{name}, {100 * share:.1f}\u00a0%" for name, share in outcome)
                if names
                else "None of the classes. Nearest to it: "
            )
            page.wait_for_function("(said) => document.getElementById('announced').textContent.startsWith(said)", arg=said)
        assert visit.wrong == []
        visit.context.close()


@pytest.mark.usefixtures("web_runtimes")
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_float_output_of_an_int8_model_is_read(browser: "Browser", float_ended: Path, tmp_path: Path, runtime: str) -> None:
    ship(float_ended, "web", AppOptions(out=tmp_path / "app", runtime=runtime))
    with hosted(tmp_path / "app") as host:
        visit = Visit(browser)
        visit.page.goto(f"{host.url}{PART}/selftest.html")
        visit.page.wait_for_selector("html[data-selftest=passed]")
        visit.context.close()


def test_images_become_what_edgetl_makes_of_them(browser: "Browser", web_apps: dict[str, Path], cli: Cli, tmp_path: Path) -> None:
    paths = [*_drawn(tmp_path), image(tmp_path, "pasted.png")]
    expected = predicted(cli, web_apps["litert"], *paths)
    with hosted(web_apps["litert"]) as host:
        visit = Visit(browser)
        page = visit.page
        page.goto(host.url)
        for path, [(label, probability), *_] in zip(paths, expected, strict=True):
            if path.name == "pasted.png":
                outcome = give(page, path, PASTE)
            else:
                page.evaluate("document.getElementById('prediction').replaceChildren()")
                page.set_input_files("#file", path)
                outcome = shown(page)
            assert outcome[0] == (label, pytest.approx(probability, abs=2.01 / 256)), path.name
        (tmp_path / "no.png").write_bytes(b"no image")
        page.set_input_files("#file", tmp_path / "no.png")
        page.wait_for_selector("#problem:not([hidden])")
        assert page.inner_text("#problem") == "no.png cannot be read as an image here."
        assert visit.wrong == []
        visit.context.close()


def test_the_resampler_is_pillows(browser: "Browser", web_apps: dict[str, Path]) -> None:
    contract = Manifest.read(web_apps["litert"] / PART / "model/manifest.json").contract
    script = """async ([width, height, input, pixels]) => {
      const { resampled } = await import("./resample.js");
      const rgb = Uint8Array.from(atob(pixels), (one) => one.charCodeAt(0));
      const read = (left, top, columns, rows) => {
        const rgba = new Uint8Array(columns * rows * 4);
        for (let at = 0; at < columns * rows; at++) {
          const from = ((top + Math.floor(at / columns)) * width + left + (at % columns)) * 3;
          rgba.set(rgb.subarray(from, from + 3), at * 4);
        }
        return rgba;
      };
      return Array.from(resampled(width, height, input, read));
    }"""
    rng = np.random.default_rng(2)
    with hosted(web_apps["litert"]) as host:
        page = Visit(browser).page
        page.goto(f"{host.url}{PART}/selftest.html")
        for width, height, frame in RESIZED:
            pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
            taking = contract.taking(frame)
            wanted = crop_and_resize(Image.fromarray(pixels), taking)
            asked = [width, height, taking.input.model_dump(mode="json"), base64.b64encode(pixels.tobytes()).decode()]
            found = np.asarray(page.evaluate(script, asked), np.uint8)
            np.testing.assert_array_equal(found.reshape(taking.shape), wanted, err_msg=f"{width} x {height}: {frame}")
        page.context.close()


@pytest.mark.usefixtures("web_runtimes")
@pytest.mark.parametrize(("name", "runtime", "ratio"), [("wide", "onnxruntime", 2.5), ("grey", "litert", 0.7)])
def test_inputs_of_any_kind(
    browser: "Browser",
    web_runtimes: None,
    of_other_inputs: dict[str, Path],
    cli: Cli,
    tmp_path: Path,
    name: str,
    runtime: str,
    ratio: float,
) -> None:
    ship(of_other_inputs[name], "web", AppOptions(out=tmp_path / "app", runtime=runtime))
    path = image(tmp_path)
    [expected] = predicted(cli, tmp_path / "app", path)
    with hosted(tmp_path / "app") as host:
        visit = Visit(browser)
        page = visit.page
        page.goto(host.url)
        page.wait_for_selector("#facts dt")
        assert give(page, path)[0][1] == pytest.approx(expected[0][1], abs=1 / 256)
        box = page.locator("#preview").bounding_box()
        assert box
        assert box["width"] / box["height"] == pytest.approx(ratio, rel=0.02), "the page shows what the model takes"
        assert proved(page).startswith("Passed: identical predictions on 12 images")
        assert visit.wrong == []
        visit.context.close()


def test_shipped_again_the_page_offers_the_newer_version(
    browser: "Browser", web_apps: dict[str, Path], coloured: Path, tmp_path: Path
) -> None:
    from playwright.sync_api import expect  # by its locators, as a function to wait for would be evaluated, which the page's policy refuses

    app = Path(shutil.copytree(web_apps["litert"], tmp_path / "app"))
    newer = repacked(coloured, tmp_path / "newer.edgetl", lambda files: retitled(files, "Newer & better"))
    with hosted(app) as host:
        visit = Visit(browser)
        visit.page.goto(host.url)
        visit.page.wait_for_selector("#facts dt")
        ship(newer, "web", AppOptions(out=app, runtime="litert"))
        visit.page.reload()
        visit.page.wait_for_selector("#update:not([hidden])")
        assert visit.page.text_content("h1") == HOSTILE[0], "versions do not mix"
        assert proved(visit.page).startswith("Passed")
        visit.page.click("#reload")
        expect(visit.page).to_have_title("Newer & better")
        visit.page.wait_for_selector("#facts dt")
        assert proved(visit.page).startswith("Passed")
        assert visit.page.is_hidden("#update")
        assert visit.page.evaluate("caches.keys().then((names) => names.length)") == 1, "the older cache is gone"
        assert visit.wrong == []
        visit.context.close()


def retitled(files: dict[str, bytes], title: str) -> None:
    files["manifest.json"] = json.dumps(json.loads(files["manifest.json"]) | {"name": title}).encode()


def test_the_camera(browser: "Browser", web_apps: dict[str, Path], tmp_path: Path) -> None:
    with hosted(web_apps["litert"]) as host:
        visit = Visit(browser, permissions=["camera"])
        page = visit.page
        page.goto(host.url)
        page.click("text=Use camera")
        assert len(shown(page)) == len(HOSTILE)
        assert page.is_visible("#video")
        assert not page.is_checked("text=Average over the last 8 frames"), "what it sees is shown as it is, unless asked"
        page.check("text=Average over the last 8 frames")
        assert len(shown(page)) == len(HOSTILE)
        page.click("text=Stop camera")
        assert page.is_hidden("#video")
        assert page.is_visible("#preview"), "the last frame stays"
        page.click("text=Use camera")
        page.wait_for_selector("#video:not([hidden])")
        page.evaluate("document.getElementById('video').srcObject.getTracks()[0].dispatchEvent(new Event('ended'))")
        page.wait_for_selector("text=Use camera")
        page.click("text=Use camera")
        page.wait_for_selector("#video:not([hidden])")
        assert give(page, image(tmp_path)), "an image ends it"
        assert page.is_visible("text=Use camera")
        assert visit.wrong == []
        visit.context.close()


def test_smoothing_averages_the_last_frames(browser: "Browser", web_apps: dict[str, Path]) -> None:
    script = """async (frames) => {
      const { Smoothing } = await import("./smoothing.js");
      const smoothing = new Smoothing();
      return frames.map((frame) => Array.from(smoothing.mean(new Float32Array(frame))));
    }"""
    frames = np.random.default_rng(5).dirichlet(np.ones(3), 11).astype(np.float32)
    with hosted(web_apps["litert"]) as host:
        page = Visit(browser).page
        page.goto(f"{host.url}{PART}/selftest.html")
        found = np.asarray(page.evaluate(script, frames.tolist()))
        page.context.close()
    assert found[0].tolist() == frames[0].tolist(), "the first frame is alone"
    wanted = [frames[max(0, at - 7) : at + 1].mean(axis=0) for at in range(len(frames))]
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_it_speaks_the_visitors_language(browser: "Browser", coloured: Path, web_runtimes: None, tmp_path: Path) -> None:
    german = translated(tmp_path, done="Fertig", self_test="Selbsttest", image="Bild", passed="Gleich bei {images} Bildern")
    ship(coloured, "web", AppOptions(out=tmp_path / "app", runtime="litert", translations=(german,)))
    with hosted(tmp_path / "app") as host:
        for locale, title, lang in (("de-AT", "Selbsttest", "de"), ("fr", "Self-test", "en")):
            visit = Visit(browser, locale=locale)
            page = visit.page
            page.goto(host.url)
            page.wait_for_selector("#facts dt")
            assert page.inner_text("#proof-title") == title
            assert page.get_attribute("html", "lang") == lang
            if lang == "de":
                assert page.get_attribute("section.image", "aria-label") == "Bild"
                assert proved(page) == "Gleich bei 12 Bildern"
            assert visit.wrong == []
            visit.context.close()


CONTRAST = """() => {
  const channel = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const light = (colour) => {
    const [red, green, blue] = colour.match(/[\\d.]+/g).map((value) => channel(value / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
  };
  const ground = (one) => {
    for (; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (colour !== "rgba(0, 0, 0, 0)") return light(colour);
    }
    return 1.05;
  };
  const texts = Array.from(document.querySelectorAll("body *")).filter(
    (one) => one.checkVisibility() && Array.from(one.childNodes).some((node) => node.nodeType === 3 && node.textContent.trim()));
  return texts.map((one) => {
    const [a, b] = [light(getComputedStyle(one).color), ground(one)];
    return [one.textContent.trim(), Math.max(a, b) / Math.min(a, b)];
  });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_for_everybody(browser: "Browser", web_apps: dict[str, Path], tmp_path: Path, scheme: Any) -> None:
    """By keyboard, for screen readers, in sufficient contrast (WCAG 2.2, AA: 4.5)."""
    from playwright.sync_api import expect

    with hosted(web_apps["litert"]) as host:
        page = Visit(browser, color_scheme=scheme, reduced_motion="reduce").page
        page.goto(host.url)
        page.wait_for_selector("#facts dt")
        outcome = give(page, image(tmp_path))
        expect(page.locator("#announced")).not_to_be_empty()
        assert page.get_by_role("status").first.count() == 1
        assert outcome[0][0] in str(page.text_content("#announced"))
        assert page.get_by_role("img", name="a <b>.png").is_visible()
        reached = []
        for _ in range(3):
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.id"))
        assert reached == ["file", "camera", "prove"]
        assert page.get_by_label("Choose image").get_attribute("id") == "file"
        assert page.get_by_role("button", name="Use camera", pressed=False).count() == 1
        page.keyboard.press("Enter")
        page.wait_for_selector("#verdict.passed")
        low = [(text, round(ratio, 2)) for text, ratio in page.evaluate(CONTRAST) if ratio < 4.5]
        assert low == []
        page.click("#class-count")
        assert faults(page) == []
        page.context.close()


def test_it_can_be_installed(browser: "Browser", web_apps: dict[str, Path]) -> None:
    with hosted(web_apps["litert"]) as host:
        page = Visit(browser).page
        page.goto(host.url)
        page.wait_for_selector("#facts dt")
        session = page.context.new_cdp_session(page)
        found = session.send("Page.getAppManifest")
        assert found["errors"] == []
        assert json.loads(found["data"])["name"] == HOSTILE[0]
        problems = [one["errorId"] for one in session.send("Page.getInstallabilityErrors")["installabilityErrors"]]
        assert problems in ([], ["in-incognito"])
        page.context.close()
    for icon in json.loads((web_apps["litert"] / "manifest.webmanifest").read_text(encoding="utf-8"))["icons"]:
        if icon["type"] == "image/png":
            with Image.open(web_apps["litert"] / icon["src"]) as opened:
                assert icon["sizes"] == f"{opened.width}x{opened.height}"
