"""Run a TFLite file by TensorFlow Lite Micro, in a process of its own: its C++ ends the process on damaged files, and reports to stderr.

Started as `python -m edgetl.micro.program MODEL ARENA`. It writes a line of JSON about the file to stdout, and the arena's use to stderr;
then it reads images from stdin, one after the other, and writes the bytes of each output to stdout.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np


def main(model: Path, arena_bytes: int) -> None:
    from tflite_micro import runtime

    interpreter: Any = runtime.Interpreter.from_bytes(model.read_bytes(), arena_size=arena_bytes)
    takes, gives = interpreter.get_input_details(0), interpreter.get_output_details(0)
    facts = {}
    for name, details in (("input", takes), ("output", gives)):
        grid = details["quantization_parameters"]
        scale, zero_point = (grid[part].tolist()[0] if len(grid[part]) else 0 for part in ("scales", "zero_points"))
        dtype = np.dtype(details["dtype"]).name
        facts[name] = {"shape": details["shape"].tolist(), "dtype": dtype, "scale": scale, "zero_point": zero_point}
    interpreter.print_allocations()
    sys.stdout.buffer.write(json.dumps(facts).encode() + b"\n")
    sys.stdout.buffer.flush()
    size = int(np.prod(takes["shape"])) * np.dtype(takes["dtype"]).itemsize
    while len(image := sys.stdin.buffer.read(size)) == size:
        interpreter.set_input(np.frombuffer(image, takes["dtype"]).reshape(takes["shape"]), 0)
        interpreter.invoke()
        sys.stdout.buffer.write(interpreter.get_output(0).tobytes())
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
