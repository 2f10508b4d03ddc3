"""The devices that can be used now, and why others cannot."""

from concurrent.futures import ThreadPoolExecutor

from edgetl.devices import KINDS, named, open_device
from edgetl.devices.messages import DeviceFacts
from edgetl.errors import EdgetlError, Failure


def survey() -> dict[str, DeviceFacts | Failure]:
    """Probe every device that is present or named; return its facts, or what is missing."""
    specs = list(named())
    for kind in KINDS:
        specs += [f"{kind}:{target}" if target else kind for target in KINDS.load(kind).present()]
    with ThreadPoolExecutor(len(specs)) as pool:
        return dict(zip(specs, pool.map(_probed, specs), strict=True))


def _probed(spec: str) -> DeviceFacts | Failure:
    try:
        device = open_device(spec)
        try:
            return device.probe()
        finally:
            device.close()
    except EdgetlError as error:
        return error.failure
