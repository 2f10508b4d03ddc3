"""Kills commands at random moments and looks at what the next call makes of it: all complete, results as if nothing had happened.

A kill comes at a moment drawn evenly over the time that the command takes undisturbed. Then every file under a final name must be whole
or the one that was there before; the same command is called again, must succeed, and must leave exactly the results of an undisturbed
call: the same weights to the bit, the same bytes of exported files and bundles, as many epochs.

usage: python benchmarks/kills.py [--rounds 10] [--signal KILL|TERM] [--seed 0] [--only COMMAND]
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgetl.keras import tf

import numpy as np
import onnx
from ai_edge_litert.interpreter import Interpreter

from edgetl.data.digits import find
from edgetl.errors import ParityError
from edgetl.files import sha256
from edgetl.run_folder import RunFolder
from edgetl.ship import archive

# Every stage of a training, at a size whose rounds take seconds.
_TRAIN = (
    *("train", "../digits", "--out", "run", "--backbone", "mobilenet_v1", "--alpha", "0.25", "--image-size", "32", "--weights", "none"),
    *("--batch-size", "32", "--head-epochs", "2", "--epochs", "3", "--learning-rate", "3e-3", "--qat", "--qat-epochs", "2"),
    *("--set", "augment.flip=false", "--set", "quantize.calibration_images=64", "--set", "export.precisions=['float32', 'int8']"),
    *("--set", "data.cache_memory_mib=1"),  # the larger images that crops are cut from go through the cache
)
_IMAGES = 300
_NOT_RESULTS = (".edgetl.lock", "edgetl.log", "edgetl.log.1", "output.log")  # of no stage, or another one each time
_TIMEOUT_S = 900.0  # for a command of a quarter of a minute on a busy machine


@dataclass(frozen=True)
class Row:
    """A command to kill.

    Args:
        arguments: of edgetl; the folder that it runs in has "run".
        before: commands that are finished by then.
        results: what it leaves, as comparable values by name.
    """

    arguments: Sequence[str]
    before: Sequence[str]
    results: Callable[[Path], dict[str, Any]]


def _trained(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for scheme in ("ptq_int8", "qat_int8"):
        found[scheme] = sha256(folder / f"run/{scheme}.npz")
    with zipfile.ZipFile(folder / "run/float.keras") as file:  # its metadata has the date
        found["float"] = {name: file.read(name) for name in file.namelist() if name != "metadata.json"}
    for name, training in RunFolder(folder / "run").read().trainings():
        found[name] = [replace(epoch, seconds=0) for epoch in training.epochs], training.best_epoch
    return found


def _exported(folder: Path) -> dict[str, Any]:
    return {path.name: sha256(path) for path in (folder / "run/export").iterdir()}


def _bundled(folder: Path) -> dict[str, Any]:
    return {"bundle": sha256(folder / "run/run.edgetl")}


def _packed(folder: Path) -> dict[str, Any]:
    return {path.name: sha256(path) for path in (folder / "packed").iterdir()}


ROWS = {
    "pack": Row(("pack", "../digits", "packed", "--shards", "150"), (), _packed),
    "train": Row(_TRAIN, (), _trained),
    "export": Row(("export", "run"), ("train",), _exported),
    "validate": Row(("validate", "run"), ("train", "export"), lambda _: {}),
    "bundle": Row(("bundle", "run", "--force"), ("train", "export", "validate"), _bundled),
}
KILLED = ("pack", "train", "export", "bundle")


def _check(path: Path) -> None:
    """Raises whatever its reader raises when the file is not whole."""
    if path.suffix == ".json":
        json.loads(path.read_text(encoding="utf-8"))
    elif path.suffix == ".toml":
        tomllib.loads(path.read_text(encoding="utf-8"))
    elif path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            assert all(arrays[name] is not None for name in arrays.files)
    elif path.suffix == ".npy":
        np.load(path, allow_pickle=False)
    elif path.suffix == ".keras":
        with zipfile.ZipFile(path) as file:
            assert file.testzip() is None
    elif path.suffix == ".tflite":
        Interpreter(model_path=str(path)).allocate_tensors()
    elif path.suffix == ".onnx":
        onnx.checker.check_model(str(path), full_check=True)
    elif path.suffix == ".tfrecord":
        assert all(len(record.numpy()) for record in tf.data.TFRecordDataset(str(path)))  # whose reader checks its checksums
    elif path.suffix == ".edgetl":
        archive.read(path)
    else:
        assert path.name in _NOT_RESULTS or "tensorboard" in path.parts, f"what is {path}?"


def _half_written(folder: Path) -> list[str]:
    """Files under a final name that their reader refuses, with the reason."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and not path.name.startswith(".partial-"):
            try:
                _check(path)
            except Exception as error:  # noqa: BLE001  # whatever a reader says of a broken file is the finding
                found.append(f"{path.relative_to(folder)}: {error!r}")
    return found


def _start(arguments: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "edgetl", *arguments]
    with (folder / "output.log").open("ab") as output:
        return subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output)


def _complete(arguments: Sequence[str], folder: Path) -> float:
    """Seconds that the command took. Raises RuntimeError with its last words when it fails."""
    started = time.monotonic()
    code = _start(arguments, folder).wait(_TIMEOUT_S)
    if code and (code, arguments[0]) != (ParityError.exit_code, "validate"):  # of a model that has learned next to nothing
        raise RuntimeError(f"edgetl {arguments[0]} ended with {code}: {(folder / 'output.log').read_text(errors='replace')[-2000:]}")
    return time.monotonic() - started


def _killed(arguments: Sequence[str], folder: Path, after_s: float, number: signal.Signals) -> int | None:
    """The exit code of the command, killed after so many seconds; None when it was done before."""
    program = _start(arguments, folder)
    try:
        program.wait(after_s)
        return None
    except subprocess.TimeoutExpired:
        program.send_signal(number)
    code = program.wait(_TIMEOUT_S)
    return None if code == 0 else code


def _state(folder: Path) -> str:
    """Where the kill came: the stages that are done, and what else is there."""
    record = folder / "run/run.json"
    stages = list(json.loads(record.read_text(encoding="utf-8"))["stages"]) if record.exists() else []
    partial = [path.name.split("-", 2)[-1] for path in folder.rglob(".partial-*")]
    checkpoints = [path.name for path in folder.glob("run/checkpoint-*")]
    return " ".join([f"after {stages[-1] if stages else 'nothing'}", *checkpoints, *(f"in {name}" for name in partial)])


def _round(row: Row, start: Path, folder: Path, after_s: float, number: signal.Signals, wanted: dict[str, Any]) -> list[str] | None:
    """What is wrong after a kill and a second call; None when the command was done before the kill."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(start, folder)
    (folder / "output.log").unlink(missing_ok=True)
    code = _killed(row.arguments, folder, after_s, number)
    if code is None:
        return None
    print(f"  {after_s:5.1f} s: {_state(folder)}", flush=True)
    wrong = [f"half-written: {found}" for found in _half_written(folder)]
    if code not in ((-number, 128 + number) if number == signal.SIGTERM else (-number,)):
        wrong.append(f"exit code {code}")
    try:
        _complete(row.arguments, folder)
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        return [*wrong, f"the next call did not complete: {error}"]
    found = row.results(folder)
    wrong += [f"another result: {name}" for name in wanted if found.get(name) != wanted[name]]
    wrong += [f"left over: {path.name}" for path in folder.rglob(".partial-*")]
    return wrong


def _kill(name: str, start: Path, done: Path, folder: Path, took_s: float, args: argparse.Namespace) -> tuple[int, list[str]]:
    """(rounds that went well, what was wrong in the others)"""
    row, random, number = ROWS[name], np.random.default_rng([args.seed, *name.encode()]), signal.Signals[f"SIG{args.signal}"]
    wanted, well, problems, rounds = row.results(done), 0, [], 0
    while rounds < args.rounds:
        wrong = _round(row, start, folder, float(random.uniform(0, took_s)), number, wanted)
        if wrong is None:  # it was done before: another moment
            continue
        rounds += 1
        well += not wrong
        problems += [f"{name}, round {rounds}: {one}" for one in wrong]
    return well, problems


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--signal", choices=["KILL", "TERM"], default="KILL")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=KILLED)
    args = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")])
    lines, problems = [], []
    with tempfile.TemporaryDirectory(prefix="edgetl-kills-") as temporary:
        now = Path(temporary) / "nothing"
        now.mkdir()
        for item in find("digits").items[:_IMAGES]:
            path = Path(temporary) / "digits" / item.class_name / f"{item.name.partition(':')[2]}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(item.read())
        for name, row in ROWS.items():
            start, now = now, Path(temporary) / name
            shutil.copytree(start, now)
            took_s = _complete(row.arguments, now)
            if name in KILLED and args.only in (None, name):
                print(f"{name}: {took_s:.1f} s undisturbed", flush=True)
                well, wrong = _kill(name, start, now, Path(temporary) / "killed", took_s, args)
                lines.append(f"| {name} | {took_s:.0f} s | {args.rounds} | {well} |")
                problems += wrong
            if name == args.only:
                break
    print(f"\n| command | undisturbed | SIG{args.signal} | completed with the same results |\n|---|---|---|---|", *lines, sep="\n")
    print(*problems, sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
