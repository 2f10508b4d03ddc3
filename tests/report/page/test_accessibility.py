"""axe-core finds no serious fault in the report and the doctor's page, on a phone and a screen, light and dark."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from PIL import Image

from edgetl.explanation.results import ExplainedImage, Explanation, SaliencyFigures
from edgetl.report.page.findings import page as findings_page
from edgetl.report.page.write import write
from tests.axe import faults
from tests.report.page.test_findings import made
from tests.report.page.test_rejection import rejects
from tests.report.page.test_write import facts


def explanation(folder: Path) -> Explanation:
    """Return an explanation of one image, whose drawing is in the folder."""
    Image.new("RGB", (1300, 396), "white").save(folder / "one.png")
    figures = SaliencyFigures(0, 0.9, 0.9, (1, 1, 3), 0.2, 0.1, 0.9)
    one = ExplainedImage(
        image="one.jpg",
        file="one.png",
        asked="daisy",
        float_model=figures,
        int8_model=figures,
        largest_map_change=0.1,
        alt="Saliency of one.jpg",
        lines=("The float model predicts daisy",),
    )
    return Explanation(models="", scheme="ptq_int8", layer="last", images=(one,))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a report of every part that needs no other run, and a doctor's page."""
    folder = tmp_path_factory.mktemp("pages")
    whole = facts(rejects=rejects(folder, "all"), explained=explanation(folder), explained_folder=folder)
    write(replace(whole, places={"RUN": "runs/flowers"}), folder / "report.html", "html")
    (folder / "doctor.html").write_text(findings_page(*made()), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["report.html", "doctor.html"])
def test_no_serious_fault(pages: Path, name: str) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="edgetl[web] is not installed")
    if not shutil.which("chromium"):
        pytest.skip("chromium is not installed")
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        for scheme in schemes:
            for width in (390, 1280):
                page = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
                page.goto((pages / name).as_uri())
                page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
                assert faults(page) == [], (scheme, width)
                assert page.evaluate("document.documentElement.scrollWidth") <= width
        browser.close()


def test_the_panels_of_an_explanation_stack_on_a_phone(pages: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="edgetl[web] is not installed")
    if not shutil.which("chromium"):
        pytest.skip("chromium is not installed")
    places = "images => images.map(image => { const { x, y } = image.getBoundingClientRect(); return [x, y]; })"
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        for width, columns in ((390, 1), (700, 2), (1280, 4)):
            page = browser.new_page(viewport={"width": width, "height": 844})
            page.goto((pages / "report.html").as_uri())
            found = page.locator(".parts img").evaluate_all(places)
            assert len(found) == 4
            assert len({x for x, _ in found}) == columns
        browser.close()
