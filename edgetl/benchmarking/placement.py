"""Find which processor ran which share of a model's operators, from what a device reports of it."""

import re
from collections import Counter

from edgetl.benchmarking.operators import layer_of
from edgetl.devices.messages import PlacedOperator, Placement, PlacementReport, ProcessorShare
from edgetl.devices.plan import ACCELERATORS
from edgetl.wording import counted

_CPU = "CPU"
# What the runtimes call kernels: a provider of ONNX Runtime, a delegate of LiteRT. The last four choose a processor by themselves.
_PROCESSORS = (
    (r"XNNPACK|Xnnpack|^CPU|built-in|wasm", _CPU),
    (r"CUDA|Tensorrt|MIGraphX|ROCM|Dml|WebGpu|JsExecution|Gpu|GPU", "GPU"),
    (r"QNN|VitisAI|VSINPU|Rknpu|CANN|Hexagon|Dispatch", "NPU"),
    (r"WebNN", "WebNN"),
    (r"Nnapi|NNAPI", "NNAPI"),
    (r"CoreML|CoreMl", "Core ML"),
    (r"OpenVINO", "OpenVINO"),
)
_CHOOSE = ("WebNN", "NNAPI", "Core ML", "OpenVINO")
_ADAPTER = re.compile(r"Selected adapter: (.*?), arch=.*?backend=(\w+), adapterType=(.*)")
_OPENVINO = re.compile(r"Using Intel OpenVINO device: (\w+)")
# How LiteRT's logs count: of its GPU delegate, of the compiler of an NPU, and of any delegate.
_GPU = re.compile(r"(\d+) operations? will run on the GPU, and the remaining (\d+) operations? will run on the CPU")
_NPU = re.compile(r"selected (\d+) ops, from a total of (\d+) ops")
_COMPILED = re.compile(r"([1-9]\d*) compiler plugins were applied successfully")
_REPLACED = re.compile(r"Replacing (\d+) out of (\d+) node\(s\) with delegate \((\w+)\)")
_COMPLETELY = re.compile(r"pplied (\S+) delegate, and the model graph will be completely executed")
_REFUSED = re.compile(r"^(?:ERROR: |WARNING: |INFO: )?([A-Z][A-Z0-9_]+): (.*)$", re.MULTILINE)
_LISTED = 5  # operators in a warning: enough to see what they have in common


def placement(delegate: str, placed: PlacementReport) -> Placement:
    """Return who ran what, under this delegate."""
    if any(one.by for one in placed.operators):
        return _by_operator(delegate, placed)
    shares, doubts = _by_log(delegate, placed)
    if not shares:
        return Placement(doubts=(f"the runtime does not say which operators {_named(delegate)} ran", *doubts))
    left = sum(share.operators for share in shares[1:])
    return Placement(shares=shares, fell_back=_refused(placed, left) if left else (), doubts=doubts)


def fallback(delegate: str, placement: Placement) -> str:
    """Return what fell back as a warning; empty: nothing did."""
    if not placement.fell_back:
        return ""
    known = placement.fell_back[:_LISTED]
    more = len(placement.fell_back) - len(known)
    left = sum(share.operators for share in placement.shares if not _takes(delegate, share.by, share.processor))
    shown = "; ".join([*known, *([f"and {more} more"] if more else [])])
    return f"{left} of {counted(placement.operators, 'operator')} fell back from {_named(delegate)}: {shown}"


def _named(delegate: str) -> str:
    return f"the delegate {delegate}"


def _by_operator(delegate: str, placed: PlacementReport) -> Placement:
    operators, adapter = placed.operators, _ADAPTER.search(placed.log)
    by, processor, software = _chip(delegate, placed.log) if adapter else ("", "", ())
    counts = Counter(
        (processor, f"{one.by}, {by}") if adapter and _processor(one.by) == "GPU" else (_processor(one.by), one.by) for one in operators
    )
    shares = tuple(ProcessorShare(processor=processor, by=by, operators=count) for (processor, by), count in counts.most_common())
    left = [one for one in operators if delegate in ACCELERATORS and not _takes(delegate, one.by, _processor(one.by))]
    doubts = [
        f"{share.by} does not say which processor it used, and may have joined operators" for share in shares if share.processor in _CHOOSE
    ]
    doubts += software if any(share.by.endswith(by) for share in shares) else ()
    return Placement(shares=shares, fell_back=tuple(dict.fromkeys(map(_text, left))), doubts=tuple(doubts))


def _text(one: PlacedOperator) -> str:
    layer = layer_of(one.operator)
    return f"{one.type} ({layer})" if layer and layer != one.type else one.type


def _processor(by: str) -> str:
    return next((processor for pattern, processor in _PROCESSORS if re.search(pattern, by)), "unknown")


def _takes(delegate: str, by: str, processor: str) -> bool:
    """Return whether these kernels are the delegate's."""
    return "XNNPACK" in by.upper() if delegate == "xnnpack" else processor != _CPU or " as " in by


def _by_log(delegate: str, placed: PlacementReport) -> tuple[tuple[ProcessorShare, ...], tuple[str, ...]]:
    """Return the accelerator's share, then the CPU's, and doubts; nothing where the log counts nothing."""
    total = len(placed.operators)
    taken, left = _counted(delegate, placed)
    if taken is None:
        return (), ()
    by, processor, doubts = _chip(delegate, placed.log)
    shares = [ProcessorShare(processor=processor, by=by, operators=taken)] if taken or total else []
    shares += [ProcessorShare(processor=_CPU, by="other kernels", operators=left)] if left else []
    return tuple(shares), doubts if taken else ()


def _counted(delegate: str, placed: PlacementReport) -> tuple[int | None, int]:
    """Return how many operators the accelerator took, None where nothing says it, and how many are left."""
    log, total = placed.log, len(placed.operators)
    if found := _GPU.search(log):
        return int(found[1]), int(found[2])
    if found := _NPU.search(log):
        taken = int(found[1]) if _COMPILED.search(log) else 0
        return taken, int(found[2]) - taken
    replaced = [(int(found[1]), int(found[2])) for found in _REPLACED.finditer(log) if _takes(delegate, found[3], _processor(found[3]))]
    if replaced:
        return replaced[0][0], replaced[0][1] - replaced[0][0]
    if total and placed.left:
        return total - len(placed.left), len(placed.left)
    if total and (placed.alone or _COMPLETELY.search(log)):
        return total, 0
    return None, 0


def _chip(delegate: str, log: str) -> tuple[str, str, tuple[str, ...]]:
    """Return the accelerator's name, its processor, and why it did not accelerate."""
    if adapter := _ADAPTER.search(log):
        chip, backend, kind = adapter.groups()
        name = f"{chip} by {backend}"
        if "CPU" in kind:
            return f"{name} as GPU", _CPU, (f"the GPU is a program on the CPU: {chip}",)
        return name, "GPU", ()
    if found := _OPENVINO.search(log):
        name = f"OpenVINO on the {found[1]}"
        return (name, found[1], ()) if found[1] == "NPU" else (f"{name} as NPU", found[1], (f"the NPU is {name}",))
    if delegate not in ACCELERATORS:
        return "the runtime's kernels", _CPU, ()
    if delegate == "xnnpack":
        return "XNNPACK", _CPU, ()
    processor = {"webnn": "WebNN"}.get(delegate, delegate.upper())
    return f"{delegate} delegate", processor, (f"{processor} does not say which processor it used",) if processor in _CHOOSE else ()


def _refused(placed: PlacementReport, left: int) -> tuple[str, ...]:
    """Return the operators that the log refuses, with its reasons; where it names none, how many there are."""
    said = placed.log.partition("operations are not supported by")[2].partition("operations will run")[0]
    named = dict.fromkeys(f"{kind}: {why.strip()}" for kind, why in _REFUSED.findall(said))
    return tuple(named) or placed.left or (f"{counted(left, 'operator')} that the log does not name",)
