"""Start again when another worker is lost; the workers then go on together after the last finished epoch."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from edgetl.errors import RunError
from edgetl.training.team import LOST, Team

logger = logging.getLogger(__name__)

_COUNT, _MOST = "EDGETL_REJOINED", 20  # times that this process has started again


@contextmanager
def rejoining(team: Team) -> Iterator[None]:
    """Replace the program by itself when a worker is lost, as TensorFlow cannot take one back into a running program."""
    try:
        yield
    except LOST as error:
        if team.workers == 1:
            raise
        times = int(os.environ.get(_COUNT, "0")) + 1
        if times > _MOST:
            raise RunError(f"a worker was lost {times} times", "look at the other workers' logs; the same command continues") from error
        logger.warning(f"a worker was lost ({type(error).__name__}); starting again, to go on after the last finished epoch")
        # The lock is not held over this: its file is closed by exec, and taken again.
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | {_COUNT: str(times)})
