"""Take every model file of a folder the whole way: import, int8 export of both formats, validation, bundle; print how far each came.

    python benchmarks/foreign_runs.py build/foreign ../shared/data/foreign [--only NAME ...] [--out FILE]

Images of noise calibrate and compare: the files' weights may be random, and then there is no accuracy. The ONNX files come from
benchmarks/foreign_models.py. Seconds are of the processes' CPU time, their start included.
"""

import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

IMAGES, SIDE = 320, 192
SUFFIXES = (".onnx", ".h5", ".keras", ".tflite")
QUANTIZED = ("quant", "int8")  # in the names of files that are quantized already
PREPROCESSING = {".onnx": "128/64"}  # noise is then as large as benchmarks/foreign_models.py fed it; zero is one pixel, as at borders
SIZES = {"paddle_mobilenet_v3_text_direction.onnx": "48x192"}  # of files that leave it open


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--only", nargs="*", help="files whose names begin so")
    parser.add_argument("--out", type=Path, help="where the figures go as JSON lines")
    asked = parser.parse_args()
    sys.stdout.write("| file | original ~ float, mean change | float ~ int8 | TFLite ~ ONNX | int8 TFLite | came to | seconds |\n")
    sys.stdout.write("|---|---|---|---|---|---|---|\n")
    for path in sorted(one for folder in asked.folders for one in folder.iterdir() if one.suffix in SUFFIXES):
        if asked.only and not path.name.startswith(tuple(asked.only)):
            continue
        found = whole_way(path)
        sys.stdout.write(row(path.name, found) + "\n")
        sys.stdout.flush()
        if asked.out:
            with asked.out.open("a") as file:
                file.write(json.dumps({"file": path.name, **found}) + "\n")


def noise(folder: Path) -> Path:
    """Return a folder of images of noise, larger than any input, coarse and fine: of fine noise alone all means are the same."""
    from PIL import Image

    random = np.random.default_rng(0)
    folder.mkdir()
    for number in range(IMAGES):
        coarse = random.normal(128, 64, (random.integers(1, 9), random.integers(1, 9), 3)).clip(0, 255).astype(np.uint8)
        spread = np.asarray(Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.NEAREST))
        pixels = (spread + random.normal(0, random.uniform(0, 64), spread.shape)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def whole_way(path: Path) -> dict[str, Any]:
    """Return what was measured, and the verb that it came to or the error that ended it."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        fed = ["--data", noise(Path(folder, "noise"))]
        if not any(word in path.stem for word in QUANTIZED):  # which say by themselves how they are fed
            fed += ["--preprocessing", PREPROCESSING.get(path.suffix, "raw")]
        size = ["--size", SIZES[path.name]] if path.name in SIZES else []
        calls = {
            "import": ["import", path, *fed, *size, "--no-qat", "--out", run],
            "export": ["export", run, "--int8"],
            "validate": ["validate", run],
            "bundle": ["bundle", run, "--out", Path(folder, "b.edgetl")],
        }
        before, found = os.times(), {"came_to": "bundle"}
        for verb, words in calls.items():
            done = subprocess.run([sys.executable, "-m", "edgetl", *map(str, words), "--json"], capture_output=True, text=True, check=False)
            if verb == "validate" and done.stdout:
                found |= compared(json.loads(done.stdout)) | {"operators": operators(run / "export" / "model_int8.tflite")}
            if done.returncode:
                errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
                found |= {"came_to": f"{verb}: {(errors or done.stderr.splitlines()[-1:] or ['?'])[0][:300]}"}
                break
        after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return found | {"seconds": round(spent, 1)}


def compared(validation: dict[str, Any]) -> dict[str, Any]:
    """Return what a validation says of each pair of models."""
    pairs = {(one["tolerance"]["first"], one["tolerance"]["second"]): one["agreement"] for one in validation["pairs"]}
    return {f"{a} ~ {b}": {"same": one["top1_agreement"], "change": one["mean_abs_dp"]} for (a, b), one in pairs.items()}


def operators(path: Path) -> dict[str, int]:
    """Count the operators of a TFLite file."""
    from edgetl.export import tflite_checks

    counts: collections.Counter[str] = tflite_checks.operators(path.read_bytes())
    return dict(counts)


def row(name: str, found: dict[str, Any]) -> str:
    def pair(first: str, second: str) -> str:
        one = found.get(f"{first} ~ {second}")
        return f"{100 * one['same']:.1f} %, {one['change']:.1e}" if one else ""

    made = found.get("operators", {})
    moved = "TRANSPOSE" if made.get("TRANSPOSE") else "no transpose" if made else ""
    cells = (
        pair("original", "keras_float") or pair("original", "tflite_int8"),
        pair("keras_float", "tflite_int8"),
        pair("tflite_int8", "onnx_int8"),
        f"{sum(made.values())} operators, {moved}" if made else "",
        found["came_to"],
        f"{found['seconds']:.0f}",
    )
    return f"| {name} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
