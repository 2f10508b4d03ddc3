"""What checks an Android app here: Kotlin's compiler from npm, the API of Android 6 and the packaging tools from Debian."""

import base64
import hashlib
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
STUBS = Path(__file__).parent / "android_stubs"
KEPT = ROOT / "build/android"  # fetched once: 90 MB
UNPACK = ROOT.parent / "shared/tools/debs"  # fills a folder with packages of another suite
INSTALLED_API = Path("/usr/lib/android-sdk/platforms/android-23/android.jar")
JSON = Path("/usr/share/java/json-android.jar")  # Android's own org.json, as android.jar has no bodies
COMPILER = ("kotlin-compiler", "2.2.10")  # the release that the Android Gradle plugin of the template brings
COMPILER_SHA512 = "UoCcIPX44/hW2XDaXulcbV2wmymvVRf4REqVEp4T0vlfLGKa3eUvYXG93yg7g7dbHcOyHkZRhL0BJ5mjFkU1uw=="
TIMEOUT_S = 600


def run(*command: object, stdin: bytes | None = None, cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([str(part) for part in command], input=stdin, capture_output=True, cwd=cwd, timeout=TIMEOUT_S, check=False)


def done(*command: object, cwd: Path | None = None) -> str:
    """The standard output of a command that must not fail."""
    ended = run(*command, cwd=cwd)
    assert ended.returncode == 0, (ended.stdout + ended.stderr).decode(errors="replace")
    return ended.stdout.decode()


def need(**programs: str) -> None:
    """Skip where a program is missing; its Debian package is given."""
    for program, package in programs.items():
        if not shutil.which(program):
            pytest.skip(f"there is no {program} (apt-get install {package})")


@dataclass(frozen=True)
class Kotlin:
    """The compiler's folder, and the jar with Android's API."""

    libraries: Path
    api: Path

    def compile(self, sources: Iterable[object], out: Path, *more: object) -> tuple[int, str]:
        """The exit code and the messages; warnings are errors."""
        compiler = ("java", "-XX:TieredStopAtLevel=1", "-jar", self.libraries / "kotlin-compiler.jar")
        options = ("-no-stdlib", "-no-reflect", "-jvm-target", "17", "-Werror", "-d", out)
        ended = run(*compiler, *options, "-cp", f"{self.libraries / 'kotlin-stdlib.jar'}:{self.api}", *more, *sources)
        return ended.returncode, (ended.stdout + ended.stderr).decode(errors="replace")

    def main(self, jar: Path, *arguments: object, stdin: bytes | None = None) -> tuple[int, bytes]:
        """Runs the driver on this machine: the exit code (7 where the self-test fails) and the standard output."""
        if not JSON.is_file():
            pytest.skip("there is no Android JSON for the desktop (apt-get install libandroid-json-org-java)")
        classes = f"{jar}:{self.libraries / 'kotlin-stdlib.jar'}:{JSON}"
        ended = run("java", "-cp", classes, "com.example.classifier.edgetl.DriverKt", *arguments, stdin=stdin)
        assert not ended.stderr, ended.stderr.decode(errors="replace")
        return ended.returncode, ended.stdout


def kotlin() -> Kotlin:
    """Skips where it cannot be had."""
    need(java="openjdk-17-jre-headless", npm="npm")
    return Kotlin(_compiler(), api())


def api() -> Path:
    """Android's classes without bodies, and its resources."""
    if INSTALLED_API.is_file():
        return INSTALLED_API
    jar = KEPT / "usr/share/java/com.android.android-23.jar"
    if not jar.is_file():
        if not UNPACK.is_file():
            pytest.skip("there is no Android API (apt-get install libandroid-23-java, of bullseye or sid)")
        ended = run(UNPACK, "sid", "amd64", KEPT, "libandroid-23-java")
        if ended.returncode or not jar.is_file():
            pytest.skip(f"libandroid-23-java cannot be fetched: {ended.stderr.decode(errors='replace')[-300:]}")
    return jar


def _compiler() -> Path:
    name, version = COMPILER
    folder = KEPT / f"{name}-{version}"
    if not folder.is_dir():
        KEPT.mkdir(parents=True, exist_ok=True)
        ended = run("npm", "pack", "--silent", f"{name}@{version}", cwd=KEPT)
        if ended.returncode:
            pytest.skip(f"npm cannot fetch {name}: {ended.stderr.decode(errors='replace')[-300:]}")
        packed = KEPT / f"{name}-{version}.tgz"
        assert base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode() == COMPILER_SHA512
        partial = folder.with_name(f"{folder.name}.partial")
        with tarfile.open(packed) as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)  # Python 3.11.4 brought it
            archive.extractall(partial)
        partial.rename(folder)
        packed.unlink()
    return folder / "package/lib"


def linked(app: Path, work: Path, package: str, *more: object) -> Path:
    """An APK of an app's manifest, resources and assets, without code; the constants of its resources are in WORK/gen."""
    need(aapt2="aapt")
    (work / "stubs/values").mkdir(parents=True)
    shutil.copy(STUBS / "res/values.xml", work / "stubs/values")
    for name, folder in (("app", app / "app/src/main/res"), ("stubs", work / "stubs")):
        done("aapt2", "compile", "--dir", folder, "-o", work / f"{name}.zip")
    manifest = (app / "app/src/main/AndroidManifest.xml").read_text(encoding="utf-8")
    merged = re.sub(r'<uses-permission [^>]*tools:node="remove" />', "", manifest)  # what Gradle's merger does
    merged = re.sub("<uses-native-library [^>]*/>", "", merged)  # of Android 12: Debian's aapt2 is older
    (work / "AndroidManifest.xml").write_text(merged.replace("<manifest ", f'<manifest package="{package}" ', 1), encoding="utf-8")
    sources = ("--manifest", work / "AndroidManifest.xml", "-A", app / "app/src/main/assets", work / "app.zip", work / "stubs.zip")
    options = ("--auto-add-overlay", "--min-sdk-version", "26", "--target-sdk-version", "37", "--java", work / "gen")
    done("aapt2", "link", "-o", work / "linked.apk", "-I", api(), *options, *more, *sources)
    return work / "linked.apk"
