"""The layer that a runtime's name for an operator belongs to."""

from pathlib import Path

import pytest

from edgetl.benchmarking.operators import with_layers
from edgetl.devices.messages import OperatorTime
from edgetl.errors import ExportError


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nodes as our export names them: by type and number, and the layer in the tensor that they make."""
    import onnx
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Conv", ["image", "w"], ["net/stem/Relu6;net/stem/BiasAdd"], name="Conv_1"),
        helper.make_node("Clip", ["net/stem/Relu6;net/stem/BiasAdd"], ["value__2"], name="Clip_2"),
        helper.make_node("Squeeze", ["value__2"], ["probabilities"], name="Squeeze_3"),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("image", "probabilities")]
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:])), path)
    return path


@pytest.mark.parametrize(
    ("operator", "layer"),
    [
        ("Conv_1_token_0", "stem"),
        ("Conv_1", "stem"),
        ("value__2_nchwc", "stem"),
        ("Squeeze_3", "Squeeze_3"),
        ("InsertedPrecisionFreeCast_net/stem/Relu6;net/stem/BiasAdd_nchwc", "stem"),
        ("ReorderOutput_token_56", "ReorderOutput"),
        ("net/pool/Mean", "pool"),
        ("conv1/BiasAdd", "conv1/BiasAdd"),
        ("Static Reshape (NC) 28", "Static Reshape (NC) 28"),
    ],
)
def test_layer_of(operator: str, layer: str, model: Path) -> None:
    time = OperatorTime(operator=operator, type="Conv", ms=1.0)
    assert with_layers([time], model) == (time.model_copy(update={"layer": layer}),)
    if "/" in operator:
        assert with_layers([time], Path("model.tflite"))[0].layer == layer


def test_a_name_that_is_no_text_is_an_error(model: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "model.onnx"
    damaged.write_bytes(model.read_bytes().replace(b"net/stem/", b"net\xff\xfeem/"))
    with pytest.raises(ExportError, match="cannot read the operators"):
        with_layers([OperatorTime(operator="Conv_1", type="Conv", ms=1.0)], damaged)
