"""ONNX Runtime's own format: finished, for any processor, and with its facts inside."""

import json
from collections.abc import Callable

import onnxruntime
import pytest

from edgetl.contract import Contract
from edgetl.export import FORMATS
from tests.export.conftest import ABOUT, Network

GetNetwork = Callable[[str], Network]


@pytest.mark.parametrize("precision", FORMATS.load("ort").precisions)
def test_it_carries_its_facts(precision: str, network: GetNetwork) -> None:
    net = network("mobilenet_v2")
    meta = onnxruntime.InferenceSession(net.file("ort", precision), providers=["CPUExecutionProvider"]).get_modelmeta()
    facts = meta.custom_metadata_map
    assert Contract.parse(json.loads(facts["edgetl.contract"])) == net.contract
    assert facts["labels"].split("\n") == ["café", "tree", "sea"]
    assert [facts[key] for key in ("name", "version", "model_license", "model_author", "description")] == [
        *(ABOUT.name, ABOUT.version, ABOUT.licence, ABOUT.author, ABOUT.description),
    ]
    assert meta.producer_name == "edgetl"


@pytest.mark.parametrize("precision", FORMATS.load("ort").precisions)
def test_it_is_for_no_one_processor(precision: str, network: GetNetwork) -> None:
    """Nchwc operators are laid out for the vectors of the CPU at hand; an .ort file's kernels are named in it."""
    content = network("mobilenet_v2").file("ort", precision).read_bytes()
    assert content[4:8] == b"ORTM"
    kernels = content[: content.index(b"edgetl.contract") if b"edgetl.contract" in content[:4096] else 4096]
    assert b"nchwc:" not in kernels
    assert (b"QLinearConv:" if precision == "int8" else b"Conv:") in kernels
