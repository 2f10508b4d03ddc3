"""How much memory `edgetl train` holds over time, beside a process that has made the model and nothing else. Linux.

usage: python benchmarks/memory.py DATA [OPTION OF TRAIN...]     by default MobileNetV2 0.35 at 96 px from random weights
"""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import cpu_line

_SHORT = (
    *("--backbone", "mobilenet_v2", "--alpha", "0.35", "--image-size", "96", "--weights", "none"),
    *("--epochs", "2", "--head-epochs", "1", "--qat-epochs", "1"),
)
_BARE = "from common import classifier; classifier('mobilenet_v2', 0.35, 96)"


def main(arguments: list[str]) -> None:
    print(cpu_line())
    print(f"the model alone: {resident([sys.executable, '-c', _BARE])[-1][1]:.0f} MiB")
    with tempfile.TemporaryDirectory() as folder:
        run = str(Path(folder, "run"))
        seen = resident([sys.executable, "-m", "edgetl", "train", arguments[0], "--out", run, *_SHORT, *arguments[1:]])
    whole = seen[-1][0]
    print(f"{'share of the time':18} {'most MiB resident':>18}    {whole:.0f} s in all")
    for tenth in range(10):
        inside = [size for at, size in seen if tenth <= 10 * at / whole <= tenth + 1]
        print(f"{tenth * 10:3} to {tenth * 10 + 10:3} % {max(inside, default=0):24.0f}")
    print(f"the most: {max(size for _, size in seen):.0f} MiB")


def resident(command: list[str]) -> list[tuple[float, float]]:
    """(seconds since the start, MiB resident), a few times a second while it runs."""
    started, seen = time.monotonic(), []
    with subprocess.Popen(command, cwd=Path(__file__).parent, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
            if found:
                seen.append((time.monotonic() - started, int(found[1]) / 1024))
            time.sleep(0.2)
    if process.returncode:
        sys.exit(process.returncode)
    return seen


if __name__ == "__main__":
    main([str(Path(sys.argv[1]).resolve()), *sys.argv[2:]] if Path(sys.argv[1]).exists() else sys.argv[1:])
