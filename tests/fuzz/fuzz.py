"""Coverage-guided fuzzing of every reader: python tests/fuzz/fuzz.py --runs 100000 [READER...]

The inputs are shared out among the readers by their `share`. An input that ends in anything but EdgetlError, takes 40 s or 4 GiB is kept in
build/fuzz and is the exit code 1. Needs atheris (the dev extra brings it).
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
_LIMIT_S, _LIMIT_MIB = 40, 4096  # of one input: HDF5 is given 30 s, and TensorFlow alone takes 1 GiB
_INSTRUMENTED = ["edgetl", "tomllib", "PIL", "flatbuffers"]


def _fuzz(name: str, runs: int, seed: int) -> None:
    """In this process, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=_INSTRUMENTED):
        from tests.fuzz.readers import READERS, run

        reader = READERS[name]
        examples = reader.examples()
        for example in examples:  # imports what it needs while imports are instrumented
            run(reader, example)
    kept = ROOT / "build" / "fuzz"
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="edgetl-corpus-") as corpus:
        for number, example in enumerate(examples):
            (Path(corpus) / str(number)).write_bytes(example)
        limits = [f"-timeout={_LIMIT_S}", f"-rss_limit_mb={_LIMIT_MIB}", f"-max_len={max(64, 2 * max(map(len, examples)))}"]
        prefix = f"-artifact_prefix={kept}/{name.replace(' ', '_')}-"
        atheris.Setup([sys.argv[0], f"-runs={runs}", f"-seed={seed}", *limits, prefix, corpus], lambda data: run(reader, data) and None)
        atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readers", nargs="*", metavar="READER", help="see tests/fuzz/readers.py; all of them by default")
    parser.add_argument("--runs", type=int, default=100_000, help="inputs, over all readers")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.here:
        _fuzz(asked.readers[0], asked.runs, asked.seed)
    from tests.fuzz.readers import READERS  # not before: what is imported already is not instrumented

    names = asked.readers or list(READERS)
    shares = sum(READERS[name].share for name in names)
    done, failed, started = 0, [], time.monotonic()
    for name in names:
        runs = -(-asked.runs * READERS[name].share // shares)
        command = [sys.executable, "-P", __file__, name, "--here", "--runs", str(runs), "--seed", str(asked.seed)]
        began = time.monotonic()
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, errors="replace")
        counted = re.findall(r"^Done (\d+) (?:runs )?in", ended.stderr, re.MULTILINE)
        covered = re.findall(r"\bcov: (\d+)", ended.stderr)
        done += int(counted[-1]) if counted else 0
        good = ended.returncode == 0 and bool(counted)
        figures = f"{counted[-1] if counted else 0:>7} inputs {time.monotonic() - began:5.0f} s  coverage {covered[-1] if covered else 0}"
        sys.stdout.write(f"{name:40} {figures}{'' if good else '  FAILED'}\n")
        sys.stdout.flush()
        if not good:
            failed.append(name)
            sys.stdout.write(ended.stdout[-2000:] + ended.stderr[-4000:] + "\n")
    sys.stdout.write(f"{done} inputs in {time.monotonic() - started:.0f} s; {len(failed)} of {len(names)} readers failed\n")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
