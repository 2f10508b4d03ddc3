"""A plain static web server without special headers, under a sub-path, and a Chromium that looks at what it serves."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

PATIENCE_MS = 120_000.0  # for a browser on a busy machine
_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-proxy-server",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # nothing else is reached
)


# Without those of which some servers know nothing.
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


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
def chromium(program: str) -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=list(_FLAGS), timeout=PATIENCE_MS)
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

    def new_page(self) -> "Page":
        page = self.context.new_page()
        page.on("console", lambda said: said.type in ("error", "warning") and self.wrong.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: self.wrong.append(f"uncaught: {error}"))
        page.on("dialog", lambda dialog: (self.wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: self.requested.append(request.url))
        return page
