"""TensorFlow Lite Micro beside LiteRT, on the images that measure: its default kernels (XNNPACK) and its reference kernels.

usage: python benchmarks/tflm_parity.py RUN...   runs with an exported int8 TFLite file; the extra mcu

A row a run: arena and model in bytes, the images of which both say the same, of how many of the others the file's own steps of 1/256 make
the two best classes equal, and the mean difference in steps. Reference kernels are expected to be equal to the bit: what differs from
XNNPACK is its rounding (once, where the others round twice), which grows from layer to layer.
"""

import sys
from functools import partial
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from edgetl.micro.footprint import footprint
from edgetl.pipeline.project import Project
from edgetl.runtimes.litert import LiteRTSession
from edgetl.runtimes.tflm import TflmSession


def main(runs: list[str]) -> None:
    print("run  arena  model  images  same as XNNPACK  of the others tied  mean steps  same as reference  equal to the bit")
    for run in runs:
        project = Project.open(Path(run))
        content = (project.run.export / "model_int8.tflite").read_bytes()
        pixels = np.asarray(project.data.trained_images().pixels[project.data.measuring_rows(0)])
        found = TflmSession(content)(pixels)
        default, reference = (LiteRTSession(partial(_interpreter, content, kind))(pixels) for kind in ("AUTO", "BUILTIN_REF"))
        same, tied = found.argmax(1) == default.argmax(1), _tied(found) | _tied(default)
        needs = footprint(content)
        print(
            f"{Path(run).name}  {needs.arena_bytes:,}  {needs.flash_bytes:,}  {len(found)}  {same.sum()} ({100 * same.mean():.2f} %)  "
            f"{(tied & ~same).sum()} of {(~same).sum()}  {256 * np.abs(found - default).mean():.2f}  "
            f"{(found.argmax(1) == reference.argmax(1)).sum()}  {(found == reference).all(axis=1).sum()}"
        )


def _interpreter(content: bytes, kind: str) -> Interpreter:
    made = Interpreter(model_content=content, num_threads=1, experimental_op_resolver_type=getattr(OpResolverType, kind))
    made.allocate_tensors()
    return made


def _tied(probabilities: NDArray[np.float32]) -> NDArray[np.bool_]:
    best = np.sort(probabilities, axis=1)
    tied: NDArray[np.bool_] = best[:, -1] == best[:, -2]
    return tied


if __name__ == "__main__":
    main(sys.argv[1:])
