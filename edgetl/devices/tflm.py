"""A microcontroller as TensorFlow Lite Micro's interpreter sees it: the memory that a model takes, measured here. Nothing is timed."""

from edgetl.devices.base import AbsentDevice, Job, Kind
from edgetl.devices.messages import DeviceFacts, Measurement, Reply
from edgetl.devices.plan import Plan
from edgetl.documents import Part
from edgetl.errors import DependencyError, DeviceError, ExportError, UsageError
from edgetl.micro.footprint import footprint
from edgetl.micro.interpreter import missing, version
from edgetl.runtimes.base import Memory
from edgetl.software import install


class TflmDevice(AbsentDevice):
    """A microcontroller that is not there."""

    runtimes = ("litert",)

    def probe(self) -> DeviceFacts:
        return DeviceFacts(model="any microcontroller: memory alone", runtimes={"tflite-micro": version()})

    def measure(self, job: Job) -> Reply:
        if job.plan.delegate not in (Plan.delegate, "cpu"):
            raise DeviceError(f"{self.name} has no delegate '{job.plan.delegate}'", "leave --delegate out")
        if job.images and job.required:
            raise DeviceError(
                f"{self.name} measures memory alone", "leave --accuracy out; 'edgetl validate' runs the files of the format tflm"
            )
        try:
            found = footprint(job.model.read_bytes())
        except ExportError as error:
            raise DeviceError(error.problem, error.remedy) from error
        memory = Memory(arena_bytes=found.arena_bytes, flash_bytes=found.flash_bytes, macs=found.macs)
        return Reply(measurement=Measurement(runtime=f"tflite-micro {version()}", memory=memory))


def _open(name: str, target: str, settings: Part) -> TflmDevice:
    if target:
        raise UsageError(f"there is no device '{name}': memory is the same on all microcontrollers", "write tflm")
    if missing():
        raise DependencyError(f"{name}: {missing()}", install("mcu"))
    return TflmDevice(name)


KIND = Kind(_open, Part, lambda: [])
