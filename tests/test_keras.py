"""The Keras generation and its settings are ours to choose: with others, training fails in ways that do not name the cause, or differs."""

import inspect
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

PROGRAM = """
import importlib, os, sys
opened = []
sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == "open" else None)
import edgetl.keras
from edgetl.keras import keras, layers, tf
from edgetl.quantization.wrappers import tfmot
settings = {path for path in opened if path.endswith("keras.json")}
assert settings <= {os.devnull + "/keras.json"}, "nothing in it counts, not even whether it is JSON"
assert not {"keras", "matplotlib"} & set(sys.modules), "Keras 3, which has a settings file too"
assert issubclass(tf.keras.Model, keras.Model), "tf.keras is another Keras"
model = keras.Sequential([layers.Input((4,)), layers.Dense(2)])
tfmot.quantization.keras.quantize_annotate_model(model)

def check():
    backend = keras.backend
    assert (backend.image_data_format(), backend.floatx(), backend.epsilon()) == ("channels_last", "float32", 1e-7)
    assert keras.mixed_precision.global_policy().name == "float32"
    model = keras.Sequential([layers.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.BatchNormalization(), layers.GlobalAveragePooling2D()])
    assert model.output_shape == (None, 4) and model.layers[0].kernel.shape == (3, 3, 3, 4) and model.output.dtype == "float32"

check()
keras.backend.set_floatx("float64")
keras.backend.set_epsilon(0.1)
keras.backend.set_image_data_format("channels_first")
importlib.reload(edgetl.keras)
check()
"""
LEFT_OVER = {"image_data_format": "channels_first", "floatx": "float16", "epsilon": 0.1, "backend": "theano"}


def test_keras_2_with_our_settings_is_chosen_whatever_the_environment_says(tmp_path: Path) -> None:
    """A left-over settings file is not even opened; where there is none, none is written."""
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text(json.dumps(LEFT_OVER), encoding="utf-8")
    environment = os.environ | {"TF_USE_LEGACY_KERAS": "0", "HOME": str(tmp_path)}
    environment.pop("KERAS_HOME", None)
    before = sorted(tmp_path.rglob("*"))
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, "and TensorFlow's chatter stays behind the door"
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("home", [None, "/elsewhere"])
def test_keras_looks_nowhere_while_it_is_imported(monkeypatch: pytest.MonkeyPatch, home: str | None) -> None:
    """Afterwards downloads go where they went before."""
    from edgetl import keras

    monkeypatch.setenv("KERAS_HOME", home) if home else monkeypatch.delenv("KERAS_HOME", raising=False)
    with pytest.raises(ZeroDivisionError), keras._without_settings_file():
        assert os.environ["KERAS_HOME"] == os.devnull
        raise ZeroDivisionError
    assert os.environ.get("KERAS_HOME") == home


def test_code_that_tensorflow_generates_is_in_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed while it lives, this process leaves none behind; and who debugs it still reads what was generated."""
    from edgetl.keras import tf

    def branches(x):
        if tf.reduce_sum(x) > 0:
            return x + 1
        return x - 1

    def fails(x):
        for _ in tf.range(2):
            x = x + tf.constant(["a text"])
        return x

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert tf.function(branches)(tf.constant([1.0])).numpy().tolist() == [2.0]
    converted = tf.autograph.to_graph(branches)
    assert "ag__.if_stmt" in inspect.getsource(converted)
    with pytest.raises(TypeError, match=r"test_keras\.py.*in fails  \*\n +x = x \+ tf\.constant"):
        tf.function(fails)(tf.constant([1.0]))
    assert not list(tmp_path.iterdir())


def test_a_download_that_fails_is_an_oserror_and_a_fault_of_ours_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgetl import keras

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(OSError, match=r"URL fetch failure on http://127\.0\.0\.1:9/x\.h5"):
        keras.download("x.h5", "http://127.0.0.1:9/", str(tmp_path), None)
    assert not list(tmp_path.rglob("x.h5"))

    def broken(*given: object, **named: object) -> str:
        raise TypeError("a fault of ours")

    monkeypatch.setattr(keras.keras.utils, "get_file", broken)
    with pytest.raises(TypeError, match="a fault of ours"):
        keras.download("x.h5", "http://127.0.0.1:9/", str(tmp_path), None)
