"""CI's look at known problems of dependencies, against a server that answers as osv.dev does."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / ".ci" / "audit.py"


@pytest.fixture
def osv() -> Iterator[HTTPServer]:
    """Knows one problem, of any numpy; keeps the questions."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            asked.append(queries)
            results = [{"vulns": [{"id": "GHSA-x"}]} if query["package"]["name"] == bad[0] else {} for query in queries]
            content = json.dumps({"results": results}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None: ...

    asked, bad = [], ["numpy"]
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.bad = asked, bad  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def audit(address: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT), address], capture_output=True, text=True, timeout=60, check=False)


def test_a_known_problem_of_a_pinned_release_fails(osv: HTTPServer) -> None:
    done = audit(f"http://127.0.0.1:{osv.server_port}")
    assert done.returncode == 1
    assert "PINNED: numpy 2." in done.stdout
    locked, ranges = osv.asked  # type: ignore[attr-defined]
    assert len(locked) == (ROOT / "constraints.txt").read_text().count("==")
    assert {"tensorflow", "pillow", "cryptography", "pytest"} <= {query["package"]["name"] for query in ranges}


def test_without_known_problems_it_passes(osv: HTTPServer) -> None:
    osv.bad[0] = "nothing"  # type: ignore[attr-defined]
    done = audit(f"http://127.0.0.1:{osv.server_port}")
    assert done.returncode == 0, done.stderr
    assert "0 with known problems" in done.stdout


def test_offline_it_passes_and_says_that_nothing_was_checked() -> None:
    done = audit("http://127.0.0.1:9")
    assert done.returncode == 0, done.stderr
    assert "NOT CHECKED" in done.stdout
