"""A search's database: one that was damaged, or is of a later Optuna, is a message and no traceback."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from edgetl.errors import RunError
from edgetl.pipeline.tune.study import Choice, Space, Study, StudyOptions
from edgetl.tuning_record import Budget

SPACE = Space(("mobilenet_v2 0.35",), (128,))
OPTIONS = StudyOptions(budget=Budget(), seed=0, startup=1)


def begun(folder: Path) -> Path:
    """Return the database of a search with one trial in it."""
    Study(folder, "s", SPACE, OPTIONS).enqueue(Choice("mobilenet_v2 0.35", 128))
    return folder / "study.db"


@pytest.mark.parametrize(
    "change",
    [
        "drop table studies",
        "update trials set state = 'SIDEWAYS'",
        "update alembic_version set version_num = 'v99'",
    ],
)
def test_a_database_that_optuna_cannot_use(change: str, tmp_path: Path) -> None:
    with sqlite3.connect(begun(tmp_path)) as database:
        database.execute(change)
    with pytest.raises(RunError, match=r"cannot use .*study\.db") as caught:
        Study(tmp_path, "s", SPACE, OPTIONS)
    assert "--out" in caught.value.remedy


@pytest.mark.parametrize("damage", [lambda content: content[:9000], lambda content: b"no database" * 500], ids=["cut off", "no database"])
def test_a_file_that_is_no_database(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = begun(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(RunError, match=r"cannot use .*study\.db"):
        Study(tmp_path, "s", SPACE, OPTIONS)


def test_a_search_goes_on_where_it_was(tmp_path: Path) -> None:
    begun(tmp_path)
    again = Study(tmp_path, "s", SPACE, OPTIONS)
    assert not again.is_new
    assert again.waiting
