"""A run in an MLflow store of each kind, read back by MLflow."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from edgetl.errors import DependencyError, RunError, UsageError
from edgetl.pipeline import track
from edgetl.recipe import Recipe, restore
from edgetl.run_folder import RunFolder
from edgetl.software import install
from tests.conftest import CliResult

Cli = Callable[..., CliResult]


def recipe_of(run: RunFolder, uri: str) -> Recipe:
    return restore(run.read().recipe.model_dump(), options={"track.mlflow": uri})


@pytest.mark.parametrize("kind", ["sqlite", "folder"])
def test_a_store_gets_settings_epochs_figures_and_files(kind: str, run_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tracking = pytest.importorskip("mlflow.tracking", reason="edgetl[mlflow] is not installed")
    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_ALLOW_FILE_STORE", "MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "true" if "HTTP" not in name else "1")
    run, uri = RunFolder(run_copy), f"sqlite:///{tmp_path}/track.db" if kind == "sqlite" else "my store"
    track.track(run, recipe_of(run, uri))
    track.track(run, recipe_of(run, uri))
    client = tracking.MlflowClient(tracking_uri=uri if kind == "sqlite" else (tmp_path / uri).as_uri())
    [found] = client.search_runs([client.get_experiment_by_name("edgetl").experiment_id])
    assert found.info.status == "FINISHED"
    assert found.data.params["model.image_size"] == "32"
    assert not [name for name in found.data.params if name.startswith("track.")]
    subjects = json.loads((run_copy / "validation.json").read_text(encoding="utf-8"))["subjects"]
    assert found.data.metrics["tflite_int8/top1_accuracy"] == subjects["tflite_int8"]["accuracy"]["top1_accuracy"]
    [trained] = [training for name, training in run.read().trainings() if name == "float"]
    history = client.get_metric_history(found.info.run_id, "float/val_loss")
    assert [(one.step, one.value) for one in history] == [(step, epoch.val_loss) for step, epoch in enumerate(trained.epochs, 1)]
    assert {"run.json", "validation.json", "export"} <= {one.path for one in client.list_artifacts(found.info.run_id)}
    assert not (tmp_path / "mlruns").exists(), "nothing lands where the command happens to run"


def test_a_server_that_is_not_there_is_named(run_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow", reason="edgetl[mlflow] is not installed")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(RunError, match=r"127\.0\.0\.1:9"):
        track.track(RunFolder(run_copy), recipe_of(RunFolder(run_copy), "http://127.0.0.1:9"))


def test_it_is_asked_for_before_the_training(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(track, "find_spec", lambda name: None)
    outcome = cli("train", "digits", "--out", tmp_path / "run", "--mlflow", "sqlite:///x.db")
    assert outcome.code == DependencyError.exit_code
    assert install("mlflow") in outcome.err
    assert not (tmp_path / "run").exists()


def test_a_password_has_no_place_in_a_recipe() -> None:
    with pytest.raises(UsageError, match="MLFLOW_TRACKING_PASSWORD") as caught:
        restore({"data": {"source": "digits"}}, options={"track.mlflow": "https://me:secret@host"})
    assert "secret" not in str(caught.value)
