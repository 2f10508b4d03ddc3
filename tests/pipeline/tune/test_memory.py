"""A search under budgets of memory: what is too large is never trained, and the front counts memory."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edgetl.tuning_record import Budget, TuningTrial
from tests.conftest import CliResult
from tests.pipeline.tune.test_search import SMALL, TINY

pytest.importorskip("tflite_micro", reason="tflite-micro is not installed: pip install edgetl[mcu]")

Cli = Callable[..., CliResult]
TRIAL = TuningTrial(
    run="a", backbone="mobilenet_v1", alpha=0.25, image_size=96, latency_ms=2.0, arena_bytes=112 << 10, flash_bytes=285 << 10
)


@pytest.fixture
def space(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search of one network of 32 px, in colour and in gray."""
    from edgetl.pipeline.tune import search

    monkeypatch.setattr(search, "SMALL_MODELS", ())
    monkeypatch.setattr(search, "SMALL_IMAGE_SIZES", (32,))
    monkeypatch.setattr(search, "LEARNING_RATES", (1e-3,))


def command(folder: Path, out: Path, *options: object) -> tuple[object, ...]:
    return ("tune", folder, "--out", out, *TINY, *SMALL, "--set", "data.max_bad_fraction=0.1", "--json", *options)


def test_a_budget_says_what_is_over_it() -> None:
    assert Budget(latency_ms=2.0, arena_bytes=112 << 10, flash_bytes=285 << 10).over(TRIAL) == "", "as much is allowed"
    assert Budget(arena_bytes=64 << 10).over(TRIAL) == "arena 112 KiB, allowed are 64"
    assert Budget(1.5, 64 << 10, 256 << 10).over(TRIAL).count("allowed are") == 3
    assert Budget(latency_ms=1.0).over(TRIAL.model_copy(update={"latency_ms": None})) == "", "nothing is known of it"
    assert Budget(latency_ms=1.0, flash_bytes=570 << 10).excess(TRIAL) == 1.0, "twice the latency, half the flash"
    assert Budget().excess(TRIAL) < 0


def test_the_front_counts_working_memory() -> None:
    from edgetl.pipeline.tune.search import _beats

    gray = TRIAL.model_copy(update={"arena_bytes": 90 << 10, "channels": "gray"})
    assert _beats(gray, TRIAL)
    assert not _beats(TRIAL, gray)
    assert not _beats(gray, TRIAL.model_copy(update={"top1_accuracy": 0.9})), "that one is more accurate"


@pytest.mark.usefixtures("space")
def test_memory_alone_ranks_and_is_shown(cli: Cli, digit_folder: Path, tmp_path: Path) -> None:
    done = cli(*command(digit_folder, tmp_path, "--device", "tflm", "--trials", 2, "--arena-budget", "256KiB"))
    assert done.code == 0, done.err
    trials = done.document["trials"]
    assert {one["channels"] for one in trials} == {"RGB", "gray"}, "one channel is tried beside three"
    heads = {one["channels"]: one for one in trials[:2]}
    assert heads["gray"]["flash_bytes"] < heads["RGB"]["flash_bytes"], "its first kernels are smaller"
    assert heads["gray"]["arena_bytes"] <= heads["RGB"]["arena_bytes"], "the largest maps lie behind the input"
    assert all(one["latency_ms"] is None and one["flash_bytes"] and not one["estimated"] for one in trials)
    assert done.document["arena_budget_bytes"] == 256 << 10
    assert any(one["front"] for one in trials)
    assert "arena KiB" in done.err
    assert "TensorFlow Lite Micro's interpreter measured" in done.err
    assert (tmp_path / "tune.png").stat().st_size > 10_000
    text = (tmp_path / "best.toml").read_text(encoding="utf-8")
    assert ('channels = "gray"' in text) == (done.document["best"]["channels"] == "gray")


@pytest.mark.usefixtures("space")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--device", "tflm", "--arena-budget", "20KiB"), "KiB, allowed are 20"),
        (("--device", "local", "--flash-budget", "0.01MiB"), "KiB, allowed are 10.24"),
        (("--device", "vela:ethos-u55-128", "--latency-budget", "0.001ms"), "ms, allowed are 0.001"),
    ],
    ids=["arena", "flash", "vela"],
)
def test_what_is_too_large_is_never_trained(cli: Cli, digit_folder: Path, tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    if "vela" in options[1]:
        pytest.importorskip("ethosu", reason="ethos-u-vela is not installed: pip install edgetl[mcu]")
    outcome = cli(*command(digit_folder, tmp_path, "--trials", 1, *options))
    assert outcome.code == 0, outcome.err
    assert outcome.document["best"] is None
    assert "over the budget, not trained: " in outcome.err
    assert words in outcome.err
    assert all(one["top1_accuracy"] is None and one["arena_bytes"] for one in outcome.document["trials"])
    assert all(one["estimated"] == ("vela" in options[1]) for one in outcome.document["trials"])
    assert not list(tmp_path.rglob("float.keras"))


@pytest.mark.parametrize("text", ["256", "256KB", "-1KiB", "much"])
def test_a_budget_of_memory_has_a_unit(cli: Cli, digit_folder: Path, text: str) -> None:
    outcome = cli("tune", digit_folder, f"--arena-budget={text}")
    assert outcome.code == 2
    assert "256KiB" in outcome.err
