"""An Android app in Kotlin, or the classifier and its test in the app module of one."""

import re
import shlex
import tomllib
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from edgetl.documents import Part
from edgetl.errors import UsageError
from edgetl.export import main_format
from edgetl.ship.gradle import wrapper
from edgetl.ship.strings import ENGLISH
from edgetl.ship.targets.base import App, Target, filled, template

_PACKAGE = "com.example.classifier"  # the template's own
_MODELS = {"litert": "LiteRtModel", "onnxruntime": "OnnxModel"}  # the class and file of each runtime; the template uses the first
_KOTLIN = "org.jetbrains.kotlin:kotlin-stdlib"
_OWN_RUNTIME, _OWN_MODEL = next(iter(_MODELS.items()))
_DEBUG = "src/debug/assets/edgetl"  # in debug builds alone, beside those of every build
_CATALOG, _ASSETS, _LICENCES = "gradle/libs.versions.toml", "src/main/assets/edgetl", "app/src/main/assets/licences.txt"
_TEXT = {".kt", ".kts", ".xml"}
_IGNORED = b".gradle/\n.idea/\n.kotlin/\nbuild/\nlocal.properties\n"
# Of Java and Kotlin: none can be a part of a package's name.
_WORDS = (
    "abstract as assert boolean break byte case catch char class const continue default do double else enum extends false final finally "
    "float for fun goto if implements import in instanceof int interface is long native new null object package private protected public "
    "return short static strictfp super switch synchronized this throw throws transient true try typealias typeof val var void volatile "
    "when while"
)
# The line that applies the plugin, by its name or by its alias in a version catalog.
_PLUGIN = r"""(com\.android\.application["'\s)]|libs\.plugins\.[\w.]*android[\w.]*application)"""
_APPLIES = re.compile(rf"{_PLUGIN}(?!.*apply\W+false)", re.IGNORECASE)
_NAMESPACE = re.compile(r"""^\s*namespace\s*=?\s*["']([\w.]+)["']""", re.MULTILINE)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _Reference(Part):
    ref: str


class _Library(Part):
    module: str
    version: _Reference


class _Plugin(Part):
    id: str
    version: _Reference


class _Catalog(Part):
    """Gradle's version catalog, libs.versions.toml."""

    versions: dict[str, str]
    libraries: dict[str, _Library]
    plugins: dict[str, _Plugin]

    def named(self, library: str) -> str:
        """Return a library's name with its version, as Gradle wants it."""
        found = self.libraries[library]
        return f"{found.module}:{self.versions[found.version.ref]}"


def _files(app: App, into: Path | None) -> Mapping[str, bytes]:
    wrong = [part for part in app.package.split(".") if "-" in part or part in _WORDS.split()]
    if wrong:
        raise UsageError(f"'{app.package}' is not an Android package name: it must not contain '{wrong[0]}'", "name another with --package")
    model = _MODELS[app.runtime]
    tokens = {_PACKAGE: app.package, _OWN_MODEL: model, "libs.litert": f"libs.{app.runtime}"}
    unchosen = {*_MODELS.values()} - {model}
    files: dict[str, bytes] = {}
    for path, content in template("android").items():
        if Path(path).stem not in unchosen and (into is None or "/edgetl/" in path):
            place = path.replace(_PACKAGE.replace(".", "/"), app.package.replace(".", "/"))
            files[place] = filled(content, tokens) if Path(path).suffix in _TEXT else content
    if into is None:
        return {**files, **_resources(app), **wrapper().files, _LICENCES: _licences(app), ".gitignore": _IGNORED}
    module = _module(into).relative_to(into)
    return {(module / path.removeprefix("app/")).as_posix(): content for path, content in files.items()}


def _catalog() -> _Catalog:
    return _Catalog.model_validate(tomllib.loads(template("android")[_CATALOG].decode()))


def _resources(app: App) -> dict[str, bytes]:
    """Return the app's strings in each language; its name is the same in all."""
    files = {}
    for language, table in app.strings.items():
        title = f'    <string name="app_name" formatted="false" translatable="false">{_string(app.manifest.name)}</string>\n'
        rows = "".join(f'    <string name="{name}" formatted="false">{_string(text)}</string>\n' for name, text in table.items())
        content = f"{title if language == ENGLISH else ''}{rows}"
        folder = "values" if language == ENGLISH else f"values-{language}"
        files[f"app/src/main/res/{folder}/strings.xml"] = (
            f'<?xml version="1.0" encoding="utf-8"?>\n<resources>\n{content}</resources>\n'.encode()
        )
    return files


def _licences(app: App) -> bytes:
    """Return what the app says of the licences of the model and of the libraries in it, with their texts."""
    catalog = _catalog()
    libraries = [name for name in catalog.libraries if "junit" not in name and not name.startswith("test-") and name not in _MODELS]
    inside = {runtime: [catalog.named(runtime)] if runtime == app.runtime else [] for runtime in _MODELS}
    inside[_OWN_RUNTIME] += [*map(catalog.named, libraries), _KOTLIN]  # all else that our apps hold has the licence of the first runtime
    parts = [f"{app.manifest.name}, version {app.manifest.version}: {app.manifest.licence or 'its licence is not stated'}"]
    for runtime, names in inside.items():
        if names:
            _, _, text = template("web")[f"edgetl-classifier/{runtime}/LICENSE.txt"].decode().partition("\n\n")  # after what it is about
            parts += ["\n".join(["The licence of these, and of the libraries that they need, is below them:", *names]), text.strip("\n")]
    return "\n\n".join(parts).encode()


def _assets(into: Path | None, folder: str = _ASSETS) -> str:
    return ((_module(into).relative_to(into) if into else Path("app")) / folder).as_posix()


def _module(root: Path) -> Path:
    """Return the folder of the only app module of a project, which the project's own folder may be."""
    found = {
        path.parent
        for above in ("", "*/", "*/*/")
        for path in (*root.glob(f"{above}build.gradle"), *root.glob(f"{above}build.gradle.kts"))
        if any(_APPLIES.search(line.split("//")[0]) for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    }
    if len(found) != 1:
        which = ", ".join(sorted(path.name for path in found)) or "no build.gradle or build.gradle.kts applies com.android.application"
        raise UsageError(f"{root} holds {len(found)} Android apps: {which}", "name the folder of the app's module with --into")
    return found.pop()


def _package(root: Path) -> str:
    """Return the namespace of the app in a folder; empty where its build file does not say it."""
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in sorted(_module(root).glob("build.gradle*"))]
    return next((found[1] for text in texts if (found := _NAMESPACE.search(text))), "")


def _string(name: str) -> str:
    """Return the name as a string resource: those strip and join blanks, and know backslashes, quotes, and @ and ? at the start."""
    text = " ".join(_NOT_XML.sub("", name).split()) or "Classifier"
    text = re.sub(r"""([\\'"])""", r"\\\1", text)
    return escape(f"\\{text}" if text[0] in "@?" else text)


def _steps(app: App, root: Path, into: Path | None) -> str:
    if not into:
        studio = f"open {root} in Android Studio and run it"
        if (root / "gradlew").is_file():
            return f"next: {studio}, or with the Android SDK alone: cd {shlex.quote(str(root))}, then ./gradlew :app:installDebug"
        advice = f"to make it yourself, install Gradle and run: gradle -p {shlex.quote(str(root))} wrapper"
        return f"next: {studio}; gradlew could not be added ({wrapper().problem}): {advice}"
    catalog, lines = _catalog(), []
    for name in (app.runtime, "exifinterface", "test-junit", "test-runner"):
        kind = "androidTestImplementation" if name.startswith("test-") else "implementation"
        lines.append(f'{kind}("{catalog.named(name)}")')
    dependencies = f"dependencies {{ {'; '.join(lines)} }}"
    stored = f'android {{ androidResources {{ noCompress += "{main_format(app.runtime).suffix.lstrip(".")}" }} }}'
    test = f"./gradlew {':'.join(('', *_module(root).relative_to(root).parts, 'connectedDebugAndroidTest'))}"
    return f"next: in the module's build file, add {dependencies} and {stored}, then {test}"


TARGET = Target(("litert", "onnxruntime"), _files, _assets, _steps, lambda into: _assets(into, _DEBUG), _package)
