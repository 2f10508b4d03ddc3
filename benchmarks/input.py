"""The input pipeline beside Keras' `image_dataset_from_directory` and beside bare libjpeg-turbo, on the same JPEG files, in turn.

usage: python benchmarks/input.py DATA [ROUNDS]     DATA/CLASS/*.jpg

First pass: from files to pixels at 224 px. Later passes: batches of an epoch (Keras decodes again, edgetl has uint8 pixels in memory).
The same is done with the first images enlarged to 1600 px, as cameras make them.
"""

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from edgetl.keras import keras

import simplejpeg
from common import cpu_line, seconds
from PIL import Image

from edgetl.contract import Contract
from edgetl.data.examples import Batching, epoch_batches
from edgetl.data.images import WORKERS, LoadOptions, load
from edgetl.data.sources import find
from edgetl.data.splits import SplitOptions

SIZE, LARGE, LARGE_IMAGES, BATCH = 224, 1600, 300, 32


def main(data: Path, rounds: int) -> None:
    print(cpu_line(), f"{WORKERS} threads", sep=", ")
    print(f"{'images':34} {'first pass':>11} {'of Keras':>9} {'of turbo':>9} {'later':>9} {'of Keras':>9}   images/s, medians of {rounds}")
    with tempfile.TemporaryDirectory() as folder:
        measure(data, "as they are", rounds)
        measure(enlarged(data, Path(folder)), f"{LARGE} px", rounds)


def measure(data: Path, title: str, rounds: int) -> None:
    listing = find(str(data))
    count = len(listing.items)
    contract = Contract.square(SIZE, 1 / 127.5, 127, listing.class_names)
    with tempfile.TemporaryDirectory() as cache:
        split = SplitOptions(val_fraction=0.2, test_fraction=0.0, seed=0)
        options = LoadOptions(split=split, max_bad_fraction=0.0, memory_mib=4096, cache=Path(cache))
        images = load(listing, contract, options)
        batching = Batching(rows=images.rows("train"), batch_size=BATCH, seed=0)
        root = data / "train" if (data / "train").is_dir() else data
        theirs = keras.utils.image_dataset_from_directory(root, image_size=(SIZE, SIZE), crop_to_aspect_ratio=True).prefetch(8)
        their_count = sum(1 for _ in root.rglob("*.jpg"))
        contents = [item.read() for item in listing.items]
        done: dict[str, list[float]] = {name: [] for name in ("first", "later", "keras", "turbo")}
        for number in range(rounds):
            done["first"].append(count / seconds(lambda: load(listing, contract, options)))
            done["later"].append(len(batching.rows) / seconds(lambda epoch=number: drain(epoch_batches(images, batching, epoch))))
            done["keras"].append(their_count / seconds(lambda: drain(theirs)))
            done["turbo"].append(count / seconds(lambda: bare(contents)))
    first, later, keras_rate, turbo = (median(done[name]) for name in ("first", "later", "keras", "turbo"))
    figures = f"{first:11.0f}{first / keras_rate:11.2f}{first / turbo:11.2f}{later:11.0f}{later / keras_rate:11.2f}"
    print(f"{f'{count}, {title}':28}{figures}   Keras {keras_rate:.0f}, libjpeg-turbo {turbo:.0f}")


def drain(batches: object) -> None:
    for _ in batches:  # type: ignore[attr-defined]
        pass


def bare(contents: list[bytes]) -> None:
    """Decode alone, on all cores, at the scale that edgetl chooses: at least twice the model's size remains."""

    def decode(data: bytes) -> None:
        simplejpeg.decode_jpeg(data, "RGB", min_height=2 * SIZE, min_width=2 * SIZE, min_factor=1)

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(decode, contents))


def enlarged(data: Path, folder: Path) -> Path:
    for path in sorted(data.rglob("*.jpg"))[:: max(1, sum(1 for _ in data.rglob("*.jpg")) // LARGE_IMAGES)]:
        (folder / path.parent.name).mkdir(exist_ok=True)
        image = Image.open(path).convert("RGB")
        scale = LARGE / max(image.size)
        larger = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
        larger.save(folder / path.parent.name / path.name, quality=90)
    return folder


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3)
