"""How fast edgetl's int8 ONNX is beside float32 ONNX and beside ONNX Runtime's own quantization of the same model, in turn, one thread.

usage: python benchmarks/int8_onnx.py [RUNS]
"""

import sys
from collections.abc import Iterator

import numpy as np
import onnxruntime
from common import SCRATCH, calibrated, classifier, cpu_line, some_images

from edgetl.contract import Contract
from edgetl.data.base import Images
from edgetl.export import FORMATS
from edgetl.export.base import Conversion
from edgetl.export.tflite_writer import float_tflite, int8_tflite
from edgetl.runtimes import open_session
from edgetl.runtimes.latency import time_in_turn

MODELS = (("mobilenet_v2", 0.35, 128), ("mobilenet_v2", 0.35, 224), ("mobilenet_v2", 1.0, 224), ("efficientnet_lite0", 1.0, 160))


def main(runs: int) -> None:
    print(cpu_line())
    print(f"{'model':32} {'float32 ms':>10} {'int8 ms':>8} {'of float':>8} {'ORT static ms':>13} {'int8 of it':>10} {'LiteRT int8 ms':>14}")
    for name, alpha, size in MODELS:
        sessions, image = build(name, alpha, size)
        p50 = {key: float(np.median(took)) for key, took in time_in_turn(sessions, image, 20, runs).items()}
        print(
            f"{name + f' {alpha} {size} px':32} {p50['float32']:10.2f} {p50['int8']:8.2f} {p50['int8'] / p50['float32']:8.2f} "
            f"{p50['ort_static']:13.2f} {p50['int8'] / p50['ort_static']:10.2f} {p50['litert']:14.2f}"
        )


def build(name: str, alpha: float, size: int) -> tuple[dict, np.ndarray]:
    model, contract = classifier(name, alpha, size)
    images = some_images(contract, 32)
    quantized = calibrated(model, contract, images)
    lite = {"float32": float_tflite(model, contract, "float32"), "int8": int8_tflite(quantized.to_keras(model, contract), contract)}
    SCRATCH.mkdir(parents=True, exist_ok=True)
    paths = {key: SCRATCH / f"{key}.onnx" for key in (*lite, "ort_static")} | {"litert": SCRATCH / "int8.tflite"}
    for key, content in lite.items():
        paths[key].write_bytes(Conversion(model, contract, key, FORMATS.load, made={"tflite": content}).file("onnx"))
    paths["litert"].write_bytes(lite["int8"])
    _ort_static(paths["float32"], paths["ort_static"], contract, images)
    return {key: open_session(path, contract) for key, path in paths.items()}, images.pixels[:1]


def _ort_static(source, target, contract: Contract, images: Images) -> None:
    """quantize_static as ONNX Runtime's documentation advises for x86: preprocessed, QDQ, uint8 activations, int8 per-channel weights."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static, shape_inference

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.batches: Iterator = iter({contract.input.name: pixels[None].astype(np.float32)} for pixels in images.pixels)

        def get_next(self) -> dict | None:
            return next(self.batches, None)

    prepared = target.with_name("prepared.onnx")
    shape_inference.quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)  # all shapes are fixed
    types = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8}
    quantize_static(str(prepared), str(target), Reader(), quant_format=QuantFormat.QDQ, per_channel=True, **types)


if __name__ == "__main__":
    onnxruntime.set_default_logger_severity(3)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
