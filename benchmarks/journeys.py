"""Count the files that three values pass: an image to the int8 TFLite file, a setting of the command line, a class name to the Android app.

    .venv/bin/python benchmarks/journeys.py

The real commands run on 24 small images. A file of the package is passed when one of its functions is called with the value, or returns it,
itself or in a tuple, list or dictionary. What carries a larger object past without opening it, such as a `Project`, is not counted, and
neither is what keeps a copy: the log, the record of the run, what is printed. For an image also counts what is made of it: pixels, batches,
the model that learned from them, its quantized form and the TFLite bytes. A file that only looks at the value, to measure or check it, or
keeps a copy lies beside the way (`BESIDE`, with reasons): the next file gets nothing from it.

It is also checked that a value does not come back. A command (`cli`, `api`, `pipeline`) hands it from room to room, in the order of the
house (`ORDER` in tests/test_architecture.py); a room that gets it after a later one had it is printed. A room may use earlier ones as its
library: only what a command hands on counts, and each command begins again with what lies on the disk.
"""

import contextlib
import io
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from PIL import Image

import edgetl

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.test_architecture import ORDER

ROOT = str(Path(edgetl.__file__).parent) + "/"
NAMES = ("aardvark", "zebra")
RATE = 0.0123457
MADE_OF_IMAGES = ("Item", "Listing", "Images", "StoredRows", "Examples", "AugmentedExamples", "Quantized", "Candidate")
KEEPERS = ("console.py", "log.py", "files.py", "run_folder.py", "documents.py", "run_record.py", "report/")
CONDUCTORS = ("cli", "api", "pipeline")  # they hand values from room to room; a room that stands before `data` is not a stop on the way
STOPS = tuple(name for name in ORDER[ORDER.index("data") :] if name not in (*CONDUCTORS, "__main__"))
BESIDE = {  # files beside the way: they look at the value, or keep it, and hand nothing on
    "data/checks.py": "checks what was read",
    "data/index.py": "lists the images in data.json",
    "training/checkpoint.py": "keeps what a killed training needs",
    "training/scoring.py": "measures the accuracy after an epoch",
    "export/tflite_checks.py": "checks a finished file",
    "runtimes/": "measures the accuracy of a model or a file, or makes golden predictions",
}
MOST = {"image": 20, "setting": 6, "class name": 10}  # files


def is_image(value: Any) -> bool:
    if isinstance(value, bytes):
        return value[:4] == b"\x89PNG" or value[4:8] == b"TFL3"
    if type(value).__name__ == "KerasTensor":  # a place in a network that is being built
        return False
    if type(value).__name__ in MADE_OF_IMAGES or isinstance(value, Image.Image):
        return True
    if type(value).__module__.startswith(("tensorflow", "tf_keras", "keras")):
        return hasattr(value, "get_weights") or hasattr(value, "element_spec") or len(getattr(value, "shape", None) or ()) == 4
    return isinstance(value, np.ndarray) and value.ndim >= 3


def is_setting(value: Any) -> bool:
    return value == RATE if isinstance(value, float) else isinstance(value, str) and str(RATE) in value


def is_class_name(value: Any) -> bool:
    if isinstance(value, bytes):
        return all(name.encode() in value for name in NAMES)
    if isinstance(value, str):
        return all(name in value for name in NAMES)
    return isinstance(value, tuple | list) and set(NAMES) <= {one for one in value if isinstance(one, str)}


KINDS: dict[str, Callable[[Any], bool]] = {"image": is_image, "setting": is_setting, "class name": is_class_name}


def members(value: Any, depth: int = 3) -> Iterator[Any]:
    yield value
    if depth and isinstance(value, tuple | list | dict):
        for one in list(value.values() if isinstance(value, dict) else value)[:60]:
            yield from members(one, depth - 1)


class Watch:
    """The files that each kind of value passed, in the order in which it entered them, with the function that took it in."""

    def __init__(self) -> None:
        self.passed: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
        self.watched: tuple[str, ...] = ()
        self.trained = False
        self.back: dict[str, list[str]] = {kind: [] for kind in KINDS}
        self._furthest: dict[str, str] = {}

    def begin(self, kinds: tuple[str, ...]) -> None:
        """Watch the values of these kinds in a new command."""
        self.watched, self._furthest = kinds, dict.fromkeys(kinds, "")

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if event not in ("call", "return") or not (file := self._file(frame)):
            return
        self.trained |= code.co_name == "fine_tune"
        if event == "call":
            names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)]
            values = [frame.f_locals[name] for name in names if name in frame.f_locals]
        else:
            values = [argument]
        if code.co_qualname == "candidate":  # each integer model that may be exported is a value of its own
            self.begin(self.watched)
        ends = beside(file) or code.co_name == "save"  # what is written to the disk ends there: the next stage begins with it
        handed = event == "call" and not ends and room(file) in STOPS and room(self._caller(frame)) in CONDUCTORS
        for kind in self.watched:
            if (handed or file not in self.passed[kind]) and any(self._is(kind, one) for value in values for one in members(value)):
                self.passed[kind].setdefault(file, code.co_qualname)
                if handed and any(self._is(kind, one) for name in names if name != "self" for one in members(frame.f_locals.get(name))):
                    self._hand(kind, file, code.co_qualname)

    def _hand(self, kind: str, file: str, function: str) -> None:
        furthest = self._furthest[kind]
        if furthest and STOPS.index(room(file)) < STOPS.index(room(furthest)):
            text = f"{file}: {function} after {furthest}"
            if text not in self.back[kind]:
                self.back[kind].append(text)
        else:
            self._furthest[kind] = file

    def _caller(self, frame: FrameType) -> str:
        """Return the package's file that called, whatever lies between."""
        back = frame.f_back
        while back is not None and not self._file(back):
            back = back.f_back
        return self._file(back) if back else ""

    def _is(self, kind: str, value: Any) -> bool:
        untrained = hasattr(value, "get_weights") and not self.trained  # nothing of an image is in it yet
        return not (kind == "image" and untrained) and KINDS[kind](value)

    def _file(self, frame: FrameType) -> str:
        """Return the file of the package that a frame belongs to; of a dataclass's own methods that of the class."""
        name = frame.f_code.co_filename
        if name == "<string>" and frame.f_code.co_name == "__init__":
            module = type(frame.f_locals.get("self")).__module__
            return f"{module.removeprefix('edgetl.').replace('.', '/')}.py" if module.startswith("edgetl.") else ""
        file = name.removeprefix(ROOT) if name.startswith(ROOT) else ""
        return "" if file.startswith(KEEPERS) else file


def beside(file: str) -> str:
    """Return why a file lies beside the way; empty: it is on it."""
    return next((reason for start, reason in BESIDE.items() if file.startswith(start)), "")


def room(file: str) -> str:
    return file.partition("/")[0].removesuffix(".py")


def make_images(folder: Path) -> None:
    random = np.random.default_rng(0)
    for number, name in enumerate(NAMES):
        (folder / name).mkdir(parents=True)
        for index in range(12):
            pixels = np.clip(random.normal(60 + 130 * number, 20, (32, 32, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{index}.png")


def command(*arguments: object) -> None:
    from edgetl.cli.app import main

    sys.argv = ["edgetl", *map(str, arguments)]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as errors:
        try:
            main()
        except SystemExit as stop:
            if stop.code:
                raise RuntimeError(f"edgetl {' '.join(map(str, arguments))}: {errors.getvalue()[-2000:]}") from stop


def journeys(folder: Path) -> Watch:
    """Return what was seen of each kind of value on the way from a folder of images to an app."""
    images, run, watch = folder / "images", folder / "run", Watch()
    make_images(images)
    small = ("--backbone", "small_cnn", "--weights", "none", "--image-size", 32, "--batch-size", 8, "--head-epochs", 0, "--epochs", 1)
    sets = (f"train.learning_rate={RATE}", "quantize.epochs=1", "augment.flip=false", "validation.timed_runs=2", "quantize.ranges=minmax")
    options = [word for setting in sets for word in ("--set", setting)]
    stages = (
        (("image", "setting", "class name"), ("train", images, "--out", run, *small, *options)),
        (("image",), ("export", run, "--int8", "--formats", "tflite")),
        ((), ("validate", run)),
        (("class name",), ("ship", run, "--target", "android", "--out", folder / "app")),
    )
    for kinds, arguments in stages:
        watch.begin(kinds)
        threading.setprofile(watch)
        sys.setprofile(watch)
        try:
            command(*arguments)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)  # type: ignore[arg-type]
    return watch


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        watch, missed = journeys(Path(folder)), False
    for kind, passed in watch.passed.items():
        files = {file: name for file, name in passed.items() if not beside(file)}
        print(f"{kind}: {len(files)} files, at most {MOST[kind]} ({len(passed)} with those beside the way)")
        print("".join(f"  {number:2} edgetl/{file}: {name}\n" for number, (file, name) in enumerate(files.items(), 1)), end="")
        print("".join(f"   - edgetl/{file}: {name}, {beside(file)}\n" for file, name in passed.items() if beside(file)), end="")
        print("".join(f"  comes back to edgetl/{text}\n" for text in watch.back[kind]), end="")
        missed |= len(files) > MOST[kind] or bool(watch.back[kind])
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
