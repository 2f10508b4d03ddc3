"""Two TFLite files made one: the second computes on from what the first gives."""

from ai_edge_litert import schema_py_generated as schema

from edgetl.importing.tflite_reader import packed, read


def joined(first: bytes, second: bytes, between: str) -> bytes:
    """Return the first file, whose output the second one's operators read; its output is then the second's.

    Args:
        first, second: each with one input and one output, the first's output like the second's input.
        between: name of the tensor that was the first's output; the second's inner tensors get it before their own names.
    """
    file, more = read(first), read(second)
    graph, behind = file.subgraphs[0], more.subgraphs[0]
    [start], [end] = behind.inputs, behind.outputs
    [place] = graph.outputs
    graph.tensors[place].name = between.encode()
    places = {start: place, -1: -1}  # -1: an input that is left out
    for number, tensor in enumerate(behind.tensors):
        if number != start:
            places[number] = len(graph.tensors)
            tensor.name = tensor.name if number == end else f"{between}/".encode() + tensor.name
            tensor.buffer = _buffer(file, more.buffers[tensor.buffer])
            graph.tensors.append(tensor)
    for operator in behind.operators:
        operator.inputs, operator.outputs = ([places[number] for number in ends] for ends in (operator.inputs, operator.outputs))
        operator.opcodeIndex += len(file.operatorCodes)
        graph.operators.append(operator)
    file.operatorCodes += more.operatorCodes
    graph.outputs = [places[end]]
    return packed(file)


def _buffer(file: schema.ModelT, buffer: schema.BufferT) -> int:
    """Add a constant's buffer to the file; the first one of a file is empty, and that of all that is computed."""
    if buffer.data is None:
        return 0
    file.buffers.append(buffer)
    return len(file.buffers) - 1
