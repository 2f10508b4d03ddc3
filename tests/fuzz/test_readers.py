"""Whatever bytes a reader is given, it takes them or raises EdgetlError, in bounded time. More, guided by coverage: fuzz.py."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.readers import READERS, run

_EXAMPLES = 60  # of a reader with the full share; the slow ones get fewer


@st.composite
def mutated(draw: st.DrawFn, name: str) -> bytes:
    """Any bytes, or an example that was cut, overwritten and had something put in."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=64))
    content = bytearray(draw(st.sampled_from(READERS[name].examples())))
    for _ in range(draw(st.integers(1, 6))):
        if not content:
            break
        at = draw(st.integers(0, len(content) - 1))
        match draw(st.sampled_from("=+-<")):
            case "=":
                content[at] = draw(st.integers(0, 255))
            case "+":
                content[at:at] = draw(st.binary(max_size=8))
            case "-":
                del content[at : at + draw(st.integers(1, 16))]
            case _:
                del content[at:]
    return bytes(content)


@pytest.mark.parametrize("name", READERS)
def test_examples_are_read(name: str) -> None:
    taken = [run(READERS[name], example) for example in READERS[name].examples()]
    assert any(taken)


@pytest.mark.parametrize("name", READERS)
def test_nothing_but_edgetl_errors(name: str) -> None:
    count = max(_EXAMPLES * READERS[name].share // 10, 8)

    @settings(max_examples=count, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(mutated(name))
    def holds(content: bytes) -> None:
        run(READERS[name], content)

    holds()


@pytest.mark.slow
def test_guided_by_coverage() -> None:
    pytest.importorskip("atheris", reason="atheris has no wheel for this platform")
    command = [sys.executable, str(Path(__file__).with_name("fuzz.py")), "--runs", "5000"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600, check=False)
    assert done.returncode == 0, done.stdout
