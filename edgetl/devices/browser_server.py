"""The web server of a benchmarked page: on loopback, and for the named files only."""

import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket

_TYPES = {".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}
_HEADERS = {
    # Isolation from all other pages: the browser then gives threads (SharedArrayBuffer), and a clock of 5 us instead of 100.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "X-Content-Type-Options": "nosniff",
}


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: socket | tuple[bytes, socket], client_address: object) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a browser that was ended hangs up
            super().handle_error(request, client_address)


@contextmanager
def served(files: Mapping[str, Path]) -> Iterator[str]:
    """Serve these files, by their path there, and nothing else; yield the address, http://127.0.0.1:PORT."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            file = files.get(self.path)
            if file is None or self.headers.get_all("Host") != [host]:  # another page, whose name was made to point here
                self.send_error(404)
                return
            content = file.read_bytes()
            self.send_response(200)
            for name, value in _HEADERS.items():
                self.send_header(name, value)
            self.send_header("Content-Type", _TYPES.get(file.suffix, "application/octet-stream"))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # edgetl/console.py is the one door
            pass

    with _Server(("127.0.0.1", 0), Handler) as server:
        host = f"127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://{host}"
        finally:
            server.shutdown()
