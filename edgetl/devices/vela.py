"""Arm's Ethos-U NPUs by their compiler: what it estimates of a model. Nothing is run, so that there is neither latency nor a prediction."""

from edgetl.devices.base import AbsentDevice, Job, Kind
from edgetl.devices.messages import DeviceFacts, Measurement, Placement, ProcessorShare, Reply
from edgetl.devices.plan import Plan
from edgetl.documents import Part
from edgetl.errors import DependencyError, DeviceError, ExportError
from edgetl.micro.ethos_u import check_accelerator, compiled, version
from edgetl.software import install

_DELEGATES = (Plan.delegate, "npu")  # one and the same here


class VelaSettings(Part):
    """Settings of an NPU in the devices file.

    Args:
        accelerator: such as ethos-u55-128.
    """

    accelerator: str | None = None


class VelaDevice(AbsentDevice):
    """An NPU that is not there: files are compiled for it."""

    runtimes = ("litert",)

    def __init__(self, name: str, accelerator: str) -> None:
        super().__init__(name)
        self._accelerator = accelerator

    def probe(self) -> DeviceFacts:
        return DeviceFacts(model=f"{self._accelerator}, estimated", runtimes={"vela": version()})

    def measure(self, job: Job) -> Reply:
        if job.plan.delegate not in _DELEGATES:
            raise DeviceError(f"{self.name} has no delegate '{job.plan.delegate}'", "leave --delegate out, or name npu: it is one")
        if job.images and job.required:
            raise DeviceError(f"{self.name} predicts nothing, it estimates", "leave --accuracy out")
        try:
            found = compiled(job.model.read_bytes(), self._accelerator).estimate
        except ExportError as error:
            raise DeviceError(error.problem, error.remedy) from error
        shares = [ProcessorShare(processor="NPU", by=f"{self._accelerator}, by vela's estimate", operators=found.on_npu)]
        if found.cpu_operators:
            shares.append(ProcessorShare(processor="CPU", by="TensorFlow Lite Micro's kernels", operators=len(found.cpu_operators)))
        placement = Placement(shares=tuple(shares), fell_back=found.cpu_operators)
        return Reply(measurement=Measurement(runtime=f"vela {version()}", placement=placement, estimate=found))


def _open(name: str, target: str, settings: VelaSettings) -> VelaDevice:
    accelerator = settings.accelerator or target
    check_accelerator(accelerator)
    if not version():
        raise DependencyError(f"{name} needs Arm's compiler, the Python package ethos-u-vela", install("mcu"))
    return VelaDevice(name, accelerator)


KIND = Kind(_open, VelaSettings, lambda: [])
