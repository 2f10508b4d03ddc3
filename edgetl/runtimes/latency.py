"""How long one inference takes in each of several runtimes."""

import time
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from edgetl.runtimes.base import Session


def time_in_turn(
    sessions: Mapping[str, Session], image: NDArray[np.uint8], warmup_runs: int, timed_runs: int
) -> dict[str, NDArray[np.float64]]:
    """Milliseconds [timed_runs] of each session for one image uint8 [1, H, W, 3], or for a whole batch of it where the model takes no less.

    The sessions take turns, run by run, so that a drift of the machine (heat, other work) meets all of them alike.
    """
    took_ms = {name: np.empty(timed_runs) for name in sessions}
    for run in range(-warmup_runs, timed_runs):
        for name, session in sessions.items():
            started = time.perf_counter_ns()
            session(image)
            elapsed_ms = (time.perf_counter_ns() - started) / 1e6
            if run >= 0:
                took_ms[name][run] = elapsed_ms
    return took_ms
