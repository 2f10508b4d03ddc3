"""The documentation site: it builds without a warning, its links lead somewhere, its pages stand alone and fit a phone."""

import functools
import http.server
import inspect
import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import edgetl
from tests.conftest import ROOT, made_once

WIDTHS = (390, 1280)  # pixels: a phone, a desktop
OUTSIDE = [
    ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md")
]  # pages that are not in the site


@pytest.fixture(scope="session")
def site(shared_folder: Path) -> Path:
    """Return the built site."""

    def make(folder: Path) -> None:
        config = (ROOT / "zensical.toml").read_text(encoding="utf-8")
        for place, here in (("build/site", "site"), (".", ROOT.as_posix())):  # the result, and where the package is
            assert f'"{place}"' in config
            config = config.replace(f'"{place}"', json.dumps(here))
        shutil.copytree(ROOT / "docs", folder / "docs")
        (folder / "zensical.toml").write_text(config, encoding="utf-8")
        command = [sys.executable, "-m", "zensical", "build", "--strict"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    return made_once(shared_folder / "site", make) / "site"


class _Page(HTMLParser):
    """Collects anchors, and what a page links to and shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.targets: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif (tag, name) in (("a", "href"), ("img", "src"), ("link", "href"), ("script", "src")) and value:
                self.targets.add(value)


def broken(folder: Path) -> list[str]:
    """Return the links, images and anchors of the pages in a folder that lead nowhere."""
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html") if path.name != "404.html"}
    found = []
    for path, page in pages.items():
        for target in page.targets:
            parts = urlsplit(target)
            aim = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not parts.scheme and not (aim.exists() and (not parts.fragment or aim not in pages or parts.fragment in pages[aim].anchors)):
                found.append(f"{path.name}: {target}")
    return found


def test_no_link_of_the_site_leads_nowhere(site: Path) -> None:
    assert broken(site) == []


def test_a_broken_link_an_image_and_an_anchor_are_found(tmp_path: Path) -> None:
    text = '<h1 id="there">A</h1><a href="#there">1</a><a href="a.html#gone">2</a><a href="b.html">3</a><img src="c.png"><a href="https://x">4</a>'
    (tmp_path / "a.html").write_text(text, encoding="utf-8")
    assert sorted(broken(tmp_path)) == ["a.html: a.html#gone", "a.html: b.html", "a.html: c.png"]


@pytest.mark.parametrize("page", OUTSIDE, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_link_of_another_page_leads_nowhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", re.sub(r"`[^`\n]*`", "", text)):
        path, _, anchor = "".join(target).partition("#")
        if not path.startswith("http"):
            aim = page.parent / path if path else page
            assert aim.exists(), target
            headings = re.findall(r"^#+ (.*)", aim.read_text(encoding="utf-8"), re.MULTILINE) if anchor else []
            assert not anchor or anchor in [re.sub(r"[^\w\s-]", "", one).strip().lower().replace(" ", "-") for one in headings], target


def test_no_backslash_of_a_table_is_shown(site: Path) -> None:
    """GitHub needs one before a bar in a cell's code, the site shows it: write <code>a&#124;b</code>. The glossary's are read by a test."""
    for page in site.glob("*.html"):
        assert page.name == "glossary.html" or not re.findall(r"<code>[^<]*\\\|", page.read_text(encoding="utf-8")), page.name


def test_every_name_of_the_python_api_is_on_its_page(site: Path) -> None:
    anchors = _Page((site / "python-api.html").read_text(encoding="utf-8")).anchors
    assert {f"edgetl.{name}" for name in edgetl.__all__} <= anchors
    methods = {name for name, value in vars(edgetl.Run).items() if inspect.isfunction(value) and not name.startswith("_")}
    assert {f"edgetl.Run.{name}" for name in methods} <= anchors


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.slow
def test_pages_ask_no_other_host_print_no_message_and_fit_the_screen(site: Path, address: str) -> None:
    from playwright.sync_api import sync_playwright

    from edgetl.devices.browser import find_chromium

    chromium = find_chromium()
    if chromium is None:
        pytest.skip("there is no Chromium")
    complaints = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name in sorted(path.name for path in site.glob("*.html")):
            for width in WIDTHS:
                page = browser.new_page(viewport={"width": width, "height": 844})
                heard: list[str] = []
                page.on("console", lambda message, heard=heard: heard.append(message.text))
                page.on("pageerror", lambda error, heard=heard: heard.append(str(error)))
                page.on("request", lambda request, heard=heard: request.url.startswith((address, "data:")) or heard.append(request.url))
                page.goto(f"{address}/{name}", wait_until="networkidle")
                wide = page.evaluate("document.documentElement.scrollWidth")
                complaints += [f"{name} at {width} px: {one}" for one in [*heard, *([f"{wide} px wide"] if wide > width else [])]]
                page.close()
    assert not complaints, "\n".join(complaints)
