"""Compose images that show several flowers, or none, from images of one: a multi-label set whose labels are known.

usage: python benchmarks/composed.py FLOWERS OUT [--background DIR] [--images 3000] [--size 160] [--seed 0]

FLOWERS has a folder for each class, of whose images each fourth goes into val; or train/CLASS and val/CLASS. They go into the same split of
OUT/list.csv (path,label,split; a label is "daisy|roses", and empty where there is none). Flowers stand side by side or lie over each other;
some classes, and some pairs of them, are rarer than others. Images of none, and what is behind flowers that do not fill the frame, are from
the folder DIR, or textures.
"""

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

IMAGES = (".jpg", ".jpeg", ".png")
VAL = 0.25  # of the images
COUNTS = (0.12, 0.26, 0.46, 0.16)  # shares of images with none, one, two and three flowers
OVER_EACH_OTHER = 0.5  # of the images with flowers; the others are side by side
RARER = 0.75  # how often a class is drawn, of how often the one before it is


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("flowers", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--background", type=Path)
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    compose(asked.flowers, asked.out, background=asked.background, images=asked.images, size=asked.size, seed=asked.seed)


def compose(flowers: Path, out: Path, *, background: Path | None = None, images: int = 3000, size: int = 160, seed: int = 0) -> Path:
    """Write the set; returns its CSV file."""
    behind = sorted(path for path in background.rglob("*") if path.suffix.lower() in IMAGES) if background else []
    (out / "images").mkdir(parents=True, exist_ok=True)
    with (out / "list.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "label", "split"])
        for split, count in (("train", images - round(VAL * images)), ("val", round(VAL * images))):
            own = [path for place, path in enumerate(behind) if (place % 4 == 3) == (split == "val")]
            composer = Composer(files_of(flowers, split), own, size, np.random.default_rng([seed, split == "val"]))
            for number in range(count):
                image, names = composer.one()
                path = f"images/{split}-{number:05}.jpg"
                image.save(out / path, quality=90)
                rows.writerow([path, "|".join(names), split])
    return out / "list.csv"


def files_of(flowers: Path, split: str) -> dict[str, list[Path]]:
    """The images of each class that belong to a split, given or not."""
    given = (flowers / split).is_dir()
    folders = sorted(folder for folder in (flowers / split if given else flowers).iterdir() if folder.is_dir())
    files = {folder.name: sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGES) for folder in folders}
    if given:
        return files
    return {name: [path for place, path in enumerate(all_) if (place % 4 == 3) == (split == "val")] for name, all_ in files.items()}


class Composer:
    """Draws the images of one split."""

    def __init__(self, files: dict[str, list[Path]], behind: Sequence[Path], size: int, random: np.random.Generator) -> None:
        self.files = files
        self.behind, self.size, self.random = behind, size, random
        shares = RARER ** np.arange(len(self.files))
        self.shares = shares / shares.sum()

    def one(self) -> tuple[Image.Image, list[str]]:
        count = self.random.choice(len(COUNTS), p=COUNTS)
        names = sorted(self.random.choice(list(self.files), size=count, replace=False, p=self.shares))
        frame = self._background()
        beside = not (names and self.random.random() < OVER_EACH_OTHER)
        for place, name in enumerate(self.random.permutation(names)):
            flower = _opened(self.files[name][self.random.integers(len(self.files[name]))])
            if beside and len(names) > 1:
                edges = np.linspace(0, self.size, len(names) + 1).round().astype(int)
                box = edges[place], 0, edges[place + 1], self.size
            else:
                edge = round(self.size * self.random.uniform(*((0.45, 0.65) if len(names) > 1 else (0.6, 1.0))))
                left, top = self._corner(place, edge) if len(names) > 1 else self.random.integers(0, self.size - edge + 1, 2)
                box = left, top, left + edge, top + edge
            frame.paste(ImageOps.fit(flower, (box[2] - box[0], box[3] - box[1])), (int(box[0]), int(box[1])))
        return frame, list(map(str, names))

    def _corner(self, place: int, edge: int) -> tuple[int, int]:
        """Near another corner for each of up to four, so that none hides another one."""
        far = self.size - edge
        shift = self.random.integers(0, max(far // 4, 1), 2)
        return tuple(int(far - by if place >> axis & 1 else by) for axis, by in enumerate(shift))

    def _background(self) -> Image.Image:
        if self.behind:
            return ImageOps.fit(_opened(self.behind[self.random.integers(len(self.behind))]), (self.size, self.size))
        cells = self.random.integers(0, 256, (*[self.random.choice([2, 4, 8, 16])] * 2, 3), dtype=np.uint8)
        return Image.fromarray(cells).resize((self.size, self.size), Image.Resampling.BILINEAR)


def _opened(path: Path) -> Image.Image:
    return ImageOps.exif_transpose(Image.open(path)).convert("RGB")


if __name__ == "__main__":
    main()
