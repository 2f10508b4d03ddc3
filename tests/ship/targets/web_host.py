"""A plain web server without special headers, under a sub-path, a Chromium that looks at what it serves, and what a user does there."""

import base64
import json
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from edgetl.devices.browser import _NAMES
from edgetl.devices.browser_steer import _BACKENDS
from tests.conftest import CliResult

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

CHROMIUM = next((path for path in map(shutil.which, _NAMES) if path), None)
PART = "edgetl-classifier"  # the folder in an app
Cli = Callable[..., CliResult]
PATIENCE_MS = 120_000.0  # for a browser on a busy machine
_FLAGS = (
    "--disable-quic",
    "--no-proxy-server",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # nothing else is reached
)
NO_GPU = "No available adapters."  # Chromium's own warning to a page that asks for one
SOFTWARE_GPU = _BACKENDS["webgpu"]  # SwiftShader, which computes on the CPU


# Without those of which some servers know nothing.
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".wasm": "application/wasm"}


class Host:
    """Serves `folder` at `url`; `sent` is the bytes of each answer's body by its path, `failing` makes it answer 503."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.sent, self.failing = folder, list[tuple[str, int]](), False
        host = self

        class Handler(SimpleHTTPRequestHandler):
            def send_head(self) -> Any:
                if host.failing or not self.path.startswith("/some/where/"):
                    return self.send_error(503 if host.failing else 404)
                file = super().send_head()
                if file:
                    host.sent.append((self.path, Path(file.name).stat().st_size))
                return file

            def guess_type(self, path: Any) -> str:
                return _TYPES.get(Path(path).suffix, "application/octet-stream")

            def translate_path(self, path: str) -> str:
                return super().translate_path(path.removeprefix("/some/where"))

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.url = f"http://127.0.0.1:{self.server.server_port}/some/where/"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def hosted(folder: Path) -> Iterator[Host]:
    host = Host(folder)
    try:
        yield host
    finally:
        host.close()


@contextmanager
def chromium(gpu: Sequence[str] = ("--disable-gpu",)) -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*_FLAGS, *gpu], timeout=PATIENCE_MS)
        yield browser
        browser.close()


class Visit:
    """A page in a context of its own, and all that went wrong on it: errors, refusals by its policy, requests to elsewhere."""

    def __init__(self, browser: "Browser", **options: Any) -> None:
        self.context: BrowserContext = browser.new_context(**options)
        self.context.set_default_timeout(PATIENCE_MS)
        self.wrong: list[str] = []
        self.requested: list[str] = []
        self.page: Page = self.new_page()

    def _note(self, kind: str, text: str) -> None:
        if text != NO_GPU:
            self.wrong.append(f"{kind}: {text}")

    def new_page(self) -> "Page":
        page = self.context.new_page()
        page.on("console", lambda said: said.type in ("error", "warning") and self._note(said.type, said.text))
        page.on("pageerror", lambda error: self.wrong.append(f"uncaught: {error}"))
        page.on("dialog", lambda dialog: (self.wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: self.requested.append(request.url))
        return page


DROP = """async ([name, base64]) => {
  const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type: name.endsWith("png") ? "image/png" : "" }));
  const stage = document.getElementById("stage");
  for (const type of ["dragenter", "dragover", "drop"])
    stage.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
}"""
PASTE = """async ([name, base64]) => {
  const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File([bytes], name, { type: "image/png" }));
  document.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
}"""


def image(folder: Path, name: str = "a <b>.png") -> Path:
    coarse = np.random.default_rng(8).integers(0, 256, (4, 5, 3), np.uint8)
    path = folder / name
    Image.fromarray(coarse).resize((501, 399), Image.Resampling.BICUBIC).save(path)
    return path


def give(page: "Page", path: Path, how: str = DROP) -> list[tuple[str, float]]:
    """The classes with their probabilities that the page shows for an image."""
    page.evaluate("document.getElementById('prediction').replaceChildren()")
    page.evaluate(how, [path.name, base64.b64encode(path.read_bytes()).decode()])
    return shown(page)


def shown(page: "Page") -> list[tuple[str, float]]:
    page.wait_for_selector("#prediction li")
    gather = "(row) => Array.from(row.children, (one) => one.textContent)"
    rows = page.evaluate(f"Array.from(document.querySelectorAll('#prediction li'), {gather})")
    return [(label, float(share.rstrip("\u00a0%")) / 100) for label, share, _ in rows]


def proved(page: "Page") -> str:
    page.click("#prove")
    page.wait_for_selector("#verdict.passed, #verdict.failed")
    return page.inner_text("#verdict")


def predicted(cli: Cli, app: Path, *paths: Path) -> list[list[tuple[str, float]]]:
    """What edgetl itself says."""
    model = json.loads((app / PART / "model/app.json").read_text(encoding="utf-8"))["model"]
    manifest = json.loads((app / PART / "model/manifest.json").read_text(encoding="utf-8"))
    folder = paths[0].parent
    (folder / "contract.json").write_text(json.dumps(manifest["contract"]), encoding="utf-8")
    shutil.copy(app / PART / "model" / model, folder)
    outcome = cli("predict", folder / model, *paths, "--json")
    assert outcome.code == 0, outcome.err
    return [[(one["class_name"], one["probability"]) for one in row["top"]] for row in outcome.document]
