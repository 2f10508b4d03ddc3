"""SavedModel folders: the graph is parsed, its functions are laid out flat, weights come from the checkpoint; nothing is run."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from edgetl.keras import SavedModelProto, tf

import numpy as np
from google.protobuf.message import DecodeError

from edgetl.errors import ModelFileError
from edgetl.importing import tensorflow_operators
from edgetl.importing.base import Origin, Unsupported, Wish, damaged
from edgetl.importing.graph import MOST_NODES, Graph, Importer, Sketch
from edgetl.importing.operators import FIRST, LAST
from edgetl.importing.tensorflow_node import TensorNode

_LARGEST_GRAPH_BYTES, _LARGEST_BYTES = 1 << 28, 1 << 30
_DEEPEST = 16  # functions that call functions
_CALLS = ("StatefulPartitionedCall", "PartitionedCall")
_FAULTS = (ValueError, TypeError, LookupError, OverflowError, MemoryError, OSError, CycleError, RecursionError, tf.errors.OpError)


def _takes(path: Path) -> bool:
    return (path / "saved_model.pb").is_file()


def _read(path: Path, wish: Wish) -> tuple[Graph, Origin]:
    try:
        file = path / "saved_model.pb"
        if file.stat().st_size > _LARGEST_GRAPH_BYTES:
            raise ValueError(f"its graph is larger than {_LARGEST_GRAPH_BYTES >> 20} MiB")
        metas = SavedModelProto.FromString(file.read_bytes()).meta_graphs
        meta = next((one for one in metas if "serve" in one.meta_info_def.tags), metas[0] if metas else None)
        if meta is None:
            raise ValueError("it holds no graph")
        flat = _Flat({one.signature.name: one for one in meta.graph_def.library.function})
        flat.lay_out(list(meta.graph_def.node), "", {}, 0)
        image, output, shape = _ends(path, meta)
        nodes = flat.needed(output)
        sketch = _begun(path, nodes, (image, shape), wish)
        weights = _weights(path, flat, meta.saver_def.restore_op_name)
        for node in nodes:
            _add(sketch, node, weights)
        version = meta.meta_info_def.tensorflow_version
        return sketch.graph(flat.source(output)), Origin(f"TensorFlow {version}"[:100])
    except (DecodeError, Unsupported) as error:
        raise damaged(path, error) from error
    except _FAULTS as error:
        raise damaged(path, error) from error


@dataclass(frozen=True, eq=False)
class FlatNode:
    """A node of the flat graph: its own name and those of the tensors that it reads, as "node:0"."""

    name: str
    proto: Any
    inputs: tuple[str, ...]


@dataclass
class _Flat:
    """All nodes, those of called functions among them under the caller's name."""

    functions: dict[str, Any]
    nodes: dict[str, FlatNode] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)

    def lay_out(self, protos: list[Any], prefix: str, arguments: dict[str, str], depth: int) -> None:
        """Add the nodes of a graph or of a function's body, whose arguments stand for tensors of the caller."""
        if depth > _DEEPEST or len(self.nodes) + len(protos) > 4 * MOST_NODES:
            raise ValueError("its functions are nested too deeply, or unfold to too many nodes")
        for proto in protos:
            name = prefix + proto.name
            inputs = tuple(self._tensor(one, prefix, arguments) for one in proto.input if not one.startswith("^"))
            called = self.functions.get(proto.attr["f"].func.name) if proto.op in _CALLS else None
            if called is None:
                self.nodes[name] = FlatNode(name, proto, inputs)
                continue
            given = dict(zip([one.name for one in called.signature.input_arg], inputs, strict=True))
            self.lay_out(list(called.node_def), f"{name}/", given, depth + 1)
            for number, one in enumerate(called.signature.output_arg):
                self.renamed[f"{name}:{number}"] = self._tensor(called.ret[one.name], f"{name}/", given)

    @staticmethod
    def _tensor(text: str, prefix: str, arguments: dict[str, str]) -> str:
        """Return a tensor's name in the flat graph: "x", "x:1" in a graph; "x:y:1", or an argument, in a function."""
        name, *more = text.split(":")
        if name in arguments:
            return arguments[name]
        number = more[-1] if more else "0"
        return f"{prefix}{name}:{number if number.isdigit() else 0}"

    def source(self, tensor: str) -> str:
        """Return the tensor that a call's result stands for."""
        for _ in range(4 * _DEEPEST):
            if tensor not in self.renamed:
                return tensor
            tensor = self.renamed[tensor]
        raise ValueError("its functions return each other")

    def needed(self, output: str) -> list[FlatNode]:
        """Return the nodes that a tensor depends on, each behind what it reads."""
        graph: dict[str, list[str]] = {}
        waiting = [self.source(output).rpartition(":")[0]]
        while waiting:
            name = waiting.pop()
            if name not in graph:
                node = self.nodes[name]
                graph[name] = [self.source(one).rpartition(":")[0] for one in node.inputs]
                waiting += graph[name]
        order = TopologicalSorter(graph).static_order()
        return [FlatNode(name, self.nodes[name].proto, tuple(map(self.source, self.nodes[name].inputs))) for name in order]


def _ends(path: Path, meta: Any) -> tuple[str, str, list[int]]:
    """Return the tensors of the image and of the output, and the image's shape, from the signature to serve with."""
    signatures = {name: one for name, one in meta.signature_def.items() if one.inputs and one.outputs}
    found = signatures.get("serving_default") or next(iter(signatures.values()), None)
    if found is None or len(found.inputs) != 1 or len(found.outputs) != 1:
        raise ModelFileError(f"{path} has no signature of one image and one output", "save the network with one input and one output")
    [image], [output] = found.inputs.values(), found.outputs.values()
    return image.name, output.name, [one.size for one in image.tensor_shape.dim]


def _begun(path: Path, nodes: list[FlatNode], image: tuple[str, list[int]], wish: Wish) -> Sketch:
    first = any(node.proto.attr["data_format"].s == b"NCHW" for node in nodes if "data_format" in node.proto.attr)
    sketch, (name, shape) = Sketch(path, FIRST if first else LAST), image
    if len(shape) != 4:
        raise ModelFileError(f"{path} reads {shape}, which is not an image", "edgetl imports image classifiers")
    size, channels = sketch.layout.split(tuple(max(0, one) for one in shape))
    sketch.start(name, sketch.layout.join(wish.open_size(path) if 0 in size else size, channels or 3))
    return sketch


def _add(sketch: Sketch, node: FlatNode, weights: dict[str, np.ndarray]) -> None:
    output = f"{node.name}:0"
    if output == sketch.input:
        return
    kind = node.proto.op
    if sketch.lost & set(node.inputs) and kind in tensorflow_operators.KNOWN:
        sketch.lost.update(f"{node.name}:{number}" for number in range(64))
        return
    with sketch.noting(f"{kind[:80]} {node.name[-100:]!r}", [f"{node.name}:{number}" for number in range(64)]):
        if kind == "VarHandleOp":
            if node.name not in weights:
                raise Unsupported("the checkpoint does not have it")
            sketch.keep(output, weights[node.name])
        else:
            tensorflow_operators.add(TensorNode(sketch, node.name, node.proto, node.inputs))


def _weights(path: Path, flat: _Flat, restore: str) -> dict[str, np.ndarray]:
    """Return the values of the variables, by the name of their node."""
    prefix = path / "variables" / "variables"
    if not prefix.with_name("variables.index").is_file():
        return {}
    size = sum(file.stat().st_size for file in prefix.parent.iterdir() if file.is_file())
    if size > _LARGEST_BYTES:
        raise ValueError(f"its weights are larger than {_LARGEST_BYTES >> 20} MiB")
    reader = tf.train.load_checkpoint(str(prefix))
    shapes, types = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    found = {}
    for name, key in _keys(flat, restore, shapes):
        if types[key] in (tf.float32, tf.float16, tf.float64, tf.bfloat16):
            if min(shapes[key], default=0) < 0 or int(np.prod(shapes[key], dtype=np.float64)) * types[key].size > size:
                raise ValueError(f"its weights {key[:100]!r} are larger than their file")
            found[name] = np.asarray(reader.get_tensor(key), np.float32)
    return found


def _keys(flat: _Flat, restore: str, known: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (variable's node, key in the checkpoint): what the graph's own function would assign when it restores, or equal names."""
    for name, node in flat.nodes.items():
        if node.proto.op == "VarHandleOp" and node.proto.attr["shared_name"].s.decode("utf-8", "replace") in known:
            yield name, node.proto.attr["shared_name"].s.decode()
    for node in flat.nodes.values():
        if node.proto.op != "AssignVariableOp":
            continue
        variable, value = (flat.source(one).rpartition(":")[0] for one in node.inputs[:2])
        number = flat.source(node.inputs[1]).rpartition(":")[2]
        while value in flat.nodes and flat.nodes[value].proto.op == "Identity":
            source = flat.source(flat.nodes[value].inputs[0])
            value, _, number = source.rpartition(":")
        if value in flat.nodes and flat.nodes[value].proto.op == "RestoreV2":
            names = flat.nodes[flat.source(flat.nodes[value].inputs[1]).rpartition(":")[0]].proto.attr["value"].tensor.string_val
            key = names[int(number)].decode()
            if key in known:
                yield variable, key


IMPORTER = Importer(_takes, _read)
