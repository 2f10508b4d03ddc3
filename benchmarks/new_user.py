"""Time what a new user does, by the commands of README.md and of docs/photos-to-phone.md: digits to a report, own photos to a web app.

    .venv/bin/python benchmarks/new_user.py PHOTOS [--images 300]

PHOTOS is a folder of class folders; so many of its images, evenly over the classes, are the user's own. The commands run one after the
other in an empty folder, in processes of their own, as they would be typed; the first that fails ends it.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIGITS = (
    f"run {ROOT}/edgetl/resources/quickstart.toml --out runs/quickstart",
    "predict runs/quickstart digits:0",
    "report runs/quickstart",
)
PHOTOS = (
    "doctor photos --out doctor",
    "train photos --exclude doctor/exclude.txt --backbone mobilenet_v2 --alpha 0.35 --image-size 128 --out runs/photos",
    "export runs/photos",
    "validate runs/photos",
    "report runs/photos",
    "ship runs/photos --target web --out web",
)
MOST_S = {"digits": 600, "photos": 900}


def sample(source: Path, into: Path, count: int) -> int:
    """Copy so many images, the first by name of each class; return how many there are."""
    parts = [folder for folder in ("train", "val", "test") if (source / folder).is_dir()]
    roots = [source / part for part in parts] or [source]
    names = sorted({path.name for root in roots for path in root.iterdir() if path.is_dir()})
    for name in names:
        (into / name).mkdir(parents=True)
        found = sorted(path for root in roots for path in (root / name).glob("*") if path.is_file())
        for path in found[: count // len(names)]:
            shutil.copy(path, into / name)
    return sum(path.is_file() for path in into.rglob("*"))


def journey(name: str, commands: tuple[str, ...], folder: Path) -> float:
    """Run the commands; return the seconds of all."""
    total = 0.0
    for command in commands:
        started = time.monotonic()
        done = subprocess.run([sys.executable, "-m", "edgetl", *command.split()], cwd=folder, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - started
        total += seconds
        print(f"{name:8} {seconds:7.1f} s  edgetl {command}", flush=True)
        if done.returncode:
            sys.exit(f"exit code {done.returncode}\n{done.stdout}{done.stderr}")
    print(f"{name:8} {total:7.1f} s  in all, {MOST_S[name]} are allowed", flush=True)
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--images", type=int, default=300)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="edgetl new user ") as name:
        folder = Path(name)
        print(f"{sample(asked.photos, folder / 'photos', asked.images)} photos")
        late = [name for name, commands in (("digits", DIGITS), ("photos", PHOTOS)) if journey(name, commands, folder) > MOST_S[name]]
    sys.exit(f"too slow: {', '.join(late)}" if late else 0)


if __name__ == "__main__":
    main()
