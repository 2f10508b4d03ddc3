"""Arm's Ethos-U, which is in microcontrollers only: its files are exported unverified, and the program's self-test is their proof."""

from pathlib import Path

from edgetl.contract import Contract
from edgetl.errors import UsageError
from edgetl.runtimes.base import Runtime, Session

_MISSING = "only a chip with an Ethos-U runs it"


def open_session(path: Path, contract: Contract, threads: int = 1) -> Session:
    raise UsageError(f"{path} cannot be run here: {_MISSING}", "name another file of the run")


RUNTIME = Runtime(open_session, missing=_MISSING)
