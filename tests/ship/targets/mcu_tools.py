"""Compiles a microcontroller's program for this computer and for an emulated Arm processor, and runs it there."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

STUBS = Path(__file__).parent / "mcu_stubs"
PART = Path("components/edgetl_classifier")
STRICT = ("-std=c++17", "-Wall", "-Wextra", "-Werror", "-fno-exceptions", "-fno-rtti")
PIXELS = ("gray", "rgb565 big-endian", "rgb565 little-endian", "rgb888", "bgr888")  # in the order of edgetl::Pixels
_CORTEX_M4 = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
_LIBRARY = (*_CORTEX_M4, "--specs=rdimon.specs")  # newlib with semihosting


@dataclass(frozen=True)
class Machine:
    """Where a program is run: its compiler, the linker with what it needs before and behind the objects, and what starts a program.

    `library` is how the linker finds the C library.
    """

    compiler: tuple[str, ...]
    linker: tuple[str, ...]
    start: tuple[str, ...]
    sources: tuple[Path, ...] = ()
    library: tuple[str, ...] = ()

    def needed(self) -> None:
        """Skip the test where a program, or the C library of a compiler, is missing."""
        if lacks := lacking(self.compiler, (self.linker[0], *self.library), self.start):
            pytest.skip(lacks)

    def compiled(self, source: Path, includes: Iterable[Path], into: Path) -> Path:
        """Return the object of a source file, compiled without a warning."""
        target = into / f"{source.stem}.o"
        ran(*self.compiler, *STRICT, *(f"-I{folder}" for folder in includes), "-c", source, "-o", target)
        return target

    def linked(self, objects: Iterable[Path], into: Path) -> Path:
        ran(self.linker[0], *objects, *self.linker[1:], "-o", into)
        return into

    def run(self, program: Path, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run a program in a folder, whose files it reads."""
        command = [*self.start, str(program.resolve())]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=folder, encoding="utf-8")


@cache
def lacking(compiler: tuple[str, ...], linker: tuple[str, ...], start: tuple[str, ...]) -> str:
    """What is missing for programs to be made and started, and how it is installed; empty: nothing.

    A compiler may be there without its C or C++ library, which Debian has in packages of their own: the smallest program tells.
    """
    for program in (compiler[0], *start[:1]):
        if not shutil.which(program):
            return f"there is no {program} (apt-get install {PACKAGES.get(program, program)})"
    with tempfile.TemporaryDirectory() as folder:
        smallest = Path(folder) / "smallest.cc"
        smallest.write_text("#include <cstdio>\n#include <cstring>\nint main() { return 0; }\n", encoding="utf-8")
        object_, program = (str(smallest.with_suffix(suffix)) for suffix in (".o", ""))
        for command in ([*compiler, "-c", str(smallest), "-o", object_], [*linker, object_, "-o", program]):
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
            if done.returncode:
                packages = PACKAGES.get(compiler[0], compiler[0])
                return f"{compiler[0]} lacks a library (apt-get install {packages}): {done.stderr.strip()[-300:]}"
    return ""


PACKAGES = {"arm-none-eabi-g++": "gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-dev", "g++": "g++ libc6-dev"}
HOST = Machine(("g++", "-O1"), ("g++",), ())
# An MPS2 board with a Cortex-M4, whose console and files are the computer's (semihosting). Arm's libstdc++ (1.6 GB) is not needed.
ARM = Machine(
    ("arm-none-eabi-g++", *_CORTEX_M4, "-Os", "-fno-threadsafe-statics", "-ffunction-sections", "-fdata-sections"),
    ("arm-none-eabi-gcc", *_LIBRARY, "-Wl,--gc-sections", "-T", str(STUBS / "arm.ld")),
    ("qemu-system-arm", "-M", "mps2-an386", "-nographic", "-semihosting", "-kernel"),
    (STUBS / "start.cc",),
    _LIBRARY,
)
MACHINES = {"host": HOST, "arm": ARM}


def ran(*command: object) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def sources(app: Path) -> list[Path]:
    """The classifier's own files and those that were made for the model."""
    return sorted([*(app / PART / "src").glob("*.cc"), *(app / PART / "generated/edgetl").glob("*.cc")])


def includes(app: Path) -> list[Path]:
    return [*(app / PART / name for name in ("include", "generated", "src")), STUBS / "tflm"]


def objects(machine: Machine, app: Path, into: Path) -> dict[str, Path]:
    """The objects of a program that proves the app, by their names."""
    machine.needed()
    files = [*sources(app), STUBS / "tflm/replay.cc", STUBS / "programs/prove.cc", *machine.sources]
    return {file.stem: machine.compiled(file, includes(app), into) for file in files}


def frame(image: NDArray[np.uint8], pixels: str) -> tuple[bytes, NDArray[np.uint8]]:
    """An RGB image as a camera gives it, and the RGB image that is left in it."""
    image = image.copy()
    if pixels == "gray":
        image[:] = image[..., :1]
        return image[..., 0].tobytes(), image
    if pixels.startswith("rgb565"):
        red, green, blue = (image[..., channel].astype(np.uint16) >> shift for channel, shift in ((0, 3), (1, 2), (2, 3)))
        left = np.stack([red << 3 | red >> 2, green << 2 | green >> 4, blue << 3 | blue >> 2], -1).astype(np.uint8)
        return (red << 11 | green << 5 | blue).astype(">u2" if "big" in pixels else "<u2").tobytes(), left
    return (image if pixels == "rgb888" else image[..., ::-1]).tobytes(), image


def write_frames(folder: Path, frames: Sequence[tuple[bytes, tuple[int, int], str]]) -> None:
    """Write frames.bin; a frame is its bytes, its width and height, and its pixels."""
    with (folder / "frames.bin").open("wb") as file:
        for content, size, pixels in frames:
            file.write(np.asarray([*size, PIXELS.index(pixels), len(content)], np.int32).tobytes() + content)


def write_replay(folder: Path, images: Sequence[NDArray[np.uint8]], outputs: Sequence[NDArray[np.generic]]) -> None:
    """Write replay.bin: what the stub of TensorFlow Lite Micro gives for images."""
    with (folder / "replay.bin").open("wb") as file:
        file.write(np.asarray([images[0].nbytes, outputs[0].nbytes, outputs[0].dtype == np.float32], np.int32).tobytes())
        for image, output in zip(images, outputs, strict=True):
            file.write(image.tobytes() + output.tobytes())
