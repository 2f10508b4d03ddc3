import numpy as np
from numpy.typing import NDArray

from edgetl.runtimes.latency import time_in_turn


def test_sessions_take_turns_and_the_warm_up_is_not_counted() -> None:
    calls: list[str] = []

    class Named:
        batch_size = 1

        def __init__(self, name: str) -> None:
            self.name = name

        def __call__(self, pixels: NDArray[np.uint8], /) -> NDArray[np.float32]:
            calls.append(self.name)
            return np.zeros((1, 2), np.float32)

    took_ms = time_in_turn({"a": Named("a"), "b": Named("b")}, np.zeros((1, 4, 4, 3), np.uint8), warmup_runs=2, timed_runs=5)
    assert calls == ["a", "b"] * 7
    assert set(took_ms) == {"a", "b"}
    assert all(times.shape == (5,) and times.dtype == np.float64 and (times > 0).all() for times in took_ms.values())


def test_the_unit_is_milliseconds() -> None:
    import time

    class Slow:
        batch_size = 1

        def __call__(self, pixels: NDArray[np.uint8], /) -> NDArray[np.float32]:
            time.sleep(0.02)
            return np.zeros((1, 2), np.float32)

    took_ms = time_in_turn({"slow": Slow()}, np.zeros((1, 4, 4, 3), np.uint8), warmup_runs=0, timed_runs=2)["slow"]
    assert (took_ms >= 19).all()
    assert (took_ms < 2000).all()
