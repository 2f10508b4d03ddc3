#!/usr/bin/env python3
"""Classify images with the model in the folder beside this file.

It needs Pillow and the model's runtime (requirements.txt) and nothing else.

    python classify.py rose.jpg tulip.png      the best classes of each image, or all that it shows where it may show several
    python classify.py --camera                what the camera sees, until Ctrl-C; --smooth averages over its last frames
    python classify.py --self-test             proof that this machine runs the validated model
    python classify.py --accelerators          times the accelerators again, and keeps the fastest that gives the golden predictions

In a program of yours: `Classifier().classify(Image.open("rose.jpg")).present`.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

sys.path.append(str(Path(__file__).resolve().parent))  # for a program of yours, which imports this file from its folder
from edgetl_accelerators import CPU, Accelerator, Golden, openers, probabilities

# Programs that write one JPEG image of the camera to standard output, in the order in which they are tried.
CAMERAS = (
    ("rpicam-jpeg", "--nopreview", "--timeout", "500", "--output", "-"),
    ("libcamera-jpeg", "--nopreview", "--timeout", "500", "--output", "-"),
    ("ffmpeg", "-loglevel", "error", "-f", "v4l2", "-i", "/dev/video0", "-frames:v", "1", "-f", "mjpeg", "-"),
    ("fswebcam", "--quiet", "--no-banner", "-"),
)
FORMATS = ["JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "AVIF"]  # those of training
with suppress(ImportError):  # not required, but used where it is
    from pillow_heif import register_heif_opener

    register_heif_opener()
    FORMATS.append("HEIF")
MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "I;16", "I;16L", "I;16B", "I;16N")
MOST_PIXELS = 89_478_485  # Pillow's own limit; here on what is decoded
CAMERA_S = 20.0  # a camera that gave nothing for so long gives nothing


class SelfTestError(Exception):
    """The model, its inputs or its class names are not what was validated."""


class Prediction(NamedTuple):
    """The best classes with their probabilities, the best first, and the classes that the image shows: none where the model is not sure.

    Of a model that knows several classes at once, `best` are all that the image shows. Where it shows none of them, they are guesses.
    """

    best: list[tuple[str, float]]
    present: list[str]


class Smoothing:
    """Steadies what a camera shows, and delays it: an average of the probabilities over the last frames."""

    FRAMES = 8

    def __init__(self) -> None:
        self._last: deque[np.ndarray] = deque(maxlen=self.FRAMES)

    def mean(self, probabilities: np.ndarray) -> np.ndarray:
        """Return the mean of the probabilities [K] and of those of the frames before; these alone at the first."""
        self._last.append(probabilities)
        return np.mean(self._last, axis=0)


class Classifier:
    """The model, and how an image becomes its input.

    Args:
        folder: with the model, manifest.json and the golden predictions; None: `model` beside this file.
        threads: of the CPU, which then runs the model; None: the fastest accelerator does that gives the golden predictions. They are
            timed at the first start, which takes seconds.
        again: times them, whatever is known from an earlier start.
    """

    def __init__(self, folder: Path | None = None, threads: int | None = None, again: bool = False) -> None:
        self.folder = folder = folder or Path(__file__).resolve().parent / "model"
        self.choice = json.loads((folder / "app.json").read_text(encoding="utf-8"))
        self.manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        self.input: dict[str, Any] = self.manifest["contract"]["input"]
        self.height, self.width = self.input["height"], self.input["width"]
        output = self.manifest["contract"]["output"]
        self.class_names: list[str] = output["class_names"]
        self.several = output["task"] == "multi-label"  # an image may show several classes, or none
        # The probability from which on each class counts as present: the larger of the rejection's threshold and the class's own; half,
        # less half a step, of several classes without thresholds.
        self.present_from = np.full(len(self.class_names), 0.5 - 1 / 512 if self.several else 0.0)
        if output["thresholds"]:
            self.present_from = np.asarray(output["thresholds"]["per_class"], np.float64)
        if output["rejection"]:
            self.present_from = np.maximum(self.present_from, output["rejection"]["threshold"])
        runtime, model = self.choice["runtime"], self.choice["model"]
        self.accelerator = Accelerator(folder, runtime, model, again) if threads is None else None
        self._run = self.accelerator or openers(runtime, threads)[CPU](folder / model)

    def classify(self, image: Image.Image, top: int = 3, smoothing: Smoothing | None = None) -> Prediction:
        """Return the `top` best classes with their probabilities, of several all that are there; and those that the image shows.

        With the `smoothing` of a camera's frames, all of the average over the last of them.
        """
        found = self.probabilities(self.pixels(image))
        probabilities = smoothing.mean(found) if smoothing else found
        present, order = self.present(probabilities), np.argsort(-probabilities, kind="stable")
        all_shown = self.several and present
        shown = [index for index in order if self.class_names[index] in present] if all_shown else order[:top]
        return Prediction([(self.class_names[index], float(probabilities[index])) for index in shown], present)

    def present(self, probabilities: np.ndarray) -> list[str]:
        """Return the classes that an image with these probabilities [K] shows.

        Of several those that reach their thresholds. Else the most probable one where it reaches its own, or none: the model is not sure.
        """
        if self.several:
            return [name for name, reached in zip(self.class_names, probabilities >= self.present_from, strict=True) if reached]
        best = int(probabilities.argmax())
        return [self.class_names[best]] if probabilities[best] >= self.present_from[best] else []

    def pixels(self, image: Image.Image) -> np.ndarray:
        """Return uint8 [H, W, C]: upright, flattened onto white, RGB, cropped, resized with antialiased bilinear filtering; grey if so."""
        if image.width * image.height <= 4 * MOST_PIXELS and image.format in ("JPEG", "MPO"):
            image.draft(None, (2 * max(self.height, self.width),) * 2)  # reduced while it is decoded, as in training
        if image.width * image.height > MOST_PIXELS:
            raise ValueError(f"more than {MOST_PIXELS} pixels")
        image = _rgb(ImageOps.exif_transpose(image))
        resized = image.resize((self.width, self.height), Image.Resampling.BILINEAR, box=self._box(*image.size))
        return np.asarray(resized.convert("L"))[..., np.newaxis] if self.input["channels"] == "gray" else np.asarray(resized)

    def _box(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Return the part of an image that is taken: all of it, or the largest central one with the input's proportions."""
        wide, high = float(width), float(height)
        if self.input["crop"] != "none":
            wide, high = min(wide, height * self.width / self.height), min(high, width * self.height / self.width)
        left, top = (width - wide) / 2, (height - high) / 2
        return left, top, left + wide, top + high

    def probabilities(self, pixels: np.ndarray) -> np.ndarray:
        """Return float32 [K] of uint8 pixels [H, W, C]."""
        return probabilities(self._run, pixels)

    def self_test(self, images: Path | None = None) -> dict[str, float]:
        """Prove that files and predictions are the validated ones, and return how far the latter are off. Raises SelfTestError.

        Images near a threshold may be decided otherwise within the tolerance: `other_decisions` counts them.

        Args:
            images: another folder of golden images, such as `test/golden_test`; None: those beside the model.
        """
        images = images or self.folder / "golden"
        self._check_files(images)
        files = Golden(images, self.choice["model"])
        golden, wanted, pixels = files.document, files.wanted, files.pixels
        top1 = golden["top1_class_names"][self.choice["model"]]
        if [self.class_names[row.argmax()] for row in wanted] != top1:
            raise SelfTestError("the class names are in another order than the model's outputs")
        older = {self.choice["model"]: [[name] for name in top1]}  # a bundle without thresholds
        present = [self.present(row) for row in wanted]
        if present != (golden.get("present_class_names") or older)[self.choice["model"]]:
            raise SelfTestError("the golden predictions are decided otherwise: these are not the thresholds of the validation")
        found = np.stack([self.probabilities(image) for image in pixels])
        steps = files.steps(found)
        if not files.within(steps):
            raise SelfTestError(f"the predictions are up to {steps.max():.0f} steps of 1/256 off, {steps.mean():.1f} on average")
        resized = np.fromfile(images / "resized.bin", np.uint8).reshape(golden["shape"][1:])
        mosaic = _mosaic(pixels, **golden["mosaic"])
        made = self.pixels(Image.fromarray(mosaic[..., 0] if mosaic.shape[-1] == 1 else mosaic))
        levels = np.abs(made.astype(int) - resized).max()
        if levels > golden["mosaic"]["max_steps"]:
            raise SelfTestError(f"cropping and resizing give other pixels, up to {levels} levels off")
        far = {"max_steps": float(steps.max()), "mean_steps": float(steps.mean()), "resize_max_levels": int(levels)}
        return {"images": len(pixels), "other_decisions": sum(map(list.__ne__, map(self.present, found), present))} | far

    def _check_files(self, images: Path) -> None:
        hashes = {name: facts["sha256"] for name, facts in self.manifest["files"].items()}
        hashes["manifest.json"] = self.choice["manifest_sha256"]
        found = {path.relative_to(self.folder).as_posix(): path for path in sorted(self.folder.rglob("*")) if path.is_file()}
        found |= {f"{images.name}/{path.name}": path for path in sorted(images.iterdir())}
        for name, path in found.items():
            if name != "app.json" and hashlib.sha256(path.read_bytes()).hexdigest() != hashes.get(name):
                raise SelfTestError(f"{name} was changed")
        if (self.folder / "labels.txt").read_text(encoding="utf-8") != "".join(f"{name}\n" for name in self.class_names):
            raise SelfTestError("labels.txt has other class names than manifest.json")


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode not in MODES:
        raise ValueError(f"its colour mode {image.mode} is not read")
    if image.mode.startswith("I"):  # 16 bits a pixel, or a TIFF's 12, which Pillow would clip
        tags = getattr(image, "tag_v2", {})
        most = 2 ** tags.get(258, (16,))[0] - 1
        values = np.asarray(image).astype(np.uint32)
        values = most - values if tags.get(262) == 0 else values  # zero is white
        return Image.fromarray(((255 * values + most // 2) // most).astype(np.uint8)).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")


def _mosaic(pixels: np.ndarray, columns: int, height: int, **_: int) -> np.ndarray:
    """The images in three rows, from the first again where they run out, cut below to a height: what the bundle's format says."""
    chosen = pixels[np.arange(3 * columns) % len(pixels)]
    rows = [np.concatenate(list(chosen[row * columns : (row + 1) * columns]), axis=1) for row in range(3)]
    return np.concatenate(rows)[:height]


def camera() -> Iterator[tuple[str, Image.Image]]:
    """Images of the first camera program that there is. Raises OSError when there is none, or it gives no image."""
    command = next((command for command in CAMERAS if shutil.which(command[0])), None)
    if command is None:
        raise OSError(f"no camera program is installed: {', '.join(command[0] for command in CAMERAS)}")
    while True:
        done = subprocess.run(command, capture_output=True, timeout=CAMERA_S, check=False)
        if done.returncode or not done.stdout:
            raise OSError(f"{command[0]} gave no image: {done.stderr.decode(errors='replace').strip()}")
        yield "camera", Image.open(BytesIO(done.stdout))


def show(name: str, prediction: Prediction, latency_ms: float, several: bool, as_json: bool) -> None:
    if as_json:
        best = [{"class_name": class_name, "probability": round(probability, 6)} for class_name, probability in prediction.best]
        document = {"image": name, "present": prediction.present, "best": best, "latency_ms": round(latency_ms, 3)}
        print(json.dumps(document, ensure_ascii=False), flush=True)
    else:
        best = ", ".join(f"{class_name} {probability:.1%}" for class_name, probability in prediction.best)
        guessed = f"none of the classes (nearest: {best})" if several else f"not sure (perhaps {best})"
        print(f"{name}: {best if prediction.present else guessed} ({latency_ms:.1f} ms)", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Classify images. Exit code 1: an image cannot be read; 7: the self-test failed.")
    parser.add_argument("images", nargs="*", metavar="IMAGE")
    parser.add_argument("--camera", action="store_true", help="classify what the camera sees, until Ctrl-C")
    parser.add_argument("--smooth", action="store_true", help=f"with --camera: average over the last {Smoothing.FRAMES} frames")
    parser.add_argument("--self-test", action="store_true", help="replay the golden images")
    parser.add_argument("--top", type=int, default=3, metavar="N", help="how many classes to name (default: 3)")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--accelerators", action="store_true", help="time the accelerators again, and say which runs the model, and why")
    place.add_argument("--threads", type=int, metavar="N", help="run on the CPU with so many threads (default: the fastest accelerator)")
    parser.add_argument("--json", action="store_true", help="a JSON document a line")
    asked = parser.parse_args()
    if not (asked.images or asked.camera or asked.self_test or asked.accelerators):
        parser.error("name an image, --camera, --self-test or --accelerators")
    if asked.smooth and not asked.camera:
        parser.error("--smooth goes with --camera: images are not frames of one stream")
    try:
        classifier = Classifier(threads=asked.threads, again=asked.accelerators)
        if classifier.accelerator and classifier.accelerator.fresh:
            rows, name = classifier.accelerator.rows, classifier.accelerator.name
            print(*rows, f"The model runs on: {name}", sep="\n", file=sys.stdout if asked.accelerators else sys.stderr)
        if asked.self_test:
            print(json.dumps({"passed": True} | classifier.self_test()))
    except (SelfTestError, OSError, ValueError, KeyError, RuntimeError) as error:
        print(f"the self-test failed: {error}" if asked.self_test else f"the model cannot be loaded: {error}", file=sys.stderr)
        return 7 if asked.self_test else 1
    Image.MAX_IMAGE_PIXELS = None  # `pixels` looks at what is decoded
    failed, smoothing = 0, Smoothing() if asked.smooth else None
    try:
        for name, image in camera() if asked.camera else ((name, name) for name in asked.images):
            try:
                opened = Image.open(image, formats=FORMATS) if isinstance(image, str) else image
                begun = time.perf_counter()
                prediction = classifier.classify(opened, asked.top, smoothing)
                show(name, prediction, 1000 * (time.perf_counter() - begun), classifier.several, asked.json)
            except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError, Warning) as error:
                print(f"{name}: {error}", file=sys.stderr)
                failed = 1
    except (OSError, subprocess.TimeoutExpired) as error:
        print(error, file=sys.stderr)
        failed = 1
    except KeyboardInterrupt:
        pass
    return failed


if __name__ == "__main__":
    sys.exit(main())
