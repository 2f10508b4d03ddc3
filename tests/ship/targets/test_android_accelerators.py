"""The Android app's choice of an accelerator: its rule and its memory run here, with accelerators of our making."""

import json
import re
from pathlib import Path

import pytest

from tests.conftest import Made
from tests.ship.targets.android_built import PACKAGES, Built, data, fresh, write

TABLE = Path(__file__).with_name("accelerators.json")  # every app's
KEY = "model_int8.tflite 12ab brand/phone:16/BP2A 1750000000000"
IDENTICAL = "0,4,0"  # steps off, ms that a prediction takes, golden images whose probabilities are upside down


def chosen(built: Built, folder: Path, *what: str, key: str = KEY, again: bool = False) -> tuple[list[str], str]:
    """The row of each accelerator (NAME=WHAT), its time left out, and which one was kept, with whether they were timed."""
    code, said = built.compiler.main(built.jar, folder, "choose", folder / "memory.json", key, "again" if again else "start", *what)
    assert code == 0, said
    *rows, kept = said.decode().splitlines()
    return [re.sub(r"[\d.]+ ms", "MS ms", row) for row in rows], kept


@pytest.fixture
def folder(built: Built, tmp_path: Path) -> Path:
    return data(tmp_path, built.apps["litert"])


def test_the_rule_is_every_apps(built: Built) -> None:
    code, said = built.compiler.main(built.jar, TABLE, "rule")
    assert code == 0
    cases = json.loads(TABLE.read_text(encoding="utf-8"))
    assert [json.loads(line) for line in said.decode().splitlines()] == [[*case["rows"], case["name"]] for case in cases]


def test_the_fastest_that_passes_runs_and_a_broken_one_is_refused(built: Built, folder: Path) -> None:
    rows, kept = chosen(built, folder, "CPU=0,20,0", "GPU=3,8,0", "NPU=0,1,3", "DSP=missing", "TPU=library", "far=30,1,0")
    assert rows == [
        "CPU: MS ms, identical",
        "GPU: MS ms, within 3 of 256 steps",
        "NPU: refused, 3 of 12 differ",
        "DSP: not available (no such chip)",
        "TPU: not available (libGpu.so)",
        "far: refused, 12 of 12 differ",
    ]
    assert kept == "GPU true"


def test_where_none_passes_the_cpu_runs(built: Built, folder: Path) -> None:
    assert chosen(built, folder, "CPU=0,1,12", "GPU=NaN,1,0") == (
        ["CPU: refused, 12 of 12 differ", "GPU: refused, 12 of 12 differ"],
        "CPU true",
    )


def test_the_choice_is_kept_for_the_model_and_the_system(built: Built, folder: Path) -> None:
    both = ("CPU=0,20,0", f"GPU={IDENTICAL}")
    assert chosen(built, folder, *both)[1] == "GPU true"
    assert chosen(built, folder, "CPU=0,0,0", f"GPU={IDENTICAL}") == (["CPU: MS ms, identical", "GPU: MS ms, identical"], "GPU false")
    assert chosen(built, folder, "CPU=0,0,0", f"GPU={IDENTICAL}", again=True)[1] == "CPU true", "on request"
    assert chosen(built, folder, *both, key=KEY.replace("BP2A", "BP3A"))[1] == "GPU true", "another system"
    (folder / "memory.json").write_text('{"key": ', encoding="utf-8")
    assert chosen(built, folder, *both)[1] == "GPU true", "a damaged file"
    rows, kept = chosen(built, folder, "CPU=0,20,0", "GPU=missing")
    assert (rows[1], kept) == ("GPU: not available (no such chip)", "CPU true"), "what was kept is gone"


def test_an_accelerator_that_takes_the_app_down_is_not_tried_twice(built: Built, folder: Path) -> None:
    what = ("CPU=0,4,0", "GPU=end", "NPU=end")
    for _ in range(2):
        code, _ = built.compiler.main(built.jar, folder, "choose", folder / "memory.json", KEY, "start", *what)
        assert code == 9
    ended = "not available (the app ended while it was tried)"
    wanted = ["CPU: MS ms, identical", f"GPU: {ended}", f"NPU: {ended}"]
    assert chosen(built, folder, *what) == (wanted, "CPU true")
    assert chosen(built, folder, *what) == (wanted, "CPU false")


def test_a_file_says_itself_what_it_takes_and_gives(built: Built, made: Made, float_ended: Path, tmp_path: Path) -> None:
    """Bytes or numbers: the Kotlin API of LiteRT has no name for uint8."""
    floats = data(tmp_path, write(tmp_path / "app", fresh(float_ended, "litert", PACKAGES["litert"]))) / "model_int8.tflite"
    exported = made.run / "export"
    for path, takes_and_gives in (
        (exported / "model_int8.tflite", "false false"),
        (exported / "model_float32.tflite", "true true"),
        (floats, "false true"),
    ):
        assert built.compiler.main(built.jar, path, "tensors") == (0, f"{takes_and_gives}\n".encode())
