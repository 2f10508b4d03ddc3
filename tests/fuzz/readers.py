"""Every reader of what others made: a name, examples, and a function of bytes that may raise EdgetlError and nothing else.

The property tests (test_readers.py) and the coverage-guided fuzzer (fuzz.py) both take their readers from here.
"""

import io
import json
import os
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from edgetl import recipe
from edgetl.benchmarking.gate import against, load_baseline
from edgetl.contract import Contract
from edgetl.data import csv_file, folder
from edgetl.data.index import DataIndex
from edgetl.documents import DOCUMENTS
from edgetl.report.page.card import card
from edgetl.report.page.results import Results
from edgetl.report.terminal.run import print_settings, print_stages
from edgetl.report.terminal.validation import print_validation
from edgetl.run_folder import RunFolder
from edgetl.run_record import RunRecord
from edgetl.ship import archive
from edgetl.ship.manifest import Manifest
from tests.fuzz import documents, examples
from tests.fuzz.swapping import swapped

CONTRACT = Contract.square(8, 1 / 127.5, 128, ("a", "b"))
TINY = Contract.square(32, 1 / 127.5, 128, ("a", "b", "c", "d"))


@dataclass(frozen=True)
class Reader:
    """What bytes are given to, some that it takes, and, for the slow ones, how many of a hundred inputs it gets."""

    read: Callable[[bytes, Path], None]
    examples: Callable[[], Sequence[bytes]]
    share: int = 10


@contextmanager
def place() -> Iterator[Path]:
    """A folder for one input, in memory where the system has such a place."""
    made = Path(tempfile.mkdtemp(prefix="edgetl-fuzz-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
    try:
        yield made
    finally:
        shutil.rmtree(made)


def run(reader: Reader, content: bytes) -> bool:
    """Whether the reader took it. Raises what the reader raises, but for EdgetlError."""
    from edgetl.errors import EdgetlError

    with place() as at, redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        try:
            reader.read(content, at)
        except EdgetlError:
            return False
    return True


def _written(content: bytes, at: Path, name: str) -> Path:
    path = at / name
    path.write_bytes(content)
    return path


def _image(content: bytes, at: Path) -> None:
    from edgetl.pipeline.predict import pixels_of

    assert pixels_of(str(_written(content, at, "image.jpg")), CONTRACT).shape == (8, 8, 3)


def _index(content: bytes, at: Path) -> None:
    """Names and contents as the bytes say, in class folders; then the whole way to pixels, splits and the index."""
    for parent in ("a", "b"):
        (at / "data" / parent).mkdir(parents=True)
    for number, entry in enumerate(content.split(b"\n//")[:12]):
        name, _, image = entry.partition(b"|")
        path = os.path.join(os.fsencode(at), b"data", b"ab"[number % 2 : number % 2 + 1], name.replace(b"/", b"").replace(b"\0", b"")[:255])
        if os.path.basename(path) in (b"", b".", b"..") or os.path.lexists(path):
            continue
        if image.startswith(b"->"):
            os.symlink(image[2:].replace(b"\0", b"")[:100] or b"x", path)
        else:
            with open(path, "wb") as file:
                file.write(image)
    _images(folder.find(str(at / "data")), at)


def _images(listing: Any, at: Path) -> None:
    from edgetl.data.images import LoadOptions, load
    from edgetl.data.splits import SplitOptions

    split = SplitOptions(val_fraction=0.3, test_fraction=0.0, seed=0)
    loaded = load(listing, CONTRACT, LoadOptions(split=split, max_bad_fraction=0.9, memory_mib=64, cache=at / "cache"))
    DataIndex.of(loaded).write(at / "data.json")
    assert DataIndex.read(at / "data.json").fingerprint == loaded.fingerprint


def _csv(content: bytes, at: Path) -> None:
    for parent in ("a", "b"):
        (at / parent).mkdir()
        (at / parent / "1.png").write_bytes(examples.png())
    listing = csv_file.find(str(_written(content, at, "images.csv")))
    tables_of_names = [[one.name, one.reason] for one in listing.rejected]
    from edgetl import console

    console.table("left out", ["name", "reason"], tables_of_names)
    assert listing.stamp


def _recipe(content: bytes, at: Path) -> None:
    loaded = recipe.load(_written(content, at, "recipe.toml"))
    assert recipe.check(json.loads(json.dumps(loaded.model_dump(), allow_nan=False))) == loaded


def _setting(content: bytes, at: Path) -> None:
    recipe.load(settings=[content.decode("utf-8", "surrogateescape")])


def _devices(content: bytes, at: Path) -> None:
    from edgetl.devices import DEVICES_FILE, named

    with mock.patch.dict(os.environ, {DEVICES_FILE: str(_written(content, at, "devices.toml"))}):
        named()


def _contract(content: bytes, at: Path) -> None:
    contract = Contract.read(_written(content, at, "contract.json"))
    assert Contract.parse(contract.to_json()) == contract


def _manifest(content: bytes, at: Path) -> None:
    Manifest.from_bytes(content, "manifest.json")


def _bundle(content: bytes, at: Path) -> None:
    archive.read(_written(content, at, "some.edgetl"))


def _bundled_predictions(content: bytes, at: Path) -> None:
    from edgetl.ship.golden import Golden

    contract = Manifest.from_bytes(examples.manifest(), "manifest.json").contract
    Golden.of({"golden/golden.json": content, "golden/pixels.bin": bytes(384), "golden/resized.bin": bytes(12)}, contract)


def _run_record(content: bytes, at: Path) -> None:
    _written(content, at, "run.json")
    run = RunFolder.open(at)
    record = run.read()
    print_settings(record)
    print_stages(record)
    list(record.trainings())
    for name in record.stages:
        run.is_done(name, "x")


def _runs(content: bytes, at: Path) -> None:
    from edgetl.pipeline.runs import COLUMNS, runs

    (at / "one").mkdir()
    _written(content, at / "one", "run.json")
    runs(at, list(COLUMNS), "created")


def _validation(content: bytes, at: Path) -> None:
    from edgetl.evaluation.validation import Validation

    document = Validation.read(_written(content, at, "validation.json"))
    print_validation(document)
    card("name", Results.of(RunRecord.parse(json.loads(examples.record())), document))


def _baseline(content: bytes, at: Path) -> None:
    document = load_baseline(_written(content, at, "benchmark.json"))
    against(document, document, 1.1)


def _placed(content: bytes, at: Path) -> None:
    from edgetl.ship.place import RECORD, place

    _written(content, at, RECORD)
    place(at, "web", {"index.html": b"x"}, fresh=False)


def _tflite(content: bytes, at: Path) -> None:
    from edgetl.export import tflite, tflite_checks
    from edgetl.export.base import About

    tflite_checks.operators(content)
    tflite_checks.grids(content)
    tflite_checks.without_counterpart(content)
    tflite_checks.float_operators(content)
    tflite.FORMAT.stamp(content, CONTRACT, About(name="x"))


def _onnx(content: bytes, at: Path) -> None:
    from edgetl.benchmarking.operators import with_layers
    from edgetl.devices.messages import OperatorTime
    from edgetl.export import FORMATS
    from edgetl.export.base import About

    FORMATS.load("onnx").stamp(content, CONTRACT, About(name="x"))
    with_layers([OperatorTime(operator="conv", type="Conv", ms=1.0)], _written(content, at, "model.onnx"))


def _tflite_session(content: bytes, at: Path) -> None:
    from edgetl.runtimes.litert import open_session

    open_session(_written(content, at, "model.tflite"), TINY)(np.zeros((1, 32, 32, 3), np.uint8))


def _onnx_session(content: bytes, at: Path) -> None:
    from edgetl.runtimes.onnxruntime import open_session

    open_session(_written(content, at, "model.onnx"), CONTRACT)(np.zeros((1, 8, 8, 3), np.uint8))


def _weights(content: bytes, at: Path) -> None:
    from edgetl.backbones.weights.torch_file import read_tensors

    read_tensors(_written(content, at, "weights.pth"))


def _quantized(content: bytes, at: Path) -> None:
    from edgetl.quantization.quantized import Quantized

    Quantized.load(_written(content, at, "int8.npz"))


def _keras_weights(content: bytes, at: Path) -> None:
    from edgetl.backbones import BACKBONES
    from edgetl.backbones.weights import load as weights

    weights.load(examples.network(), BACKBONES.load("mobilenet_v1"), str(_written(content, at, "weights.h5")), 0.25, 8)


def _keras(content: bytes, at: Path) -> None:
    from edgetl.runtimes.keras import open_session

    open_session(_written(content, at, "model.keras"), CONTRACT)


def _keras_config(content: bytes, at: Path) -> None:
    _keras(examples.keras_with(content), at)


def _imported(name: str, content: bytes, at: Path) -> None:
    from edgetl.importing import read

    found = read(_written(content, at, name))
    assert found.model.output_shape == (None, found.classes)


def _imported_keras_config(content: bytes, at: Path) -> None:
    _imported("model.keras", examples.keras_with(content), at)


def _imported_folder(content: bytes, at: Path) -> None:
    """The graph of a SavedModel as the bytes say, with the weights of the good one."""
    from edgetl.importing import read

    (at / "variables").mkdir()
    for name, part in examples.saved_model_variables().items():
        _written(part, at / "variables", name)
    _written(content, at, "saved_model.pb")
    read(at)


def _imported_variables(content: bytes, at: Path) -> None:
    """The good graph of a SavedModel, with an index of its weights as the bytes say."""
    from edgetl.importing import read

    (at / "variables").mkdir()
    for name, part in examples.saved_model_variables().items():
        _written(content if name.endswith(".index") else part, at / "variables", name)
    _written(examples.saved_model()[0], at, "saved_model.pb")
    read(at)


def _swapping(read: Callable[[bytes, Path], None], document: Callable[[], bytes], share: int = 10) -> Reader:
    swap = swapped(lambda: json.loads(document()))
    return Reader(lambda content, at: read(swap(content), at), lambda: [b"", b"\1\0\2\0", bytes(range(32))], share)


def _one(name: str) -> Sequence[bytes]:
    return [documents.example(name)]


def _document(name: str, content: bytes, at: Path) -> None:
    document = DOCUMENTS.load(name).read(_written(content, at, "x.json"))
    assert type(document).parse(document.to_json()) == document


def _documents() -> Iterator[tuple[str, Reader]]:
    """Give two readers of every JSON document: as it is, and with values of other kinds in it."""
    for name in DOCUMENTS:
        yield f"document {name}", Reader(partial(_document, name), partial(_one, name), share=4)
        yield f"document {name}, values swapped", _swapping(partial(_document, name), partial(documents.example, name), share=4)


def _restored(content: bytes, at: Path) -> None:
    values = json.loads(content)
    if isinstance(values, dict):  # which run.json's own check sees to
        recipe.restore(values)


def _defaults() -> bytes:
    return json.dumps(tomllib.loads(recipe.resource("defaults.toml"))).encode()


READERS: dict[str, Reader] = {
    **dict(_documents()),
    "image": Reader(_image, examples.images),
    "tiff image": Reader(_image, examples.tiffs),
    "heic image": Reader(_image, examples.heics),
    "image index": Reader(_index, examples.indexes, share=5),
    "csv": Reader(_csv, lambda: [b"path,label\na/1.png,a\nb/1.png,b\n", "path,label,split\na/1.png,\x1b[2J,train\n../x,ب,val\n".encode()]),
    "recipe": Reader(_recipe, examples.recipes),
    "recipe of a run, values swapped": _swapping(_restored, _defaults),
    "setting": Reader(_setting, lambda: [b"train.epochs=5", b'export.formats=["onnx"]', b"model.weights=/a path"]),
    "devices file": Reader(_devices, lambda: [b'[phone]\nkind = "adb"\n', b'[board]\nkind = "ssh"\nhost = "pi"\n']),
    "contract": Reader(_contract, lambda: [json.dumps(CONTRACT.to_json()).encode()]),
    "contract, values swapped": _swapping(_contract, lambda: json.dumps(CONTRACT.to_json()).encode()),
    "manifest": Reader(_manifest, lambda: [examples.manifest()]),
    "manifest, values swapped": _swapping(_manifest, examples.manifest),
    "bundle": Reader(_bundle, examples.bundles),
    "golden predictions, values swapped": _swapping(_bundled_predictions, examples.golden),
    "run.json": Reader(_run_record, lambda: [examples.record()]),
    "run.json, values swapped": _swapping(_run_record, examples.record),
    "runs, values swapped": _swapping(_runs, examples.record),
    "validation.json": Reader(_validation, lambda: [examples.validation()]),
    "validation.json, values swapped": _swapping(_validation, examples.validation),
    "benchmark.json": Reader(_baseline, lambda: [examples.benchmark()]),
    "benchmark.json, values swapped": _swapping(_baseline, examples.benchmark),
    "ship record": Reader(_placed, lambda: [b'{"schema_version": 1, "targets": {"web": {"index.html": ["00"]}}}']),
    "tflite metadata": Reader(_tflite, examples.tflites),
    "onnx metadata": Reader(_onnx, examples.onnxs),
    "tflite session": Reader(_tflite_session, examples.tflites, share=2),
    "onnx session": Reader(_onnx_session, examples.onnxs, share=2),
    "torch weights": Reader(_weights, examples.torch_weights),
    "quantized model": Reader(_quantized, examples.quantized),
    "keras weights": Reader(_keras_weights, examples.keras_weights, share=1),
    "keras model": Reader(_keras, lambda: [examples.keras()], share=1),
    "keras configuration, values swapped": _swapping(_keras_config, examples.keras_config, share=1),
    "imported onnx": Reader(partial(_imported, "model.onnx"), examples.foreign_onnxs, share=4),
    "imported tflite": Reader(partial(_imported, "model.tflite"), examples.tflites, share=2),
    "imported keras model": Reader(partial(_imported, "model.keras"), lambda: [examples.keras()], share=1),
    "imported keras weights with network": Reader(partial(_imported, "model.h5"), examples.keras_h5s, share=1),
    "imported keras configuration, values swapped": _swapping(_imported_keras_config, examples.keras_config, share=1),
    "imported saved model": Reader(_imported_folder, examples.saved_model, share=2),
    "imported saved model, its variables": Reader(_imported_variables, examples.saved_model_index, share=1),
}
