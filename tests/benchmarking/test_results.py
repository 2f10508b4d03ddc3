"""The document of a benchmark."""

from edgetl.errors import Failure
from tests.benchmarking.test_gate import measured


def test_it_shows_a_row_for_each_model_on_each_device_and_every_failure() -> None:
    found = measured(m=1.0, n=None)
    first, second = found.results
    found = found.model_copy(update={"results": (first, second.model_copy(update={"failure": Failure("it is unplugged", "plug it in")}))})
    shown = found.overview()
    assert [(row[0], row[1]) for row in shown.rows] == [(one.device, one.model) for one in found.results]
    assert "1.000" in shown.text()
    assert list(shown.notes) == [f"{second.device}, {second.model}: it is unplugged"]
    assert repr(found) == shown.text()
