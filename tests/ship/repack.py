"""A bundle with something changed and its hashes made right again: what a mistake of a packer, or other labels, would look like."""

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgetl.contract import Contract, Frame
from edgetl.data.decode import as_image, crop_and_resize
from edgetl.output import Rejection, Thresholds
from edgetl.runtimes import open_session
from edgetl.ship import archive, golden
from edgetl.ship.golden import Golden, mosaic
from edgetl.ship.manifest import EVERY_APP, MANIFEST, SIGNATURE, TESTS

# Three class names that users may well write, and that a careless template would run, cut or reverse.
HOSTILE = (
    "\"'; alert(1) //</script><img src=x onerror=alert(2)> $HOME ${x} `id` %s {{x}}",
    "\u0645\u0631\u062d\u0628\u0627 \u202eabc \\u0041 \\",
    "\U0001f469\u200d\U0001f33e \u65e5\u672c & <i> ]]> @string/x ? \u2028 $(id)",
)


# Sizes of images, and what a model takes of them: squares, other proportions, grey, stretched.
RESIZED = (
    (501, 399, Frame(32, 32)),
    (61, 90, Frame(32, 32)),
    (300, 9, Frame(32, 32)),
    (5, 7, Frame(32, 32)),
    (32, 32, Frame(32, 32)),
    (33, 640, Frame(96, 96)),
    (1001, 700, Frame(128, 128)),
    (301, 300, Frame(48, 192)),
    (333, 640, Frame(192, 48)),
    (120, 77, Frame(28, 28, "gray")),
    (97, 301, Frame(40, 64, crop="none")),
    (64, 31, Frame(31, 64, "gray", "none")),
)


def repacked(source: Path, target: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    with zipfile.ZipFile(source) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    before = {name: files[name] for folder in (EVERY_APP, TESTS) for name in golden.names_in(folder) if name in files}
    change(files)
    changed = {name.partition("/")[0] for name, content in before.items() if files.get(name) != content}
    if changed == {EVERY_APP}:  # then of the same images for the tests of an app
        files |= {
            test: files[name] for test, name in zip(golden.names_in(TESTS), golden.names_in(EVERY_APP), strict=True) if test in before
        }
    document = json.loads(files["manifest.json"])
    document["files"] = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
        for name, content in files.items()
        if name not in (MANIFEST, SIGNATURE)
    }
    files["manifest.json"] = json.dumps(document).encode()
    archive.write(target, files)
    return target


def renamed(files: dict[str, bytes], labels: Sequence[str] = HOSTILE) -> None:
    """Give the classes, and the model, other names everywhere."""
    manifest = json.loads(files["manifest.json"])
    to = dict(zip(manifest["contract"]["output"]["class_names"], labels, strict=True))
    manifest["contract"]["output"]["class_names"], manifest["name"] = list(labels), labels[0]
    for place in ("golden/golden.json", "golden_test/golden.json"):
        found = json.loads(files[place])
        found["true_class_names"] = [to[name] for name in found["true_class_names"]]
        found["top1_class_names"] = {file: [to[name] for name in names] for file, names in found["top1_class_names"].items()}
        found["present_class_names"] = {
            file: [[to[name] for name in names] for names in images] for file, images in found["present_class_names"].items()
        }
        files[place] = json.dumps(found).encode()
    files["manifest.json"] = json.dumps(manifest).encode()
    files["labels.txt"] = "".join(f"{label}\n" for label in labels).encode()


def unsure(files: dict[str, bytes]) -> None:
    """Give the contract thresholds by which some golden images are unknown, one of them higher than that of the other classes."""
    manifest = json.loads(files["manifest.json"])
    contract = Contract.parse(manifest["contract"])
    sets = {folder: Golden.of(files, contract, folder) for folder in (EVERY_APP, TESTS)}
    rows = np.concatenate(list(sets[EVERY_APP].predictions.values()))
    above = lambda probability: (np.round(256 * probability) + 0.5) / 256  # noqa: E731
    rejection = Rejection(threshold=above(rows.max(axis=1).min()), keep=0.95, inside_the_model=False)
    kept = rows[rows.max(axis=1) > rejection.threshold]
    next_one = kept[kept.max(axis=1).argmin()]
    raised = np.where(np.arange(len(next_one)) == next_one.argmax(), above(next_one.max()), 0.0)
    contract = contract.rejecting(rejection).with_thresholds(Thresholds(per_class=tuple(raised.tolist())))
    assert 0 < contract.output.present(rows).any(axis=1).sum() < len(rows)
    manifest["contract"] = contract.to_json()
    files["manifest.json"] = json.dumps(manifest).encode()
    for folder, one in sets.items():
        files |= one.files(contract.output, folder)


def with_other_thresholds(files: dict[str, bytes]) -> None:
    """Forget the classes' own thresholds, as a packer may that knows the rejection's alone."""
    manifest = json.loads(files["manifest.json"])
    manifest["contract"]["output"]["thresholds"] = None
    files["manifest.json"] = json.dumps(manifest).encode()


def golden_images(model: Path, folder: Path) -> dict[Path, list[str]]:
    """The golden images in an app's folder of the model as files of the model's size, and what each shows by the app's model."""
    golden, name = (json.loads((model / file).read_text(encoding="utf-8")) for file in ("golden/golden.json", "app.json"))
    pixels = np.fromfile(model / "golden/pixels.bin", np.uint8).reshape(golden["shape"])
    paths = [folder / f"golden{number}.png" for number in range(len(pixels))]
    for path, one in zip(paths, pixels, strict=True):
        Image.fromarray(one).save(path)
    present = golden["present_class_names"][name["model"]]
    assert {len(names) for names in present} >= {0, 1}, "some show none of the classes"
    return dict(zip(paths, present, strict=True))


def _int8_models(run: Path, changed: Callable[[Contract], Contract]) -> tuple[Contract, Callable[[dict[str, bytes]], None]]:
    """Return the changed contract of a run, and what gives its bundle int8 models of that contract, and golden predictions of these."""
    from edgetl.export import FORMATS, format_of
    from edgetl.export.base import About, Conversion
    from edgetl.pipeline.project import Project
    from edgetl.quantization.quantized import Quantized

    project = Project.open(run)
    contract = changed(project.contract)
    model = Quantized.load(project.run.quantized_model("int8")).to_keras(project.models.float_model, contract)
    conversion = Conversion(model, contract, "int8", FORMATS.load)

    def put(files: dict[str, bytes]) -> None:
        manifest = json.loads(files["manifest.json"]) | {"contract": contract.to_json()}
        for name in manifest["models"]:
            form = format_of(name)
            files[name] = form.stamp(conversion.file(form.name), contract, About("other int8 models"))
        files["manifest.json"] = json.dumps(manifest).encode()
        recoloured(files)

    return contract, put


def ended_in_float(run: Path) -> Callable[[dict[str, bytes]], None]:
    """Return a change that gives a run's bundle int8 models with a float softmax at the end, and golden predictions of these."""
    return _int8_models(run, lambda contract: contract.ending_in("float32"))[1]


def of_another_input(frame: Frame) -> Callable[[dict[str, bytes]], None]:
    """Return a change that gives a bundle small float models of another input, and golden images and predictions of these."""
    from edgetl.keras import keras, layers

    from edgetl.export import FORMATS, format_of
    from edgetl.export.base import Conversion

    def change(files: dict[str, bytes]) -> None:
        manifest = json.loads(files["manifest.json"])
        contract = Contract.parse(manifest["contract"]).taking(frame)
        keras.utils.set_random_seed(7)
        image = keras.Input(contract.shape)
        x = layers.Flatten()(layers.ReLU()(layers.Conv2D(4, 5, strides=4)(image)))
        model = keras.Model(image, layers.Dense(len(contract.class_names))(x))
        conversion = Conversion(model, contract, "float32", FORMATS.load)
        manifest["contract"] = contract.to_json()
        for name in list(manifest["models"]):
            files[name] = conversion.file(format_of(name).name)
            manifest["models"][name]["precision"] = "float32"
        files["manifest.json"] = json.dumps(manifest).encode()
        recoloured(files)

    return change


def of_several(run: Path) -> Callable[[dict[str, bytes]], None]:
    """Return a change that gives a run's bundle int8 models with a sigmoid for each class, and golden images with none, one and two."""
    contract, put_models = _int8_models(run, lambda contract: contract.for_task("multi-label"))

    def change(files: dict[str, bytes]) -> None:
        put_models(files)
        manifest = json.loads(files["manifest.json"])
        golden = Golden.of(files, contract)
        rows = next(iter(golden.predictions.values()))
        shares = [*np.linspace(0.9, 0.1, 17)[:, None].repeat(rows.shape[1], 1), *np.random.default_rng(0).random((500, rows.shape[1]))]
        tried = ([np.quantile(column, share) for column, share in zip(rows.T, each, strict=True)] for each in shares)
        values = ((np.floor(256 * np.asarray(one)) + 0.5) / 256 for one in tried)
        all_decided = (contract.with_thresholds(Thresholds(per_class=tuple(one.tolist()))) for one in values)
        decided = next(one for one in all_decided if {0, 1, 2} <= set(_steady_counts(rows, one)))
        manifest["contract"] = decided.to_json()
        files["manifest.json"] = json.dumps(manifest).encode()
        files |= replace(golden, true_class_names=decided.output.present_names(rows)).files(decided.output)

    return change


def _steady_counts(rows: NDArray[np.floating], contract: Contract) -> list[int]:
    """How many classes those images show [N, K] whose decisions other kernels leave as they are: by a few steps more or less."""
    less, more = (contract.output.present(rows + moved / 256) for moved in (-4, 4))
    return [int(count) for count in less.sum(axis=1)[(less == more).all(axis=1)]]


def recoloured(files: dict[str, bytes]) -> None:
    """Other golden images, whose channels differ, so that it shows when they are swapped: those of 200 whose predictions change most."""
    manifest = json.loads(files["manifest.json"])
    contract = Contract.parse(manifest["contract"])
    coarse = np.random.default_rng(5).integers(0, 256, (200, 3, 3, 3), np.uint8)
    size = (contract.width, contract.height)
    pixels = np.stack([np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BICUBIC)) for one in coarse])
    pixels = pixels[..., : contract.shape[2]]
    sessions = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in manifest["models"]:
            (Path(folder) / name).write_bytes(files[name])
            sessions[name] = open_session(Path(folder) / name, contract)
    moved = sum(np.abs(run(pixels) - run(np.ascontiguousarray(pixels[..., ::-1]))).max(1) for run in sessions.values())
    pixels = np.ascontiguousarray(pixels[np.argsort(-np.asarray(moved))[:12]])
    predictions = {name: run(pixels) for name, run in sessions.items()}
    resized = crop_and_resize(as_image(mosaic(pixels)), contract)
    names = tuple(contract.class_names[row.argmax()] for row in next(iter(predictions.values())))
    files |= Golden(pixels, names, predictions, resized).files(contract.output)
