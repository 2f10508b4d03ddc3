"""Other processes that tests start: which modules one loads, and ports for its servers."""

import json
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack


def loaded_by(program: str, modules: Sequence[str], limit_s: float) -> list[str]:
    """Run a Python program to its end, in a process of its own; return which of the modules it has loaded."""
    asks = f"{program}\nimport json, sys\nprint(json.dumps([name for name in {list(modules)!r} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, timeout=limit_s, check=False)
    assert done.returncode == 0, done.stderr
    loaded: list[str] = json.loads(done.stdout.splitlines()[-1])
    return loaded


def free_ports(count: int) -> list[int]:
    """Return so many different ports that nobody listens on."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
