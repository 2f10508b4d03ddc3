"""How long commands take that compute nothing, beside the bare interpreter and the libraries that they cannot do without.

usage: python benchmarks/startup.py [ROUNDS]
"""

import subprocess
import sys
import time
from statistics import median

from common import cpu_line

PYTHON = [sys.executable, "-c"]
ROWS = {
    "bare Python": [*PYTHON, "pass"],
    "import typer, rich.table": [*PYTHON, "import typer, rich.table"],
    "import tensorflow, tf_keras": [*PYTHON, "import os; os.environ['TF_USE_LEGACY_KERAS'] = '1'; import tensorflow, tf_keras"],
    "edgetl --help": [sys.executable, "-m", "edgetl", "--help"],
    "edgetl train --help": [sys.executable, "-m", "edgetl", "train", "--help"],
    "edgetl list backbones": [sys.executable, "-m", "edgetl", "list", "backbones"],
    "edgetl list sources": [sys.executable, "-m", "edgetl", "list", "sources"],
}


def main(rounds: int) -> None:
    print(cpu_line())
    took: dict[str, list[float]] = {name: [] for name in ROWS}
    for number in range(rounds + 1):
        for name, command in ROWS.items():
            started = time.perf_counter()
            subprocess.run(command, capture_output=True, check=True)
            if number:  # the first round reads the files from the disk
                took[name].append(time.perf_counter() - started)
    for name, seconds in took.items():
        print(f"{name:30} {median(seconds):6.2f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
