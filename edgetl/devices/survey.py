"""Which devices there are now."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from edgetl.devices import KINDS, named, open_device
from edgetl.errors import EdgetlError


def survey() -> dict[str, dict[str, Any]]:
    """Every device that is present or named, with what it says of itself, or with the error that tells what is missing."""
    specs = list(named())
    for kind in KINDS:
        specs += [f"{kind}:{target}" if target else kind for target in KINDS.load(kind).present()]
    with ThreadPoolExecutor(len(specs)) as pool:
        return dict(zip(specs, pool.map(_probed, specs), strict=True))


def _probed(spec: str) -> dict[str, Any]:
    try:
        device = open_device(spec)
        try:
            return device.probe()
        finally:
            device.close()
    except EdgetlError as error:
        return {"error": {"problem": error.problem, "remedy": error.remedy}}
