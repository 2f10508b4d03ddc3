"""The document of a benchmark."""

from tests.benchmarking.test_gate import measured


def test_it_shows_a_row_for_each_model_on_each_device_and_every_failure() -> None:
    found = measured(m=1.0, n=None)
    shown = found.overview()
    assert [(row[0], row[1]) for row in shown.rows] == [(one.device, one.model) for one in found.results]
    assert "1.000" in shown.text()
    failed = [one.failure.problem for one in found.results if one.failure]
    assert failed
    assert [note.rpartition(": ")[2] for note in shown.notes] == failed
    assert repr(found) == shown.text()
