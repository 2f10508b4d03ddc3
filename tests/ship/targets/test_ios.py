"""The iOS app: what can be read of it here, and, slowly, its Swift compiled and its package's own tests run by Debian's Swift."""

import hashlib
import json
import os
import plistlib
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import openstep_plist
import pytest
import tree_sitter
import tree_sitter_swift
from PIL import Image

from edgetl.contract import Contract, Frame
from edgetl.data.decode import crop_and_resize
from edgetl.pipeline.ship.app import app_files
from edgetl.ship import archive
from edgetl.ship.strings import tables
from edgetl.ship.targets.base import App, template
from edgetl.ship.targets.ios import TARGET
from tests.conftest import CliResult
from tests.ship.repack import HOSTILE, RESIZED
from tests.ship.targets.swift import Swift, replay, unpacked
from tests.ship.test_strings import translated

Cli = Callable[..., CliResult]
PACKAGE, DATA = "EdgetlClassifier", "EdgetlClassifier/Sources/EdgetlClassifier/Resources/model"
TESTS = f"{PACKAGE}/Tests/{PACKAGE}Tests"
TABLE = Path(__file__).with_name("accelerators.json")
ROWS = {
    "litert": (
        *("CPU: MS ms, identical", "GPU and CPU: MS ms, identical"),
        "Neural Engine and CPU: not available (LiteRT's Core ML delegate takes numbers, and no integers)",
    ),
    "onnxruntime": (
        *("CPU: MS ms, identical", "XNNPACK and CPU: MS ms, identical", "Core ML and CPU: MS ms, identical"),
        "Core ML: not available (This session contains graph nodes that are assigned to the default CPU EP)",
    ),
}
BROKEN = {"litert": "GPU and CPU", "onnxruntime": "Core ML and CPU"}
MODELS = {"litert": "LiteRTModel.swift", "onnxruntime": "OnnxRuntimeModel.swift", "coreml": "CoreMLModel.swift"}


def made(bundle: Path, runtime: str, into: Path | None = None, title: str = "") -> dict[str, bytes]:
    """The files of an app; Core ML's with another runtime's model in it, as there is none in the bundle."""
    manifest, files = archive.read(bundle)
    manifest = manifest.model_copy(update={"name": title or manifest.name})
    suffix = ".tflite" if runtime == "litert" else ".onnx"
    model = next(name for name in manifest.models if name.endswith(suffix))
    return dict(app_files(TARGET, App(manifest, runtime, model, "org.example.my_flowers"), files, into))


def placed(files: dict[str, bytes], folder: Path) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def mistakes(source: bytes) -> list[str]:
    """Where a Swift file does not parse."""

    def wrong(node: tree_sitter.Node) -> Iterator[str]:
        if node.type == "ERROR" or node.is_missing:
            yield f"line {node.start_point.row + 1}: {source[node.start_byte : node.end_byte][:60]!r}"
        for child in node.children:
            yield from wrong(child)

    return list(wrong(tree_sitter.Parser(tree_sitter.Language(tree_sitter_swift.language())).parse(source).root_node))


def test_every_swift_file_parses() -> None:
    files = {name: content for name, content in template("ios").items() if name.endswith(".swift")}
    assert len(files) > 15
    assert {name: found for name, content in files.items() if (found := mistakes(content))} == {}
    assert mistakes(b"struct A { let b: Int = }"), "a check that cannot fail is worth nothing"
    assert mistakes(b"func a() { if true {")


@pytest.mark.parametrize("runtime", MODELS)
def test_the_package_has_the_chosen_runtime_alone(hostile: Path, runtime: str) -> None:
    files = made(hostile, runtime)
    assert [name for name in MODELS.values() if any(path.endswith(name) for path in files)] == [MODELS[runtime]]
    assert not [path for path in files if path.startswith("runtimes/")]
    assert (f"{PACKAGE}/get-runtime.sh" in files) == (runtime == "litert")


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Flowers", "Flowers"),
        (HOSTILE[0], HOSTILE[0].replace("${x}", "{x}")),
        (HOSTILE[2], "\U0001f469 \U0001f33e \u65e5\u672c & <i> ]]> @string/x ?   (id)"),
        ("\x00\u202e\n", "Edgetl Classifier"),
    ],
)
def test_property_lists_parse_and_say_what_they_must(hostile: Path, title: str, shown: str) -> None:
    files = made(hostile, "litert", title=title)
    information = plistlib.loads(files["Info.plist"])
    assert information["CFBundleDisplayName"] == shown, "no setting of Xcode, no control character"
    assert "on this device" in information["NSCameraUsageDescription"]
    privacy = [plistlib.loads(content) for name, content in files.items() if name.endswith("PrivacyInfo.xcprivacy")]
    assert len(privacy) == 2, "the app and the package"
    nothing = {"NSPrivacyTrackingDomains": [], "NSPrivacyCollectedDataTypes": [], "NSPrivacyAccessedAPITypes": []}
    assert all(one == nothing | {"NSPrivacyTracking": False} for one in privacy)
    for name, content in files.items():
        if "Assets.xcassets" in name and name.endswith(".json"):
            json.loads(content)


def test_what_it_says_is_in_its_catalogs(hostile: Path, tmp_path: Path) -> None:
    manifest, bundled = archive.read(hostile)
    strings = tables([translated(tmp_path, done="Fertig", camera_purpose="Die Kamera")])
    files = app_files(TARGET, App(manifest, "litert", "model_int8.tflite", "org.example.flowers", strings), bundled)
    catalog = json.loads(files["Classifier/Localizable.xcstrings"])
    assert (catalog["sourceLanguage"], catalog["version"]) == ("en", "1.0")
    said = {
        language: {name: one["localizations"][language]["stringUnit"]["value"] for name, one in catalog["strings"].items()}
        for language in ("en", "de")
    }
    assert said == {language: dict(table) for language, table in strings.items()}
    code = b"".join(content for path, content in files.items() if path.startswith("Classifier/") and path.endswith(".swift")).decode()
    used = set(re.findall(r'"([a-z]+_[a-z_]+|[a-z]+)"', "".join(re.findall(r"say\(([^)]*)", code))))
    assert len(used) > 20
    assert used <= {*strings["en"], *re.findall(r"{(\w+)}", "".join(strings["en"].values()))}
    asked = json.loads(files["Classifier/InfoPlist.xcstrings"])["strings"]["NSCameraUsageDescription"]["localizations"]
    assert asked["de"]["stringUnit"]["value"] == "Die Kamera"
    assert asked["en"]["stringUnit"]["value"] == plistlib.loads(files["Info.plist"])["NSCameraUsageDescription"]
    project = openstep_plist.loads(files["Classifier.xcodeproj/project.pbxproj"].decode())
    assert [one["knownRegions"] for one in project["objects"].values() if "knownRegions" in one] == [["en", "de", "Base"]]


def test_the_icon_is_what_the_store_takes(hostile: Path) -> None:
    files = made(hostile, "litert")
    folder = "Classifier/Assets.xcassets/AppIcon.appiconset"
    [named] = json.loads(files[f"{folder}/Contents.json"])["images"]
    with Image.open(BytesIO(files[f"{folder}/{named['filename']}"])) as icon:
        assert (icon.size, icon.mode, icon.format) == ((1024, 1024), "RGB", "PNG"), "no transparency"


def test_the_project_is_whole(hostile: Path, tmp_path: Path) -> None:
    root = placed(made(hostile, "onnxruntime"), tmp_path)
    project = openstep_plist.loads((root / "Classifier.xcodeproj/project.pbxproj").read_text(encoding="utf-8"))
    objects = project["objects"]
    assert project["objectVersion"] == "77"
    assert objects[project["rootObject"]]["isa"] == "PBXProject"
    named = set(re.findall(r"\b[0-9A-F]{24}\b", json.dumps(project)))
    assert named == set(objects), "every reference leads somewhere, and nothing is left over"
    kinds = {one["isa"]: one for one in objects.values()}
    assert (root / kinds["PBXFileSystemSynchronizedRootGroup"]["path"] / "ClassifierApp.swift").is_file()
    assert (root / kinds["XCLocalSwiftPackageReference"]["relativePath"] / "Package.swift").is_file()
    assert kinds["PBXNativeTarget"]["packageProductDependencies"] == [kinds["PBXBuildFile"]["productRef"]]
    settings = [one["buildSettings"] for one in objects.values() if "INFOPLIST_FILE" in one.get("buildSettings", {})]
    assert [one["PRODUCT_BUNDLE_IDENTIFIER"] for one in settings] == ["org.example.my-flowers"] * 2, "Apple has no underscores"
    assert (root / settings[0]["INFOPLIST_FILE"]).is_file()
    scheme = ElementTree.parse(root / "Classifier.xcodeproj/xcshareddata/xcschemes/Classifier.xcscheme")
    references = [(one.get("ReferencedContainer"), one.get("BlueprintIdentifier")) for one in scheme.iter("BuildableReference")]
    [target] = [name for name, one in objects.items() if one["isa"] == "PBXNativeTarget"]
    assert set(references) == {("container:Classifier.xcodeproj", target), (f"container:{PACKAGE}", f"{PACKAGE}Tests")}


def test_an_existing_app_gets_the_package_and_nothing_else(cli: Cli, hostile: Path, tmp_path: Path) -> None:
    app = tmp_path / "my app"
    command = ("ship", hostile, "--target", "ios", "--into", app, "--json")
    app.mkdir()
    assert "there is no iOS app" in cli(*command).err
    assert not list(app.iterdir())
    (app / "Mine.xcodeproj").mkdir()
    (app / "Mine.xcodeproj" / "project.pbxproj").write_text("mine", encoding="utf-8")
    done = cli(*command)
    assert done.code == 0, done.err
    assert {path.split("/")[0] for path in done.document["written"]} == {PACKAGE}
    assert sorted(path.name for path in app.iterdir()) == [".edgetl-ship.json", PACKAGE, "Mine.xcodeproj"]
    assert "Add Local" in done.document["next"]
    (app / PACKAGE / "Package.swift").write_text("// mine", encoding="utf-8")
    again = cli(*command, "--runtime", "onnxruntime")
    assert again.document["kept"] == [f"{PACKAGE}/Package.swift"]
    assert f"{DATA}/model_int8.tflite" in again.document["removed"]
    assert f"{PACKAGE}/Sources/{PACKAGE}/LiteRTModel.swift" in again.document["removed"]


@pytest.mark.skipif(not shutil.which("shasum"), reason="there is no shasum (Debian's package perl)")
def test_the_runtime_is_unpacked_when_it_is_the_pinned_one_only(tmp_path: Path) -> None:
    package, programs, archived = tmp_path / "it's a package", tmp_path / "bin", tmp_path / "a.tar.gz"
    names = [f"TensorFlowLiteC{delegate}.xcframework" for delegate in ("", "CoreML", "Metal")]
    frameworks = [tmp_path / "TensorFlowLiteC-2/Frameworks" / name for name in names]
    for folder in (package, programs, *frameworks):
        folder.mkdir(parents=True)
    for framework in frameworks:
        (framework / "Info.plist").write_text("whole", encoding="utf-8")
    with tarfile.open(archived, "w:gz") as packed:
        packed.add(tmp_path / "TensorFlowLiteC-2", "TensorFlowLiteC-2")
    # Writes the archive to where it is told to: the word after --output.
    curl = f'#!/bin/sh\nwhile [ "$1" != --output ]; do shift; done\ncp {archived} "$2"\n'
    (programs / "curl").write_text(curl, encoding="utf-8")
    (programs / "curl").chmod(0o755)
    script = template("ios")["runtimes/litert/get-runtime.sh"].decode()

    manifests = {name: template("ios")[f"runtimes/litert/{name}"] for name in ("Package.swift", "Package.with-runtime.swift")}
    placed(manifests, package)

    def run(text: str) -> subprocess.CompletedProcess[str]:
        (package / "get-runtime.sh").write_text(text, encoding="utf-8")
        env = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}
        command = ["sh", str(package / "get-runtime.sh")]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)

    assert "not the archive that was pinned" in run(script).stderr
    assert not list((package / "Frameworks").iterdir())
    pinned = re.sub(r"sha256=\w+", f"sha256={hashlib.sha256(archived.read_bytes()).hexdigest()}", script)
    done = run(pinned)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (package / "Frameworks").iterdir()) == names
    assert {(package / "Frameworks" / name / "Info.plist").read_text(encoding="utf-8") for name in names} == {"whole"}
    assert "already" in run(pinned).stdout
    assert (package / "Package@swift-5.10.swift").read_bytes() == manifests["Package.with-runtime.swift"], "which Swift takes from now on"


@pytest.fixture(scope="module")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swift]:
    root = unpacked()
    work = root / "src" / tmp_path_factory.mktemp("swift").name
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    yield Swift(root, work)
    shutil.rmtree(work)


@pytest.fixture(scope="module")
def modules(swift: Swift) -> Path:
    return swift.stub_modules()


@pytest.mark.slow
@pytest.mark.parametrize("version", [5, 6])
@pytest.mark.parametrize("runtime", MODELS)
def test_the_app_type_checks(swift: Swift, modules: Path, hostile: Path, runtime: str, version: int) -> None:
    """Against stubs written by hand: a wrong type or a forgotten `try` is an error, a name that Apple has not need not be."""
    app = placed(made(hostile, runtime), swift.work / f"{runtime}{version}")
    assert not swift.package(app, modules, version)
    views = sorted((app / "Classifier").glob("*.swift"))
    flags = ("-swift-version", version, "-parse-as-library", "-typecheck", "-module-name", "Classifier", *swift.imports(app, modules))
    assert not swift.compile(*flags, *views)
    (app / "Classifier" / "Wrong.swift").write_text("import SwiftUI\nlet wrong: Text = Text(1)\n", encoding="utf-8")
    with pytest.raises(AssertionError, match=r"Wrong.swift:2"):
        swift.compile(*flags, *views, app / "Classifier" / "Wrong.swift")
    described = swift.manifest(app / PACKAGE)
    assert [one["name"] for one in described["products"]] == [PACKAGE]  # type: ignore[attr-defined]


@pytest.mark.slow
def test_the_package_resolves_before_the_runtime_is_there(swift: Swift, hostile: Path) -> None:
    package = placed(made(hostile, "litert"), swift.work / "without") / PACKAGE
    assert "binary" not in swift.described(package)
    source = package / "Sources" / PACKAGE / "LiteRTModel.swift"
    with pytest.raises(AssertionError, match=r"sh get-runtime\.sh"):
        swift.compile("-typecheck", "-D", "EDGETL_WITHOUT_RUNTIME", source)
    shutil.copy(package / "Package.with-runtime.swift", package / "Package@swift-5.10.swift")
    with pytest.raises(AssertionError, match="TensorFlowLiteC"):
        swift.described(package)


def changed_byte(data: Path) -> None:
    content = bytearray((data / "golden/resized.bin").read_bytes())
    content[9] ^= 1
    (data / "golden/resized.bin").write_bytes(content)


def other_order(data: Path) -> None:
    manifest = json.loads((data / "manifest.json").read_text(encoding="utf-8"))
    output = manifest["contract"]["output"]
    output["class_names"] = names = output["class_names"][::-1]
    (data / "labels.txt").write_bytes("".join(f"{name}\n" for name in names).encode())
    _hashed(data, manifest)


def other_thresholds(data: Path) -> None:
    manifest = json.loads((data / "manifest.json").read_text(encoding="utf-8"))
    manifest["contract"]["output"]["thresholds"] = None
    _hashed(data, manifest)


def other_pixels(data: Path) -> None:
    pixels = np.fromfile(data / "golden/pixels.bin", np.uint8)
    (data / "golden/pixels.bin").write_bytes((255 - pixels).tobytes())
    _hashed(data, json.loads((data / "manifest.json").read_text(encoding="utf-8")))


def other_resize(data: Path) -> None:
    resized = np.fromfile(data / "golden/resized.bin", np.uint8)
    (data / "golden/resized.bin").write_bytes(np.where(resized > 127, resized - 2, resized + 2).astype(np.uint8).tobytes())
    _hashed(data, json.loads((data / "manifest.json").read_text(encoding="utf-8")))


def _hashed(data: Path, manifest: dict[str, dict[str, object]]) -> None:
    for name in ("labels.txt", "golden/pixels.bin", "golden/resized.bin"):
        content = (data / name).read_bytes()
        manifest["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
    text, choice = json.dumps(manifest).encode(), json.loads((data / "app.json").read_text(encoding="utf-8"))
    (data / "manifest.json").write_bytes(text)
    (data / "app.json").write_text(json.dumps(choice | {"manifest_sha256": hashlib.sha256(text).hexdigest()}), encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["litert", "onnxruntime"])
def test_the_packages_own_tests_pass_and_find_what_is_wrong(
    swift: Swift, modules: Path, hostile: Path, of_several_classes: Path, runtime: str
) -> None:
    """With a stub of the runtime that knows the golden predictions by heart: all of the app's own code runs, the kernels do not."""
    app = placed(made(hostile, runtime), swift.work / runtime)
    swift.package(app, modules, 5)
    stub = "replay" if runtime == "litert" else "OnnxRuntimeBindings"
    objects = [modules / f"{name}.o" for name in ("CoreGraphics", "ImageIO", "CoreVideo", "CryptoKit", stub)]
    sources = (*sorted((app / TESTS).glob("*.swift")), *sorted((swift.work / "stubs" / "xctest").glob("*.swift")))
    flags = ("-swift-version", 5, "-wmo", "-module-name", "Run", *swift.imports(app, modules), "-o", app / "run")
    swift.compile(*flags, *sources, app / f"{PACKAGE}.o", *objects)
    several = placed(made(of_several_classes, runtime), swift.work / f"{runtime}_several")
    for one in (app, several):
        (one / "replay.bin").write_bytes(replay(one / DATA, one / DATA / "golden", one / TESTS / "images" / "golden_test"))

    shutil.copy(TABLE, app)

    def run(resources: Path, known: Path = app, images: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
        tests = images or known / TESTS
        paths = {"REPLAY": known / "replay.bin", "RESOURCES": resources, "TEST_RESOURCES": tests, "TABLE": app / TABLE.name}
        return swift.run(app / "run", env={name: swift.path(path) for name, path in paths.items()} | more)

    for one in (app, several):
        done = run((one / DATA).parent, one)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Executed 9 tests, with 0 failures" in done.stdout
        assert "skipped" not in done.stdout
        rows = [re.sub(r"[\d.]+ ms", "MS ms", row) for row in done.stdout.splitlines()]
        assert set(ROWS[runtime]) <= set(rows)
    (app / "home").mkdir()
    refused = run((app / DATA).parent, WRONG="3", HOME=swift.path(app / "home"))  # where nothing is remembered
    assert refused.returncode == 0, "the CPU runs in the place of a broken accelerator"
    assert f"{BROKEN[runtime]}: refused, 3 of 12 differ" in refused.stdout.splitlines()
    real = app / "tests" / "images"
    real.mkdir(parents=True)
    assert "with 1 test skipped" in run((app / DATA).parent, images=real.parent).stdout, "a bundle has no real images"
    shutil.copytree(app / TESTS / "images" / "golden_test", real / "golden_test")
    pixels = real / "golden_test" / "pixels.bin"
    pixels.write_bytes(bytes(255 - value for value in pixels.read_bytes()))
    done = run((app / DATA).parent, images=real.parent)
    assert done.returncode != 0
    assert "golden_test/pixels.bin was changed" in done.stdout + done.stderr
    wrong = {
        changed_byte: "resized.bin was changed",
        other_order: "another order",
        other_thresholds: "decided otherwise",
        other_pixels: "steps of",
        other_resize: "levels off",
    }
    for number, (change, says) in enumerate(wrong.items()):
        shutil.copytree(app / DATA, app / str(number) / "model")
        change(app / str(number) / "model")
        done = run(app / str(number))
        assert done.returncode != 0, change.__name__
        assert says in done.stdout + done.stderr


@pytest.mark.slow
def test_the_resize_is_pillows_to_the_bit(swift: Swift, hostile: Path) -> None:
    rng = np.random.default_rng(5)
    cases = [*RESIZED, (1280, 720, Frame(128, 128)), (4032, 3024, Frame(224, 224)), (3, 2, Frame(7, 7))]
    contracts = [Contract.square(1, 1.0, 0, ("a", "b")).taking(frame) for _, _, frame in cases]
    app = placed(made(hostile, "litert"), swift.work / "resize")
    sources = [app / PACKAGE / "Sources" / PACKAGE / name for name in ("Contract.swift", "Pixels.swift", "Resampler.swift")]
    shutil.copy(Path(__file__).parent / "ios_stubs" / "resize" / "main.swift", app)
    swift.compile("-O", "-o", app / "run", *sources, app / "main.swift")
    words: list[object] = []
    for number, ((width, height, _), contract) in enumerate(zip(cases, contracts, strict=True)):
        rng.integers(0, 256, (height, width, 3), np.uint8).tofile(app / f"{number}.in")
        words += [app / f"{number}.in", width, height, json.dumps(contract.to_json()), app / f"{number}.out"]
    done = swift.run(app / "run", *words)
    assert done.returncode == 0, done.stderr
    for number, ((width, height, frame), contract) in enumerate(zip(cases, contracts, strict=True)):
        image = Image.fromarray(np.fromfile(app / f"{number}.in", np.uint8).reshape(height, width, 3))
        assert crop_and_resize(image, contract).tobytes() == (app / f"{number}.out").read_bytes(), (width, height, frame)


@pytest.mark.slow
def test_a_run_goes_into_an_app_as_core_ml(cli: Cli, run_copy: Path, tmp_path: Path) -> None:
    """From a run, in which Core ML stays unverified here, to the package's folder with the file as it was exported."""
    pytest.importorskip("coremltools")
    assert cli("export", run_copy, "--float16", "--formats", "tflite,coreml").code == 0
    assert cli("validate", run_copy).code == 0
    outcome = cli("ship", run_copy, "--target", "ios", "--runtime", "coreml", "--out", tmp_path / "app", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.document["model"] == "model_float16.mlpackage.zip"
    exported = (run_copy / "export" / "model_float16.mlpackage.zip").read_bytes()
    assert (tmp_path / "app" / DATA / "model_float16.mlpackage.zip").read_bytes() == exported
    assert (tmp_path / "app" / PACKAGE / "Sources" / PACKAGE / "StoredZip.swift").is_file()
