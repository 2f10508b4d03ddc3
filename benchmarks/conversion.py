"""How long it takes to convert a trained model: float to TFLite, PTQ with 200 images, int8 to ONNX.

usage: python benchmarks/conversion.py
"""

import time

STEPS = ("float32 TFLite", "float32 ONNX", "int8 TFLite, PTQ with 200 images", "int8 ONNX from it")


def main() -> None:
    from common import calibrated, classifier, cpu_line, some_images

    from edgetl.export import FORMATS
    from edgetl.export.base import Conversion

    print(cpu_line())
    model, contract = classifier("mobilenet_v2", 0.35, 128)
    images = some_images(contract, 200)
    started = time.monotonic()
    conversion = Conversion(model, contract, "float32", FORMATS.load)
    conversion.file("tflite")
    _say(STEPS[0], started)
    started = time.monotonic()
    conversion.file("onnx")
    _say(STEPS[1], started)
    started = time.monotonic()
    conversion = Conversion(calibrated(model, contract, images).to_keras(model, contract), contract, "int8", FORMATS.load)
    conversion.file("tflite")
    _say(STEPS[2], started)
    started = time.monotonic()
    conversion.file("onnx")
    _say(STEPS[3], started)


def _say(what: str, started: float) -> None:
    print(f"{what:40} {time.monotonic() - started:6.2f} s")


if __name__ == "__main__":
    main()
