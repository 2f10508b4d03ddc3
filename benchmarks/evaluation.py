"""How long a run's models take for all validation images, and how near each comes to what its one-thread latency allows on all cores.

usage: python benchmarks/evaluation.py RUN [ROUNDS]     a run that has float32 and int8 exports
"""

import sys
from pathlib import Path
from statistics import median

import numpy as np
from common import cpu_line, seconds

from edgetl.pipeline.project import Project
from edgetl.runtimes import open_session
from edgetl.runtimes.base import SIDE_BY_SIDE, Session, predict

FILES = ("float.keras", *(f"export/model_{precision}.{suffix}" for suffix in ("tflite", "onnx") for precision in ("float32", "int8")))


def main(run: Path, rounds: int) -> None:
    project = Project.open(run)
    pixels, rows = project.data.images.pixels, project.data.rows("val")
    print(f"{cpu_line()}; {len(rows)} images of {project.contract.height} px, medians of {rounds}")
    print(f"{'file':32} {'seconds':>8} {'ms/image':>11} {'one alone, ms':>14} {'of the limit':>13}")
    sessions = {file: open_session(run / file, project.contract) for file in FILES}
    took: dict[str, list[tuple[float, float]]] = {file: [] for file in FILES}
    for number in range(rounds + 1):
        for file, session in sessions.items():
            whole = seconds(lambda session=session: predict(session, pixels, rows, "evaluating"))
            alone = one_ms(session, np.asarray(pixels[rows[:1]]))
            if number:
                took[file].append((whole, alone))
    for file, rounds_of in took.items():
        whole, alone = (median(part) for part in zip(*rounds_of, strict=True))
        each = 1000 * whole / len(rows)
        print(f"{file:32} {whole:8.2f} {each:11.3f} {alone:14.3f} {alone / SIDE_BY_SIDE / each:13.2f}")


def one_ms(session: Session, image: np.ndarray) -> float:
    return median(1000 * seconds(lambda: session(image)) for _ in range(200))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5)
