"""What `edgetl doctor` finds of 40 faults that are planted into a copy of a folder of images with the splits train and val.

10 corrupt files, 10 exact and 10 near copies across the splits, 10 wrong labels; which images and how is drawn from the seed.

usage: python benchmarks/doctor.py FOLDER [SEED [COUNT]]
"""

import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

COUNT = 10  # of each kind
WAYS = ("empty", "cut in half", "cut at 95 %", "text", "noise inside", "zeros inside", "bytes missing", "noise", "header only", "web page")


def plant(folder: Path, seed: int, count: int = COUNT) -> dict[str, list[tuple[str, ...]]]:
    """Plant `count` faults of each kind; gives the names of the images of each."""
    random = np.random.default_rng(seed)
    files = sorted(path for path in folder.glob("*/*/*") if path.suffix == ".jpg")
    drawn = iter([files[row] for row in random.permutation(len(files))[: 4 * count]])
    planted: dict[str, list[tuple[str, ...]]] = {"corrupt": [], "exact": [], "near": [], "wrong": []}

    def name(path: Path) -> str:
        return path.relative_to(folder).as_posix()

    for number in range(count):
        path = next(drawn)
        damaged = corrupted(path.read_bytes(), WAYS[number % len(WAYS)], random)
        path.unlink()  # it may be a link to the original
        path.write_bytes(damaged)
        planted["corrupt"].append((name(path),))
    for kind, change in (("exact", lambda data: data), ("near", lambda data: altered(data, random))):
        for number in range(count):
            path = next(drawn)
            other = folder / ("val" if path.parts[-3] == "train" else "train") / path.parent.name / f"copy {kind} {number}.jpg"
            other.write_bytes(change(path.read_bytes()))
            planted[kind].append((name(path), name(other)))
    classes = sorted(path.name for path in (folder / "train").iterdir())
    for number in range(count):
        path = next(drawn)
        wrong = [label for label in classes if label != path.parent.name][random.integers(len(classes) - 1)]
        planted["wrong"].append((name(path.rename(path.parent.parent / wrong / f"moved {number}.jpg")),))
    return planted


def corrupted(data: bytes, way: str, random: np.random.Generator) -> bytes:
    """The file, damaged."""
    middle, noise = len(data) // 2, random.bytes(1000)
    ways: dict[str, Callable[[], bytes]] = {
        "empty": lambda: b"",
        "cut in half": lambda: data[:middle],
        "cut at 95 %": lambda: data[: len(data) * 95 // 100],
        "text": lambda: b"no image\n" * 100,
        "noise inside": lambda: data[:middle] + noise + data[middle + len(noise) :],
        "zeros inside": lambda: data[:middle] + bytes(512) + data[middle + 512 :],
        "bytes missing": lambda: data[:middle] + data[middle + 512 :],
        "noise": lambda: random.bytes(len(data)),
        "header only": lambda: data[:200],
        "web page": lambda: b"<!doctype html><title>404</title>" * 20,
    }
    return ways[way]()


def altered(data: bytes, random: np.random.Generator) -> bytes:
    """The same scene: cropped by up to a tenth a side, 0.6 to 1.3 times the size, brightness 0.8 to 1.2, perhaps mirrored, encoded anew."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    left, top, right, bottom = random.uniform(0, 0.1, 4)
    width, height = image.size
    image = image.crop((int(left * width), int(top * height), int(width - right * width), int(height - bottom * height)))
    scale = random.uniform(0.6, 1.3)
    image = image.resize((int(image.width * scale), int(image.height * scale)), Image.Resampling.BICUBIC)
    image = ImageEnhance.Brightness(image).enhance(random.uniform(0.8, 1.2))
    if random.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    made = io.BytesIO()
    image.save(made, "JPEG", quality=int(random.integers(30, 70)))
    return made.getvalue()


def found(planted: dict[str, list[tuple[str, ...]]], findings: dict[str, list[dict[str, object]]]) -> dict[str, int]:
    """How many of each kind are among the findings of the checks that are there for it."""
    bad = {row["name"] for check in ("unreadable", "damaged") for row in findings[check]}
    leaks = [{str(row["name"]), *map(str, row["others"])} for row in findings["leaks"]]  # type: ignore[call-overload]
    wrong = {row["name"] for row in findings["wrong_labels"]}
    return {
        "corrupt": sum(name in bad for (name,) in planted["corrupt"]),
        "exact": sum(any(leak.issuperset(pair) for leak in leaks) for pair in planted["exact"]),
        "near": sum(any(leak.issuperset(pair) for leak in leaks) for pair in planted["near"]),
        "wrong": sum(name in wrong for (name,) in planted["wrong"]),
    }


def examine(folder: Path, out: Path) -> tuple[dict[str, list[dict[str, object]]], float, float]:
    """Findings of the command, its seconds by the clock and of processor time."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "edgetl", "doctor", str(folder), "--out", str(out), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")
    took, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)["findings"], took, sum(after[:2]) - sum(before[:2])


def main(source: Path, seed: int, count: int) -> None:
    print(f"seed {seed}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as scratch:
        folder, out = Path(scratch) / "images", Path(scratch) / "findings"
        shutil.copytree(source, folder)
        planted = plant(folder, seed, count)
        for what in ("from nothing", "features cached"):
            findings, took, cpu = examine(folder, out)
            print(f"{what}: {took:.0f} s, {cpu:.0f} s of processor time")
            for kind, number in found(planted, findings).items():
                print(f"  {kind:8} {number} of {count}")
        print(", ".join(f"{len(rows)} {check}" for check, rows in findings.items()))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]), *(int(sys.argv[place]) if len(sys.argv) > place else default for place, default in ((2, 0), (3, COUNT))))
