"""How a benchmark measures. It imports nothing heavy: the options of `edgetl benchmark` have their defaults from here."""

from dataclasses import dataclass

from edgetl.errors import UsageError
from edgetl.registry import did_you_mean

DELEGATES = ("default", "cpu", "xnnpack", "gpu", "npu", "nnapi", "coreml", "webnn")
ACCELERATORS = DELEGATES[2:]  # which may leave operators to the CPU's plain kernels; the others leave nothing to fall back from


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How each model is measured on each device.

    Args:
        threads: of the runtime.
        runs, warmup: least number of timed inferences, and number of inferences before them.
        duration_s: timed inferences go on for at least this long.
        cpus: cores to run on; none: any.
        delegate: "default", or see DELEGATES.
        profile: inferences to time operator by operator afterwards; 0: none.
    """

    threads: int = 1
    runs: int = 50
    warmup: int = 10
    duration_s: float = 0.0
    cpus: tuple[int, ...] = ()
    delegate: str = "default"
    profile: int = 0

    def __post_init__(self) -> None:
        if self.delegate not in DELEGATES:
            raise UsageError(f"there is no delegate '{self.delegate}'", did_you_mean(self.delegate, DELEGATES))
        for name, least in (("threads", 1), ("runs", 1), ("warmup", 0), ("duration_s", 0)):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not least <= value < float("inf"):
                raise UsageError(f"{name} cannot be {value!r}", f"give a number of at least {least}")

    @property
    def accelerated(self) -> bool:
        """Whether an accelerator is asked for."""
        return self.delegate in ACCELERATORS
