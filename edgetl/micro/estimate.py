"""An estimate of a model on an NPU that nothing has run it on."""

from edgetl.documents import Amount, Count, Part
from edgetl.wording import counted


class NpuEstimate(Part):
    """Figures that Arm's compiler, vela, estimates of a model on an NPU; none of them was measured.

    Args:
        system, memory_mode: the surroundings that vela assumes, in its words.
        clock_mhz: of the NPU.
        cycles: of one prediction, without those of operators on the CPU.
        npu_cycles: those of them in which the NPU would compute if it never waited for memory.
        sram_bytes: working memory.
        flash_bytes: of the compiled file: commands for the NPU and packed weights.
        operators: of the original file.
        cpu_operators: those of them that stay with the CPU, as "SOFTMAX (name)".
    """

    accelerator: str
    system: str
    memory_mode: str
    clock_mhz: Amount
    cycles: Count
    npu_cycles: Count
    sram_bytes: Count
    flash_bytes: Count
    operators: Count
    cpu_operators: tuple[str, ...] = ()

    @property
    def ms(self) -> float:
        """The time of one prediction, at this clock."""
        return self.cycles / (1000 * self.clock_mhz)

    @property
    def on_npu(self) -> int:
        """The number of operators that the NPU runs."""
        return max(self.operators - len(self.cpu_operators), 0)

    @property
    def left(self) -> str:
        """Say which operators the NPU does not run; empty: it runs all."""
        found = counted(self.operators, "operator")
        if not self.cpu_operators:
            return ""
        named = ", ".join(self.cpu_operators)
        return f"{len(self.cpu_operators)} of {found} stay with the CPU, whose time is not in the estimate: {named}"

    @property
    def _and_more(self) -> str:
        return " + the CPU's" if self.cpu_operators else ""

    @property
    def texts(self) -> list[str]:
        """A row of `COLUMNS`."""
        return [
            f"{self.ms:.2f}{self._and_more}",
            f"{self.cycles:,}{self._and_more}",
            f"{self.sram_bytes / 1024:,.0f}",
            f"{self.flash_bytes / 1024:,.0f}",
            f"{self.on_npu} of {self.operators}",
            f"{self.system}, {self.memory_mode}, {self.clock_mhz:g} MHz",
        ]


COLUMNS = ("estimated ms", "estimated cycles", "SRAM KiB", "flash KiB", "operators on the NPU", "system that is assumed")
LEGEND = "Estimated by Arm's compiler, vela: nothing was run, and a board's figures differ"
