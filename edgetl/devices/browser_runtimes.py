"""The JavaScript runtimes: a few files of pinned npm packages, in a cache, or a node_modules folder of the user's own."""

import hashlib
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from edgetl.devices.process import Surroundings, call
from edgetl.errors import DeviceError

_FETCH_S = 600.0  # 33 MB over a slow line
_OWN_FOLDER = "; a device takes a node_modules folder of yours, too, that the devices file names (runtimes = ...)"


@dataclass(frozen=True)
class Package:
    """An npm package.

    Args:
        version, sha256: of the archive that was tried.
        files: of it that a page needs.
    """

    name: str
    version: str
    sha256: str
    files: tuple[str, ...]


_ORT = "dist/ort-wasm-simd-threaded"
_LITERT = "wasm/litert_wasm"
RUNTIMES = {
    "onnxruntime": (
        Package(
            "onnxruntime-web",
            "1.30.0",
            "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71",
            (
                "package.json",
                "dist/ort.wasm.min.mjs",
                f"{_ORT}.mjs",
                f"{_ORT}.wasm",
                "dist/ort.webgpu.min.mjs",
                f"{_ORT}.asyncify.mjs",
                f"{_ORT}.asyncify.wasm",
            ),
        ),
    ),
    "litert": (
        Package(
            "@litertjs/core",
            "2.5.3",
            "a97660833e9e7e1063c95e12016718881240b14f7438728a2f62785e912d30fd",
            (
                "package.json",
                "dist/index.js",
                f"{_LITERT}_internal.js",
                f"{_LITERT}_internal.wasm",
                f"{_LITERT}_compat_internal.js",  # for browsers without relaxed SIMD
                f"{_LITERT}_compat_internal.wasm",
                f"{_LITERT}_threaded_internal.js",
                f"{_LITERT}_threaded_internal.wasm",
                f"{_LITERT}_jspi_internal.js",
                f"{_LITERT}_jspi_internal.wasm",
            ),
        ),
        Package(
            "@litertjs/wasm-utils",
            "2.5.3",
            "ce2a1f8379c067be49e59752e5a7f40db6be09f6e497f0f11e59f17b515366a7",
            ("package.json", "dist/index.js"),
        ),
    ),
}


def web_files(runtime: str, named: str | None, who: str) -> dict[str, Path]:
    """Return a runtime's files by their path on the server, /PACKAGE/FILE.

    Args:
        named: a node_modules folder; None: the cache, filled from npm when it lacks them.
        who: the device or app that they are for, in messages.

    Raises DeviceError that says what is missing.
    """
    found = {}
    for package in RUNTIMES[runtime]:
        folder = Path(named).expanduser() / package.name if named else cached(package, who)
        for file in package.files:
            if not (folder / file).is_file():
                raise DeviceError(f"{who}: there is no {folder / file}", f"npm install {package.name}@{package.version} makes that folder")
            found[f"/{package.name}/{file}"] = folder / file
    return found


def version(runtime: str, named: str | None) -> str | None:
    """Return the version that would be used; None where it neither lies here nor can be fetched."""
    package = RUNTIMES[runtime][0]
    folder = Path(named).expanduser() / package.name if named else _folder(package)
    try:
        return _Package.model_validate_json((folder / "package.json").read_bytes()).version
    except (OSError, ValueError):
        return package.version if not named and shutil.which("npm") else None


class _Package(BaseModel):
    """The part of a package.json that is read here."""

    version: str


def _folder(package: Package) -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("edgetl") / "npm" / f"{package.name}-{package.version}"


def cached(package: Package, who: str) -> Path:
    """Return the folder in the cache with the package's files, fetched by npm when it lacks them; `who` needs them, in messages."""
    folder = _folder(package)
    if _complete(folder, package):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder.parent) as made:
            unpack(_fetched(package, Path(made), who), package, Path(made) / "files", who)
            shutil.rmtree(folder, ignore_errors=True)  # of a release that needed fewer files
            (Path(made) / "files").rename(folder)
    except OSError as error:
        if not _complete(folder, package):  # else another process was faster
            raise DeviceError(f"{who}: cannot write {folder}: {error.strerror}", "name another cache in XDG_CACHE_HOME") from error
    return folder


def _complete(folder: Path, package: Package) -> bool:
    return all((folder / file).is_file() for file in package.files)


def _fetched(package: Package, folder: Path, who: str) -> Path:
    """Fetch the package's archive into a folder by npm, from the registry that the user's npm knows."""
    if not shutil.which("npm"):
        advice = f"install npm{_OWN_FOLDER}"
        raise DeviceError(f"{who}: {package.name} {package.version} is not here, and there is no npm to fetch it", advice)
    try:
        call(who, ["npm", "pack", "--silent", f"{package.name}@{package.version}"], _FETCH_S, Surroundings(cwd=folder))
    except DeviceError as error:
        advice = f"try by hand: npm pack {package.name}@{package.version}{_OWN_FOLDER}"
        raise DeviceError(f"{error.problem} (npm pack {package.name})", advice) from error
    [archive] = folder.glob("*.tgz")
    return archive


def unpack(archive: Path, package: Package, folder: Path, who: str) -> None:
    """Write a package's files, and no others, from its archive, once that is known to be the right one."""
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != package.sha256:
        raise DeviceError(
            f"{who}: what npm gave for {package.name} {package.version} has the sha256 {digest}, not {package.sha256}",
            "the registry serves another file than the one that was tested: do not use it, and report it in an issue",
        )
    with tarfile.open(archive) as packed:
        for file in package.files:
            try:
                content = packed.extractfile(f"package/{file}")
            except KeyError:
                content = None
            if content is None:  # not there, or a folder
                raise DeviceError(f"{who}: {archive.name} has no file {file}", "report it in an issue: the list of files is wrong")
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            with (folder / file).open("wb") as written:
                shutil.copyfileobj(content, written)
