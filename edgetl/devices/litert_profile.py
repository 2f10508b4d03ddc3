"""Time every operator of a TFLite model by LiteRT's own profiler. Sent to a device beside runner.py, and stands alone as it does.

    python3 litert_profile.py MODEL RUNS THREADS DELEGATE      writes profile.json: a list of {operator, type, ms}

Python's Interpreter offers no profiler; LiteRT's C library, in the same package, does. Its functions are not a promised interface: they are
called as litert/c/*.h declares them in RELEASES, and in a process of their own, whose crash loses the profile only.
"""

from __future__ import annotations  # of Python 3.8, which some boards still have

import ctypes
import json
import re
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

RELEASES = ("2.2.", "2.3.")  # tried; 2.1 takes other arguments
_WARMUP = 10
_CPU, _HOST_WRITE = 1, 1  # kLiteRtHwAcceleratorCpu, kLiteRtTensorBufferLockModeWrite
_ELEMENTS = {"float32": 1, "int32": 2, "uint8": 3, "int8": 9}  # LiteRtElementType
_OPERATOR, _INSIDE_DELEGATE = 2, 8  # event types: one of the model's operators, one of a delegate's own
# XNNPACK's operators carry no names. Those of a family come in the order of the model's, so where both count the same they are matched.
_FAMILIES = (
    (r"Convolution|Deconvolution|Fully Connected", r"CONV_2D|DEPTHWISE_CONV_2D|TRANSPOSE_CONV|FULLY_CONNECTED"),
    (r"Add\b", r"ADD"),
    (r"Multiply\b", r"MUL"),
    (r"Mean\b|Global Average Pooling", r"MEAN"),
)
_pointer, _size = ctypes.c_void_p, ctypes.c_size_t


class _TensorType(ctypes.Structure):
    """LiteRtRankedTensorType; `rank` is a bit field of 7 bits before the flag for strides, which stays 0."""

    _fields_ = (("element", ctypes.c_int), ("rank", ctypes.c_uint), ("shape", ctypes.c_int32 * 8), ("strides", ctypes.c_uint32 * 8))


class _Event(ctypes.Structure):
    """ProfiledEventData: microseconds; `index` is the operator's, in the model or in its delegate."""

    _fields_ = (
        ("tag", ctypes.c_char_p),
        ("type", ctypes.c_int),
        ("start", ctypes.c_uint64),
        ("elapsed", ctypes.c_uint64),
        ("memory", _size * 6),
        ("index", ctypes.c_uint64),
        ("more", ctypes.c_uint64),
        ("source", ctypes.c_int),
    )


class ProfiledModel:
    """A compiled model with its profiler. What it holds lives as long as the process."""

    def __init__(self, path: str, threads: int, delegate: str, takes: dict[str, Any], gives: dict[str, Any]) -> None:
        folder = next(iter(find_spec("ai_edge_litert").submodule_search_locations))  # type: ignore[union-attr, arg-type]
        self._library = ctypes.CDLL(str(next(Path(folder).glob("libLiteRt.*"))))  # .so, on macOS .dylib
        self._environment, self._compiled, self._profiler = _pointer(), _pointer(), _pointer()
        model, options = _pointer(), _pointer()
        self._call("CreateEnvironment", ctypes.c_int(0), None, ctypes.byref(self._environment))
        self._call("CreateModelFromFile", self._environment, path.encode(), ctypes.byref(model))
        self._call("CreateOptions", ctypes.byref(options))
        self._call("SetOptionsHardwareAccelerators", options, ctypes.c_int(_CPU))
        self._keep = ctypes.CFUNCTYPE(None, _pointer)(lambda text: None)  # the options' deleter: Python owns their texts
        kernels = 'kernel_mode = "builtin"\n' if delegate == "cpu" else ""
        self._texts = {
            b"runtime_options_string": ctypes.create_string_buffer(b"enable_profiling = true\n"),
            b"xnnpack": ctypes.create_string_buffer(f"{kernels}num_threads = {threads}\n".encode()),
        }
        for name, text in self._texts.items():
            one = _pointer()
            self._call("CreateOpaqueOptions", name, text, self._keep, ctypes.byref(one))
            self._call("AddOpaqueOptions", options, one)
        self._call("CreateCompiledModel", self._environment, model, options, ctypes.byref(self._compiled))
        self._call("CompiledModelGetProfiler", self._compiled, ctypes.byref(self._profiler))
        self._input, self._output = self._buffer("Input", takes), self._buffer("Output", gives)

    def _call(self, name: str, *arguments: Any) -> None:
        status = getattr(self._library, f"LiteRt{name}")(*arguments)
        if status:
            raise SystemExit(f"LiteRt{name} failed with status {status}")

    def _buffer(self, side: str, tensor: dict[str, Any]) -> ctypes.c_void_p:
        needs, buffer = _pointer(), _pointer()
        self._call(f"GetCompiledModel{side}BufferRequirements", self._compiled, _size(0), _size(0), ctypes.byref(needs))
        shape = [int(size) for size in tensor["shape"]]
        kind = _TensorType(_ELEMENTS[tensor["dtype"].__name__], len(shape), (ctypes.c_int32 * 8)(*shape))
        self._call("CreateManagedTensorBufferFromRequirements", self._environment, ctypes.byref(kind), needs, ctypes.byref(buffer))
        return buffer

    def feed(self, image: Any) -> None:
        at = _pointer()
        self._call("LockTensorBuffer", self._input, ctypes.byref(at), ctypes.c_int(_HOST_WRITE))
        ctypes.memmove(at, image.tobytes(), image.nbytes)
        self._call("UnlockTensorBuffer", self._input)

    def infer(self) -> None:
        buffers = ctypes.byref(self._input), _size(1), ctypes.byref(self._output)
        self._call("RunCompiledModel", self._compiled, _size(0), _size(1), *buffers)

    def profiled(self) -> list[tuple[str, int, int, int]]:
        """Return (tag, type, index, microseconds) of the operators of one inference, in the order they ran."""
        self._call("StartProfiler", self._profiler)  # which forgets what was before
        self.infer()
        self._call("StopProfiler", self._profiler)
        count = ctypes.c_int()
        self._call("GetNumProfilerEvents", self._profiler, ctypes.byref(count))
        events = (_Event * count.value)()
        self._call("GetProfilerEvents", self._profiler, count, events)
        kept = (event for event in events if event.type in (_OPERATOR, _INSIDE_DELEGATE))
        return [(event.tag.decode(), event.type, event.index, event.elapsed) for event in kept]


def named(events: list[tuple[str, int, int, int]], nodes: list[tuple[str, str]]) -> list[str]:
    """Return a name for each operator that ran: the tensor it makes where that is sure, else its type and index.

    Args:
        events: see ProfiledModel.profiled.
        nodes: (type, name of the first output) of each operator of the model, in its order.
    """
    inside = [place for place, (_, kind, _, _) in enumerate(events) if kind == _INSIDE_DELEGATE]
    ran = {index for _, kind, index, _ in events if kind == _OPERATOR}
    names = [nodes[index][1] if kind == _OPERATOR else f"{tag} {index}" for tag, kind, index, _ in events]
    for kernels, types in _FAMILIES:
        places = [place for place in inside if re.match(kernels, events[place][0])]
        makers = [node for index, node in enumerate(nodes) if index not in ran and re.fullmatch(types, node[0])]
        if len(places) == len(makers):
            names_of = {place: makers[at] for at, place in enumerate(places)}
            if all("DWConv" not in events[place][0] or kind == "DEPTHWISE_CONV_2D" for place, (kind, _) in names_of.items()):
                for place, (_, name) in names_of.items():
                    names[place] = name
    return names


def profile(path: str, runs: int, threads: int, delegate: str) -> list[dict[str, Any]]:
    """Return the milliseconds of each operator: the mean over the faster half of the runs, since one interruption outweighs a network.

    XNNPACK counts whole microseconds, rounded down: what takes less shows as 0.
    """
    try:
        found = version("ai-edge-litert")
    except PackageNotFoundError:
        raise SystemExit("only ai-edge-litert has a profiler, tflite-runtime has none") from None
    if not found.startswith(RELEASES):
        raise SystemExit(f"ai-edge-litert {found} is not a release that this was tested with: {', '.join(f'{r}x' for r in RELEASES)}")
    import numpy
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    plain = Interpreter(model_path=path, experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    [takes], [gives] = plain.get_input_details(), plain.get_output_details()
    tensors = {tensor["index"]: tensor["name"] for tensor in plain.get_tensor_details()}
    nodes = [(node["op_name"], tensors[node["outputs"][0]]) for node in plain._get_ops_details()]
    model = ProfiledModel(path, threads, delegate, takes, gives)
    model.feed(numpy.random.default_rng(0).integers(0, 256, takes["shape"]).astype(takes["dtype"]))
    for _ in range(_WARMUP):
        model.infer()
    passes = [model.profiled() for _ in range(runs)]
    if not passes[0] or any(len(one) != len(passes[0]) for one in passes):
        raise SystemExit("LiteRT's profiler gave no operators, or not the same ones in each run")
    calm = sorted(passes, key=lambda one: sum(event[3] for event in one))[: (runs + 1) // 2]
    names = named(passes[0], nodes)
    return [
        {"operator": names[place], "type": tag, "ms": sum(one[place][3] for one in calm) / len(calm) / 1000}
        for place, (tag, *_) in enumerate(passes[0])
    ]


if __name__ == "__main__":
    found = profile(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    Path("profile.json").write_text(json.dumps(found), encoding="utf-8")
