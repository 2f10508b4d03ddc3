"""The Android app: all of its Kotlin type-checks, what needs no Android runs, and the rest goes into a signed APK."""

import hashlib
import json
import re
import tomllib
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgetl.contract import Contract, Frame
from edgetl.data.decode import crop_and_resize
from edgetl.pipeline.ship.app import app_files
from edgetl.ship import archive
from edgetl.ship.strings import tables
from edgetl.ship.targets import android
from edgetl.ship.targets.base import App, template
from tests.conftest import CliResult
from tests.ship.repack import HOSTILE, RESIZED, with_other_thresholds
from tests.ship.targets.android_built import PACKAGES, Built, data, fresh, write
from tests.ship.targets.android_tools import api, done, need
from tests.ship.test_strings import translated

Cli = Callable[..., CliResult]


def test_all_kotlin_type_checks_and_only_the_chosen_runtime_is_there(built: Built) -> None:
    with zipfile.ZipFile(built.jar) as jar:
        classes = set(jar.namelist())
    for runtime, other in (("litert", "onnxruntime"), ("onnxruntime", "litert")):
        folder = PACKAGES[runtime].replace(".", "/")
        assert f"{folder}/MainActivity.class" in classes
        assert f"{folder}/edgetl/{android._MODELS[runtime]}.class" in classes
        assert f"{folder}/edgetl/{android._MODELS[other]}.class" not in classes
        assert f"{folder}/edgetl/GoldenTest.class" in classes


def test_the_check_finds_a_misspelled_method_and_gradle_files_parse(built: Built, tmp_path: Path) -> None:
    classifier = next(built.apps["litert"].rglob("EdgetlClassifier.kt")).read_text(encoding="utf-8")
    (tmp_path / "Wrong.kt").write_text(classifier.replace(".getPixels(", ".getPixles("), encoding="utf-8")
    for number, path in enumerate(built.apps["litert"].rglob("*.kts")):
        (tmp_path / f"script{number}.kt").write_text(f"fun script{number}() {{\n{path.read_text(encoding='utf-8')}\n}}", encoding="utf-8")
    friend = ("-cp", f"{built.jar}:{built.compiler.libraries / 'kotlin-stdlib.jar'}:{built.compiler.api}", f"-Xfriend-paths={built.jar}")
    sources = sorted(tmp_path.glob("*.kt"))
    code, said = built.compiler.compile(sources, tmp_path / "out", *friend)
    assert code != 0
    assert len(sources) == 4
    assert re.search(r"Wrong\.kt.*unresolved reference 'getPixles'", said), said
    assert set(re.findall(r"Wrong\.kt:\d+:\d+: error: [^'\n]*'(\w+)'", said)) <= {"getPixles"}, said
    assert "syntax error" not in said.lower(), said
    assert re.search(r"script\d\.kt.*unresolved reference", said), "Gradle's own names are unknown here"
    sources[-1].write_text(sources[-1].read_text(encoding="utf-8").rstrip("}"), encoding="utf-8")
    assert "syntax error" in built.compiler.compile(sources[-1:], tmp_path / "out")[1].lower()


def test_the_self_test_passes_on_the_golden_predictions(built: Built, tmp_path: Path) -> None:
    folder = data(tmp_path, built.apps["litert"])
    for steps in (0, 3):
        code, said = built.compiler.main(built.jar, folder, "self-test", steps)
        assert code == 0, said
        found = re.search(r"images=12, maxSteps=([^,]+),", said.decode())
        assert found
        assert float(found[1]) == pytest.approx(steps, abs=1e-3)
        assert b"resizeMaxLevels=0)" in said, "Pillow's bytes, each of them"
        otherwise = re.search(rb"otherDecisions=(\d+),", said)
        assert otherwise
        assert (int(otherwise[1]) == 0) is (steps == 0), "three steps more than half a step below a threshold is above it"


def test_a_debug_build_replays_the_real_images_too(built: Built, tmp_path: Path) -> None:
    app = built.apps["litert"]
    folder = data(tmp_path, app)
    debug = app / "app" / android._DEBUG
    write(folder, {path.relative_to(debug).as_posix(): path.read_bytes() for path in debug.rglob("*") if path.is_file()})
    code, said = built.compiler.main(built.jar, folder, "self-test", 0)
    assert (code, b"images=24," in said) == (0, True), said
    pixels = folder / "golden_test/pixels.bin"
    pixels.write_bytes(pixels.read_bytes()[::-1])
    code, said = built.compiler.main(built.jar, folder, "self-test", 0)
    assert (code, said.decode().strip()) == (7, "golden_test/pixels.bin was changed")


def test_a_release_holds_nobodys_images(built: Built, hostile: Path) -> None:
    """Of a row of pixels through the middle of each: neither the files that a release is built of hold it, nor a built one."""
    files = archive.read(hostile).files
    images = np.frombuffer(files["golden_test/pixels.bin"], np.uint8).reshape(12, 32, -1)
    rows = [image[16].tobytes() for image in images if image[16].std() > 10]
    assert len(rows) > 6, "rows of digits, not of one colour"
    app = built.apps["litert"]
    with zipfile.ZipFile(built.apks["litert"]) as apk:
        content = {name: apk.read(name) for name in apk.namelist()}
    assert files["golden/pixels.bin"] in content.values(), "it proves itself all the same"
    content |= {str(path): path.read_bytes() for path in app.rglob("*") if path.is_file() and "src/debug/" not in path.as_posix()}
    assert not [name for name, held in content.items() if any(row in held for row in rows)]
    assert (app / "app" / android._DEBUG / "golden_test/pixels.bin").read_bytes() == files["golden_test/pixels.bin"]


def test_several_classes_are_decided_as_edgetl_does(built: Built, of_several_classes: Path, tmp_path: Path) -> None:
    folder = data(tmp_path / "data", write(tmp_path / "app", fresh(of_several_classes, "litert", PACKAGES["litert"])))
    code, said = built.compiler.main(built.jar, folder, "self-test", 0)
    assert code == 0, said
    assert b"otherDecisions=0," in said
    code, said = built.compiler.main(built.jar, folder, "self-test", 3)
    assert code == 0, said
    assert b"otherDecisions=0," not in said, "three steps more than half a step below a threshold is above it"


def test_the_self_test_fails_on_anything_else(built: Built, tmp_path: Path) -> None:
    def swapped(files: dict[str, bytes]) -> None:
        manifest = json.loads(files["manifest.json"])
        output = manifest["contract"]["output"]
        names = output["class_names"] = output["class_names"][::-1]
        files["manifest.json"] = json.dumps(manifest).encode()
        files["labels.txt"] = "".join(f"{name}\n" for name in names).encode()

    def other_filter(files: dict[str, bytes]) -> None:
        files["golden/resized.bin"] = bytes(255 - value for value in files["golden/resized.bin"])

    def other_names(files: dict[str, bytes]) -> None:
        files["labels.txt"] = files["labels.txt"][::-1]

    for number, (change, says) in enumerate(
        (
            (swapped, "another order"),
            (with_other_thresholds, "decided otherwise"),
            (other_filter, "other pixels"),
            (other_names, "other class names"),
        )
    ):
        folder = data(tmp_path / str(number), built.apps["litert"])
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        change(files)
        manifest, choice = json.loads(files["manifest.json"]), json.loads(files["app.json"])
        for name in manifest["files"].keys() & files.keys():
            manifest["files"][name]["sha256"] = hashlib.sha256(files[name]).hexdigest()
        files["manifest.json"] = json.dumps(manifest).encode()
        choice["manifest_sha256"] = hashlib.sha256(files["manifest.json"]).hexdigest()
        code, said = built.compiler.main(built.jar, write(folder, files | {"app.json": json.dumps(choice).encode()}), "self-test", 0)
        assert (code, says in said.decode()) == (7, True), said
    code, said = built.compiler.main(built.jar, data(tmp_path / "far", built.apps["litert"]), "self-test", 30)
    assert (code, said.decode().strip()) == (7, "the predictions are up to 30 steps of 1/256 off, 30.0 on average")
    for name in ("model_int8.tflite", "golden/pixels.bin", "manifest.json"):
        folder = data(tmp_path / "changed" / name, built.apps["litert"])
        content = (folder / name).read_bytes()
        other = content.replace(b"center_square", b"other_square!") if name == "manifest.json" else content[:-1] + bytes([content[-1] ^ 1])
        (folder / name).write_bytes(other)
        code, said = built.compiler.main(built.jar, folder, "self-test", 0)
        assert (code, said.decode().strip()) == (7, f"{name} was changed")


@pytest.mark.parametrize(("width", "height", "frame"), RESIZED)
def test_resizing_is_pillows_to_the_byte(built: Built, width: int, height: int, frame: Frame) -> None:
    rgba = np.random.default_rng(width).integers(0, 256, (height, width, 4), np.uint8)
    contract = Contract.square(1, 1.0, 0, ("a", "b")).taking(frame)
    asked = contract.input.model_dump_json()
    code, found = built.compiler.main(built.jar, "-", "resize", width, height, asked, stdin=np.roll(rgba, 1, axis=2).tobytes())
    image = Image.fromarray(rgba)
    upright = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    assert code == 0
    np.testing.assert_array_equal(np.frombuffer(found, np.uint8).reshape(contract.shape), crop_and_resize(upright, contract))


@pytest.mark.parametrize("runtime", PACKAGES)
def test_it_goes_into_a_signed_apk_with_the_model_stored(built: Built, tmp_path: Path, runtime: str) -> None:
    need(zipalign="zipalign", apksigner="apksigner", keytool="openjdk-17-jre-headless")
    signed = tmp_path / "signed.apk"
    done("zipalign", "-p", "4", built.apks[runtime], signed)
    who = ("-alias", "test", "-dname", "CN=test", "-keyalg", "RSA", "-validity", "2")
    done("keytool", "-genkeypair", "-keystore", tmp_path / "keys", "-storepass", "secret", *who)
    done("apksigner", "sign", "--ks", tmp_path / "keys", "--ks-pass", "pass:secret", signed)
    done("apksigner", "verify", signed)
    done("zipalign", "-c", "-p", "4", signed)
    with zipfile.ZipFile(signed) as apk:
        entry = next(entry for entry in apk.infolist() if re.search(r"\.(tflite|onnx)$", entry.filename))
        assert entry.compress_type == zipfile.ZIP_STORED
        assets = built.apps[runtime] / "app/src/main/assets"
        for path in (path for path in assets.rglob("*") if path.is_file()):
            assert apk.read(f"assets/{path.relative_to(assets).as_posix()}") == path.read_bytes()
    badging = done("aapt2", "dump", "badging", signed)
    assert re.findall(r"uses-permission: name='([^']+)'", badging) == ["android.permission.CAMERA"], "no network"
    assert f"package: name='{PACKAGES[runtime]}'" in badging
    assert "uses-implied-feature: name='android.hardware.camera" not in badging, "a phone without a camera has a gallery"
    title = re.findall(r'string/app_name\n\s+\(\) "(.*)"', done("aapt2", "dump", "resources", signed))
    assert title == [HOSTILE[0]], "the title as it was written"


def test_smoothing_averages_the_last_frames(built: Built, tmp_path: Path) -> None:
    frames = np.random.default_rng(5).dirichlet(np.ones(3), 11).astype(np.float32)
    (tmp_path / "frames.json").write_text(json.dumps(frames.astype(float).tolist()), encoding="utf-8")
    code, said = built.compiler.main(built.jar, tmp_path / "frames.json", "smooth")
    assert code == 0
    found = np.array([line.split() for line in said.decode().splitlines()], np.float32)
    np.testing.assert_array_equal(found[0], frames[0], "the first frame is alone")
    np.testing.assert_allclose(found, [frames[max(0, at - 7) : at + 1].mean(axis=0) for at in range(len(frames))], atol=1e-6)


@pytest.mark.parametrize(
    ("width", "height", "ratio", "where", "wide"),
    [
        (360, 800, 1, "above", 360),  # a phone: all of its width
        (600, 600, 1, "above", 330),  # a square window: room for the predictions below
        (360, 380, 1, "above", 209),  # half of a split screen
        (800, 360, 1, "beside", 360),  # a phone on its side
        (600, 590, 1, "beside", 330),  # nearly square
        (800, 360, 2.5, "beside", 440),  # a wide input: room for the predictions beside it
        ("-", 400, 0.5, "above", 110),
    ],
)
def test_the_image_leaves_room_for_the_predictions(built: Built, width: object, height: int, ratio: float, where: str, wide: int) -> None:
    code, said = built.compiler.main(built.jar, "-", "framed", width, height, ratio, where)
    assert (code, int(said)) == (0, wide)


def test_the_licences_are_those_of_what_is_inside(hostile: Path) -> None:
    for runtime, inside, outside in (("litert", "litert:2.", "MIT License"), ("onnxruntime", "onnxruntime-android:1.", "litert:2.")):
        said = fresh(hostile, runtime, "com.example.flowers")[android._LICENCES].decode()
        assert said.startswith(f"{HOSTILE[0]}, version ")
        assert inside in said
        assert outside not in said
        assert "androidx.camera:camera-view:1." in said
        assert "Apache License\n                           Version 2.0" in said
        assert "junit" not in said, "only what goes into the app"
        assert said.count("END OF TERMS AND CONDITIONS") == 1
    assert "Copyright (c) Microsoft Corporation" in said


def test_translations_are_resources_of_their_language(hostile: Path, tmp_path: Path) -> None:
    manifest, bundled = archive.read(hostile)
    strings = tables([translated(tmp_path, done="Fertig & gut", failed="Tom's {reason}")])
    app = App(manifest, "litert", "model_int8.tflite", "com.example.flowers", strings)
    files = app_files(android.TARGET, app, bundled)
    english, german = (ET.fromstring(files[f"app/src/main/res/values{language}/strings.xml"]) for language in ("", "-de"))
    assert {one.get("name") for one in english} == {*strings["en"], "app_name"}
    found = {one.get("name"): one.text for one in german}
    assert found.keys() == strings["de"].keys()
    assert (found["done"], found["failed"]) == ("Fertig & gut", "Tom\\'s {reason}")


TITLES = (*HOSTILE, "@string/x", "?attr/y", "\\n a  b\n c ", 'Tom\'s "Best" 100%', "%1$s %d", "\u0007bell\ufffe", "<b>&amp;</b>", " \n ")


def test_any_name_is_a_title(tmp_path: Path) -> None:
    need(aapt2="aapt")
    strings = "".join(f'<string name="s{at}" formatted="false">{android._string(title)}</string>' for at, title in enumerate(TITLES))
    write(tmp_path, {"res/values/strings.xml": f"<resources>{strings}</resources>".encode(), "m.xml": b'<manifest package="com.example"/>'})
    done("aapt2", "compile", "--dir", tmp_path / "res", "-o", tmp_path / "res.zip")
    done("aapt2", "link", "-o", tmp_path / "a.apk", "-I", api(), "--manifest", tmp_path / "m.xml", tmp_path / "res.zip")
    said = done("aapt2", "dump", "resources", tmp_path / "a.apk")
    found = dict(re.findall(r'string/s(\d+)\n\s+\(\) "(.*)"', said))
    wanted = [" ".join(re.sub("[\u0007\ufffe]", "", title).split()) or "Classifier" for title in TITLES]
    assert [found[str(at)] for at in range(len(TITLES))] == wanted


@pytest.mark.parametrize("runtime", PACKAGES)
def test_xml_and_the_version_catalog_are_whole(hostile: Path, runtime: str) -> None:
    files = fresh(hostile, runtime, "com.example.flowers")
    for path, content in files.items():
        if path.endswith(".xml"):
            ET.fromstring(content)
    catalog = tomllib.loads(files["gradle/libs.versions.toml"].decode())
    script = files["app/build.gradle.kts"].decode()
    used = {name.replace(".", "-") for name in re.findall(r"\(libs\.(?!plugins)([\w.]+)\)", script)}
    assert used <= catalog["libraries"].keys()
    assert catalog["libraries"].keys() - used == {"litert", "onnxruntime"} - {runtime}
    assert {library["version"]["ref"] for library in catalog["libraries"].values()} <= catalog["versions"].keys()
    assert 'namespace = "com.example.flowers"' in script
    permissions = ET.fromstring(files["app/src/main/AndroidManifest.xml"]).findall("uses-permission")
    node, name = ("{http://schemas.android.com/tools}node", "{http://schemas.android.com/apk/res/android}name")
    assert [one.get(name) for one in permissions if one.get(node) != "remove"] == ["android.permission.CAMERA"]
    assert not [path for path, content in files.items() if path.endswith((".kt", ".kts", ".xml")) and b"com.example.classifier" in content]
    icon = ET.fromstring(files["app/src/main/res/mipmap-anydpi/ic_launcher.xml"])
    assert [layer.tag for layer in icon] == ["background", "foreground", "monochrome"], "the last is drawn in the wallpaper's colours"
    code = b"".join(content for path, content in files.items() if path.endswith((".kt", ".xml")) and not path.endswith("strings.xml"))
    names = {(one or other).decode() for one, other in re.findall(rb"R\.string\.(\w+)|@string/(\w+)", code)}
    assert names <= {*tables()["en"], "app_name"}


def test_the_templates_files_are_short() -> None:
    assert max(content.count(b"\n") for content in template("android").values()) <= 300


KOTLIN = b'plugins {\n    alias(libs.plugins.androidApplication)\n}\nandroid {\n    namespace = "org.example.shop"\n}\n'
GROOVY = b"plugins {\n    id 'com.android.application'\n}\nandroid {\n    namespace 'org.edgetl.garden'\n}\n"
ROOT_SCRIPT = b"plugins {\n    alias(libs.plugins.androidApplication) apply false\n    // id 'com.android.application'\n}\n"


@pytest.mark.parametrize(
    ("files", "folder", "module", "package"),
    [
        ({"build.gradle.kts": ROOT_SCRIPT, "app/build.gradle.kts": KOTLIN}, "", "app/", "org.example.shop"),
        ({"build.gradle": b"// nothing", "apps/phone/build.gradle": GROOVY}, "", "apps/phone/", "org.edgetl.garden"),
        ({"one/build.gradle.kts": KOTLIN, "two/build.gradle": GROOVY}, "two", "two/", "org.edgetl.garden"),
    ],
)
def test_an_existing_app_gets_the_classifier_and_nothing_else(
    cli: Cli, hostile: Path, tmp_path: Path, files: dict[str, bytes], folder: str, module: str, package: str
) -> None:
    write(tmp_path, files)
    outcome = cli("ship", hostile, "--target", "android", "--into", tmp_path / folder, "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.document["package"] == package
    there = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()} - files.keys()
    of_kotlin = f"kotlin/{package.replace('.', '/')}/edgetl/"
    wanted = (
        f"{module}src/main/assets/edgetl/",
        f"{module}src/debug/assets/edgetl/golden_test/",
        f"{module}src/main/{of_kotlin}",
        f"{module}src/androidTest/{of_kotlin}",
    )
    assert not [path for path in there if not path.startswith(wanted) and not path.endswith(".edgetl-ship.json")]
    assert all(any(path.startswith(prefix) for path in there) for prefix in wanted)
    assert {name: (tmp_path / name).read_bytes() for name in files} == files
    for line in ('implementation("com.google.ai.edge.litert:litert:', 'noCompress += "tflite"', "connectedDebugAndroidTest"):
        assert line in outcome.document["next"]
    again = cli("ship", hostile, "--target", "android", "--into", tmp_path / folder, "--runtime", "onnxruntime", "--json")
    assert (again.code, again.document["kept"]) == (0, [])
    assert [path for path in again.document["removed"] if path.endswith("LiteRtModel.kt")]


@pytest.mark.parametrize("files", [{}, {"build.gradle": ROOT_SCRIPT}, {"one/build.gradle.kts": KOTLIN, "two/build.gradle": GROOVY}])
def test_a_folder_without_one_android_app_is_refused(cli: Cli, hostile: Path, tmp_path: Path, files: dict[str, bytes]) -> None:
    write(tmp_path, files)
    outcome = cli("ship", hostile, "--target", "android", "--into", tmp_path)
    assert outcome.code == 2
    assert f"holds {2 if 'two/build.gradle' in files else 0} Android apps" in outcome.err
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()} == files.keys()


@pytest.mark.parametrize("package", ["com.example.new", "com.example.fun", "com.my-example.app"])
def test_a_package_that_java_or_kotlin_cannot_have(cli: Cli, hostile: Path, tmp_path: Path, package: str) -> None:
    outcome = cli("ship", hostile, "--target", "android", "--package", package, "--out", tmp_path / "app")
    assert outcome.code == 2
    assert "is not an Android package" in outcome.err
