"""One order and one set of names for an ONNX graph: the same model gives the same bytes.

tf2onnx numbers its names by a counter of the process and orders nodes and constants by hashes that change from process to process.
ONNX Runtime says of each graph that it writes that it needs every operator set that it knows.

Where a feature map is one pixel, tf2onnx makes Reshapes of its transpositions, which change nothing, and removes some: by the addresses
of objects in memory.
"""

import re

import onnx

_MADE_UP = re.compile(r"__\d+")  # tf2onnx's counter, or our own numbers; names without one come from the TFLite file


def drop_idle_reshapes(model: onnx.ModelProto) -> None:
    """Remove each Reshape from a shape to the same one."""
    inferred = onnx.shape_inference.infer_shapes(model).graph
    shapes = {value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in [*inferred.input, *inferred.value_info]}
    before: dict[str, str] = {}  # what goes into the Reshape, by what comes out
    kept = []
    for node in model.graph.node:  # in the order that they run in: what goes in is settled already
        node.input[:] = [before.get(name, name) for name in node.input]
        shape = shapes.get(node.output[0])
        if node.op_type == "Reshape" and shape and all(shape) and shapes.get(node.input[0]) == shape:
            before[node.output[0]] = node.input[0]
        else:
            kept.append(node)
    del model.graph.node[:]
    model.graph.node.extend(kept)


def settle(model: onnx.ModelProto) -> None:
    """Order nodes as the output asks for them and constants by first use; replace made-up names by the order; say what is used."""
    graph = model.graph
    writers = {name: node for node in graph.node for name in node.output}
    nodes: list[onnx.NodeProto] = []
    waiting = [(writers[value.name], False) for value in reversed(graph.output)]
    seen = set()
    while waiting:  # depth first without recursion: a deep network would exceed Python's stack
        node, inputs_done = waiting.pop()
        if inputs_done:
            nodes.append(node)
        elif node.output[0] not in seen:
            seen.add(node.output[0])
            waiting.append((node, True))
            waiting += [(writers[name], False) for name in reversed(node.input) if name in writers]
    constants = {tensor.name: tensor for tensor in graph.initializer}
    used = list(dict.fromkeys(name for node in nodes for name in node.input if name in constants))
    ends = {value.name for value in [*graph.input, *graph.output]}
    written = [name for node in nodes for name in node.output]
    names = {name: f"constant__{number}" for number, name in enumerate(used) if _MADE_UP.search(name)}
    names |= {name: f"value__{number}" for number, name in enumerate(written) if _MADE_UP.search(name) and name not in ends}
    for number, node in enumerate(nodes):
        node.name = f"{node.op_type}_{number}"
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    ordered = [constants[name] for name in used]
    for tensor in ordered:
        tensor.name = names.get(tensor.name, tensor.name)
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(ordered)
    used_sets = {"", *(node.domain for node in nodes)}
    versions = {entry.domain: entry.version for entry in model.opset_import if entry.domain in used_sets}
    del model.opset_import[:]
    model.opset_import.extend(onnx.helper.make_opsetid(domain, version) for domain, version in sorted(versions.items()))
