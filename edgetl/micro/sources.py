"""C++ sources that hold a model for a microcontroller: its bytes, its arena, its operators, its contract and its class names.

What users write reaches them as string literals without a character that C++ could take for anything else.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from edgetl.contract import Contract
from edgetl.micro.footprint import MARGIN, Footprint

FOLDER = "edgetl"  # by which the sources include each other
MODEL_SOURCES = ("model_data.h", "model_data.cc", "operators.h")  # what a model is, apart from its contract and golden predictions
_BYTES_A_LINE = 32
_PLAIN = {*map(chr, range(32, 127))} - {*'"\\?'}  # a question mark could begin a trigraph
_RESOLVER = "tensorflow/lite/micro/micro_mutable_op_resolver.h"


def model_sources(content: bytes, sha256: str, found: Footprint) -> dict[str, bytes]:
    """Return the sources of a TFLite file by their names: its bytes, as they are read in place, the arena, and the operators."""
    name = "kMeasuredArenaBytes" if found.measured else "kEstimatedArenaBytes"
    numbers = f"""\
extern const uint8_t kModel[];
constexpr size_t kModelBytes = {len(content)};
constexpr char kModelSha256[] = "{sha256}";

// {found.basis}
constexpr size_t {name} = {found.arena_bytes};
// The same and {MARGIN:.0%}, up to the next KiB.
constexpr size_t kArenaBytes = {found.arena_size_bytes};
"""
    added = " ||\n                      ".join(f"resolver->{method}() != kTfLiteOk" for method in found.resolvers)
    registers = f"""\
constexpr int kOperators = {len(found.resolvers)};

inline TfLiteStatus add_operators(tflite::MicroMutableOpResolver<kOperators>* resolver) {{
  const bool failed = {added};
  return failed ? kTfLiteError : kTfLiteOk;
}}
"""
    return {
        "model_data.h": header("The model as TensorFlow Lite Micro reads it.", ["<cstddef>", "<cstdint>"], numbers),
        "model_data.cc": source("model_data.h", array("kModel", content)),
        "operators.h": header("The operators of the model, and no others: each costs flash.", [f'"{_RESOLVER}"'], registers),
    }


def contract_sources(contract: Contract) -> dict[str, bytes]:
    """Return the sources of a contract by their names: what the model takes, and what its outputs mean."""
    height, width, channels = contract.shape
    numbers = f"""\
constexpr int kHeight = {height};
constexpr int kWidth = {width};
constexpr int kChannels = {channels};  // 3: red, green, blue; 1: grey
constexpr bool kCrop = {str(contract.input.crop != "none").lower()};  // to the largest central part with these proportions
constexpr int kClasses = {len(contract.class_names)};
constexpr bool kSeveral = {str(contract.output.several).lower()};  // an image may show several classes, or none
extern const char* const kClassNames[kClasses];
extern const float kPresentFrom[kClasses];  // the probability from which on each class counts as present
"""
    values = (
        f"const char* const kClassNames[kClasses] = {{{', '.join(map(literal, contract.class_names))}}};\n"
        f"const float kPresentFrom[kClasses] = {{{', '.join(map(real, contract.output.present_from))}}};\n"
    )
    return {
        "contract.h": header("How an image becomes the model's input, and what its outputs mean.", [], numbers),
        "contract.cc": source("contract.h", values),
    }


def golden_sources(pixels: NDArray[np.uint8], outputs: NDArray[np.generic]) -> dict[str, bytes]:
    """Return the sources of golden images by their names.

    Args:
        pixels: uint8 [N, H, W, C]; outputs: what the model gives for them, uint8 or float32 [N, K].
    """
    kind = "uint8_t" if outputs.dtype == np.uint8 else "float"
    written = str if outputs.dtype == np.uint8 else real
    rows = ",\n".join(f"    {{{', '.join(map(written, row))}}}" for row in outputs.tolist())
    numbers = f"""\
constexpr int kGoldenImages = {len(pixels)};
extern const uint8_t kGoldenPixels[];  // [kGoldenImages, kHeight, kWidth, kChannels]
extern const {kind} kGoldenOutputs[kGoldenImages][kClasses];  // of TensorFlow Lite Micro's reference kernels
"""
    values = f"const {kind} kGoldenOutputs[kGoldenImages][kClasses] = {{\n{rows}}};\n{array('kGoldenPixels', pixels.tobytes())}"
    about = "A few calibration images, and what the model gives for them."
    return {
        "golden.h": header(about, ["<cstdint>", f'"{FOLDER}/contract.h"'], numbers),
        "golden.cc": source("golden.h", values),
    }


def header(about: str, included: Iterable[str], text: str) -> bytes:
    """Return a header file; `included` as it stands behind #include, with its quotes."""
    lines = "".join(f"#include {one}\n" for one in included)
    return f"// Made by edgetl. {about}\n#pragma once\n\n{lines}{lines and chr(10)}{_in_namespace(text)}".encode()


def source(included: str, text: str) -> bytes:
    """Return a source file of one of our headers."""
    return f'// Made by edgetl.\n#include "{FOLDER}/{included}"\n\n{_in_namespace(text)}'.encode()


def array(name: str, content: bytes) -> str:
    """Return an array of bytes at an address that TensorFlow Lite Micro can read in place."""
    lines = (content[at : at + _BYTES_A_LINE] for at in range(0, len(content), _BYTES_A_LINE))
    return f"alignas(16) const uint8_t {name}[] = {{\n" + "".join(f"    {','.join(map(str, line))},\n" for line in lines) + "};\n"


def literal(text: str) -> str:
    """Return a C++ string literal of the text in UTF-8: letters and digits as they are, the rest in octal."""
    return '"' + "".join(letter if letter in _PLAIN else "".join(f"\\{byte:03o}" for byte in letter.encode()) for letter in text) + '"'


def real(value: float) -> str:
    """Return a C++ literal of a float."""
    return f"{float(value)!r}F"


def _in_namespace(text: str) -> str:
    return f"namespace edgetl {{\n\n{text}\n}}  // namespace edgetl\n"
