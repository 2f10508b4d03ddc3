"""C++ sources that hold golden predictions for a microcontroller."""

from collections.abc import Mapping
from itertools import chain

from edgetl.micro.sources import FOLDER, array, header, literal, real, source
from edgetl.ship.golden import DOCUMENT, PIXELS, RESIZED, GoldenPredictions
from edgetl.ship.manifest import CLASS_NAMES, Manifest


def golden_sources(manifest: Manifest, model: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the sources by their names.

    Args:
        model: name of the model file whose predictions they hold.
        files: the bundle's files by name.
    """
    golden = GoldenPredictions.from_bytes(files[DOCUMENT], DOCUMENT)
    pixels, resized, names = (manifest.files[name].sha256 for name in (PIXELS, RESIZED, CLASS_NAMES))
    numbers = f"""\
constexpr int kGoldenImages = {golden.shape[0]};
extern const uint8_t kGoldenPixels[];   // [kGoldenImages, kHeight, kWidth, kChannels]
extern const uint8_t kGoldenResized[];  // [kHeight, kWidth, kChannels]: what the contract takes of the mosaic of all images
constexpr char kGoldenPixelsSha256[] = "{pixels}";
constexpr char kGoldenResizedSha256[] = "{resized}";
constexpr char kClassNamesSha256[] = "{names}";  // of labels.txt
extern const float kGoldenPredictions[kGoldenImages][kClasses];
extern const char* const kGoldenBest[kGoldenImages];  // the most probable class
extern const char* const kGoldenPresent[];            // the classes that each image shows, closed by nullptr

// How far this device may be off, in steps of 1/256 and in levels of 255.
constexpr float kMaxSteps = {real(golden.tolerance.max_steps)};
constexpr float kMeanSteps = {real(golden.tolerance.mean_steps)};
constexpr int kResizeMaxLevels = {golden.mosaic.max_steps};

// The image that proves cropping and resizing.
constexpr int kMosaicColumns = {golden.mosaic.columns};
constexpr int kMosaicHeight = {golden.mosaic.height};
"""
    about = "Images and what was predicted for them when the model was validated."
    return {
        "golden.h": header(about, ["<cstdint>", f'"{FOLDER}/contract.h"'], numbers),
        "golden.cc": source(
            "golden.h", _values(golden, model) + array("kGoldenPixels", files[PIXELS]) + array("kGoldenResized", files[RESIZED])
        ),
    }


def _values(golden: GoldenPredictions, model: str) -> str:
    rows = (f"{{{', '.join(map(real, row))}}}" for row in golden.predictions[model])
    present = (", ".join(chain(map(literal, names), ["nullptr"])) for names in golden.decisions(model))
    return (
        f"const float kGoldenPredictions[kGoldenImages][kClasses] = {{\n    {_lines(rows)}}};\n"
        f"const char* const kGoldenBest[kGoldenImages] = {{\n    {_lines(map(literal, golden.top1_class_names[model]))}}};\n"
        f"const char* const kGoldenPresent[] = {{\n    {_lines(present)}}};\n"
    )


_lines = ",\n    ".join
