"""Debian's Swift, unpacked beside the system and run in a root of its own, with stubs of the modules that only Apple's systems have."""

import json
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT

STUBS = Path(__file__).parent / "ios_stubs"
# Each may import those before it.
MODULES = (
    *("CoreGraphics", "ImageIO", "CoreVideo", "CryptoKit", "CoreML", "OnnxRuntimeBindings"),
    *("UIKit", "AVFoundation", "SwiftUI", "PhotosUI"),
)
_PACKAGES = ("swiftlang", "libc6-dev", "libstdc++-14-dev", "libgcc-14-dev", "binutils", "gcc-14")  # 2.3 GB, once
_BIN = "/usr/libexec/swift/bin"
_DEBS = ROOT.parent / "shared" / "tools" / "debs"


@dataclass(frozen=True)
class Swift:
    """A root file system with a Swift compiler, and the folder in it where a test works."""

    root: Path
    work: Path

    def path(self, path: Path) -> str:
        """What a file is called inside."""
        return f"/{path.relative_to(self.root)}"

    def run(self, *command: object, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        inside = [self.path(word) if isinstance(word, Path) else str(word) for word in command]
        # Swift finds its own files by /proc/self/exe. A user namespace allows all this without root rights.
        alone = ["unshare", "--map-root-user", "--mount", "--pid", "--fork", f"--mount-proc={self.root / 'proc'}"]
        paths = {"LD_LIBRARY_PATH": "/usr/libexec/swift/lib/swift/linux", "PATH": f"{_BIN}:/usr/bin:/usr/sbin:/bin:/sbin", "HOME": "/tmp"}
        return subprocess.run(
            [*alone, "chroot", str(self.root), *inside],
            env={"LANG": "C.UTF-8"} | paths | (env or {}),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def compile(self, *arguments: object) -> str:
        """What the compiler says: nothing, when all is well. Fails the test where it finds errors."""
        done = self.run(f"{_BIN}/swiftc", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def stub_modules(self) -> Path:
        """Compile the stubs; a folder with modules and objects."""
        stubs, made = self.work / "stubs", self.work / "modules"
        shutil.copytree(STUBS, stubs)
        made.mkdir()
        for name in MODULES:
            flags = ("-swift-version", 5, "-parse-as-library", "-wmo", "-I", made, "-module-name", name)
            emitted = ("-emit-module", "-emit-module-path", made / f"{name}.swiftmodule", "-c", "-o", made / f"{name}.o")
            assert not self.compile(*flags, *emitted, stubs / f"{name}.swift")
        replay = stubs / "TensorFlowLiteC"
        done = self.run(f"{_BIN}/clang", "-c", "-I", replay, replay / "replay.c", "-o", made / "replay.o")
        assert done.returncode == 0, done.stderr
        return made

    def package(self, app: Path, modules: Path, version: int) -> str:
        """Compile an app's package, under the rules of a Swift version, into a module in the app's folder."""
        sources = sorted((app / "EdgetlClassifier" / "Sources" / "EdgetlClassifier").glob("*.swift"))
        flags = ("-swift-version", version, "-parse-as-library", "-wmo", "-O", "-enable-testing", "-module-name", "EdgetlClassifier")
        emitted = ("-emit-module", "-emit-module-path", app / "EdgetlClassifier.swiftmodule", "-c", "-o", app / "EdgetlClassifier.o")
        return self.compile(*flags, *emitted, *self.imports(app, modules), *sources, self.work / "stubs" / "Bundle.swift")

    def imports(self, app: Path, modules: Path) -> tuple[object, ...]:
        return ("-I", modules, "-I", app, "-I", self.work / "stubs" / "TensorFlowLiteC")

    def manifest(self, package: Path) -> dict[str, object]:
        """What SwiftPM reads of a Package.swift."""
        done = self.run(f"{_BIN}/swift-package", "--package-path", package, "--disable-sandbox", "dump-package")
        assert done.returncode == 0, done.stderr
        read: dict[str, object] = json.loads(done.stdout)
        return read

    def described(self, package: Path) -> str:
        """What SwiftPM finds in a package, its targets' files among it."""
        done = self.run(f"{_BIN}/swift-package", "--package-path", package, "--disable-sandbox", "describe")
        assert done.returncode == 0, done.stderr
        return done.stdout


def unpacked() -> Path:
    """The root, unpacked when it is not there. Skips the test where it cannot be."""
    root = ROOT / "build" / "swift"
    if not root.is_dir():
        if not _DEBS.is_file() or not shutil.which("unshare"):
            pytest.skip("there is no tool to unpack Debian's swiftlang with, or no unshare")
        root.parent.mkdir(exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix="swift.", dir=root.parent))
        done = subprocess.run(
            [str(_DEBS), "trixie", "amd64", str(new), *_PACKAGES], capture_output=True, text=True, timeout=900, check=False
        )
        if done.returncode:
            shutil.rmtree(new)
            pytest.skip(f"cannot unpack Debian's swiftlang: {done.stderr.strip()[-300:]}")
        for link in ("lib", "lib64", "bin"):
            (new / link).symlink_to(f"usr/{link}")
        for folder in ("proc", "dev", "tmp", "src"):
            (new / folder).mkdir(exist_ok=True)
        os.chmod(new, 0o755)
        new.rename(root)
    return root


def replay(data: Path, *folders: Path) -> bytes:
    """What the stubs of the runtimes know by heart (replay.c): golden images of folders with the predictions of the app's model."""
    model = json.loads((data / "app.json").read_text(encoding="utf-8"))["model"]
    known, lengths = b"", (0, 0)
    for folder in folders:
        golden = json.loads((folder / "golden.json").read_text(encoding="utf-8"))
        images = np.fromfile(folder / "pixels.bin", np.uint8).reshape(len(golden["predictions"][model]), -1)
        predictions = (np.asarray(golden["predictions"][model]) * 256).round().clip(0, 255).astype(np.uint8)
        known += b"".join(image.tobytes() + prediction.tobytes() for image, prediction in zip(images, predictions, strict=True))
        lengths = images.shape[1], predictions.shape[1]
    return struct.pack("<ii", *lengths) + known
