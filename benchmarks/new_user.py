"""Time what a new user does who types what README.md and docs/photos-to-phone.md show: digits to a report, own photos to a web app.

    .venv/bin/python benchmarks/new_user.py PHOTOS [--images 300] [--journey digits] [--journey photos] [--journey guide]

PHOTOS is a folder of class folders; so many of its images, evenly over the classes, are the user's own, as `flowers/` there. The commands
are read from the pages when this runs; they run one after the other in a folder like a clone with edgetl installed, each in a shell of its
own. The first that fails ends it.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Journey:
    """A part of a page: its commands from a heading on, to the first that holds the last words; what is not of it; and seconds."""

    page: str
    heading: str
    last: str
    allowed_s: float

    def commands(self) -> list[str]:
        """Return the commands as the page shows them, a line each."""
        text = (ROOT / self.page).read_text(encoding="utf-8")
        start = text.index(f"\n{self.heading}\n")
        found: list[str] = []
        for block in _SHELL.findall(text[start:]):
            for line in block.replace("\\\n", " ").splitlines():
                found.append(" ".join(line.partition(" # ")[0].split()))
                if self.last in line:
                    return found
        raise SystemExit(f"{self.page} has no command '{self.last}' below '{self.heading}'")


JOURNEYS = {
    "digits": Journey("README.md", "## Try it", "report", 600),
    "photos": Journey("README.md", "## Your own images", "--target web", 900),
    "guide": Journey("docs/photos-to-phone.md", "## 1. Look at the images", "--target web", 900),
}


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


def lay(folder: Path, photos: Path, count: int) -> int:
    """Make the folder what the pages speak of: a clone in which edgetl is installed, the images, and one to predict."""
    for name in ("Makefile", "constraints.txt", "docs", "edgetl", "models", "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(Path(sys.prefix) / "bin")
    for stamp in ("runtime.stamp", "dev.stamp"):
        (folder / ".venv" / stamp).touch()  # newer than what they are made from: make installs nothing
    images = sample(photos, folder / "flowers", count)
    shutil.copy(next((folder / "flowers").glob("*/*")), folder / "rose.jpg")
    return images


def travel(name: str, journey: Journey, folder: Path) -> float:
    """Run the commands; return the seconds of all."""
    total = 0.0
    environment = os.environ | {"PATH": f"{folder}/.venv/bin:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    for command in journey.commands():
        started = time.monotonic()
        done = subprocess.run(["bash", "-euc", command], cwd=folder, env=environment, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - started
        total += seconds
        print(f"{name:8} {seconds:7.1f} s  {command}", flush=True)
        if done.returncode:
            sys.exit(f"exit code {done.returncode}\n{done.stdout}{done.stderr}")
    print(f"{name:8} {total:7.1f} s  in all, {journey.allowed_s:.0f} are allowed", flush=True)
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--journey", choices=JOURNEYS, action="append")
    asked = parser.parse_args()
    late = []
    for name in asked.journey or JOURNEYS:
        with tempfile.TemporaryDirectory(prefix="edgetl new user ") as folder:
            print(f"{name:8} {lay(Path(folder), asked.photos, asked.images)} photos, by {JOURNEYS[name].page}", flush=True)
            if travel(name, JOURNEYS[name], Path(folder)) > JOURNEYS[name].allowed_s:
                late.append(name)
    sys.exit(f"too slow: {', '.join(late)}" if late else 0)


if __name__ == "__main__":
    main()
