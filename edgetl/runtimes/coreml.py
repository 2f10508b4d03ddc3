"""Core ML, which runs on Apple's devices only: its files are exported and shipped unverified, and the app's own test is their proof."""

from pathlib import Path

from edgetl.contract import Contract
from edgetl.errors import UsageError
from edgetl.runtimes.base import Runtime, Session

_MISSING = "Core ML predicts on macOS only"


def open_session(path: Path, contract: Contract, threads: int = 1) -> Session:
    raise UsageError(f"{path} cannot be run here: {_MISSING}", "name another file of the run")


RUNTIME = Runtime(open_session, missing=_MISSING)
