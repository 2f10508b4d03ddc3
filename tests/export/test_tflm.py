"""Files for TensorFlow Lite Micro: what the sources in them hold, and that a compiler takes them."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edgetl.contract import Contract
from edgetl.errors import DependencyError, ExportError, UsageError
from edgetl.export import FORMATS
from edgetl.export.base import Conversion
from edgetl.export.micro_sources import MODEL, facts_of, parts
from edgetl.micro import interpreter
from edgetl.micro.ethos_u import compiled
from edgetl.micro.sources import contract_sources, literal
from edgetl.runtimes import memory_of
from edgetl.software import install
from tests.export.conftest import Network

pytest.importorskip("tflite_micro", reason="tflite-micro is not installed: pip install edgetl[mcu]")
GetNetwork = Callable[[str], Network]
NAMES = ("café", 'a "b" \\ ??/', "\U0001f333\nline", "1f")


@pytest.fixture(scope="module")
def content(network: GetNetwork) -> bytes:
    return network("mobilenet_v2").file("tflm", "int8").read_bytes()


def printed(folder: Path, main: str, content: dict[str, bytes]) -> str:
    """Compile the sources, strictly, with a program that prints; return what it prints."""
    if shutil.which("g++") is None:
        pytest.skip("there is no g++")
    for name, text in content.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text)
    (folder / "main.cc").write_text(main)
    files = [str(path) for path in (folder / "main.cc", *sorted((folder / "edgetl").glob("*.cc")))]
    strict = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-pedantic", f"-I{folder}"]
    subprocess.run(["g++", *strict, *files, "-o", str(folder / "main")], check=True, timeout=120)
    return subprocess.run([str(folder / "main")], check=True, capture_output=True, timeout=60).stdout.decode()


def test_the_sources_hold_the_model_at_an_aligned_address_and_its_golden_images(
    content: bytes, network: GetNetwork, tmp_path: Path
) -> None:
    main = """
#include <cstdio>
#include "edgetl/golden.h"
#include "edgetl/model_data.h"
int main() {
  unsigned sum = 0;
  for (std::size_t i = 0; i < edgetl::kModelBytes; ++i) sum = sum * 31 + edgetl::kModel[i];
  std::printf("%u %d\\n", sum, static_cast<int>(reinterpret_cast<std::uintptr_t>(edgetl::kModel) % 16));
  std::printf("%zu %zu\\n", edgetl::kArenaBytes, edgetl::kMeasuredArenaBytes);
  for (const auto& row : edgetl::kGoldenOutputs) for (auto value : row) std::printf("%d ", value);
  std::printf("\\n");
  for (int i = 0; i < edgetl::kGoldenImages * edgetl::kHeight * edgetl::kWidth * edgetl::kChannels; ++i)
    std::printf("%d ", edgetl::kGoldenPixels[i]);
}
"""
    files = parts(content)
    sources = {name: text for name, text in files.items() if name.startswith("edgetl/") and not name.endswith("operators.h")}
    summed, arena, outputs, pixels = printed(tmp_path, main, sources).split("\n")
    wanted = 0
    for byte in files[MODEL]:
        wanted = (wanted * 31 + byte) % 2**32
    facts, net = facts_of(content), network("mobilenet_v2")
    assert summed.split() == [str(wanted), "0"]
    assert arena.split() == [str(facts.arena_size_bytes), str(facts.arena_bytes)]
    images = np.array(pixels.split(), np.uint8).reshape(-1, *net.contract.shape)
    golden = np.array(outputs.split(), np.uint8).reshape(len(images), -1)
    assert 2 <= len(images) <= 3
    assert len({int(row.argmax()) for row in golden}) == len(images), "each of another class"
    reference = Interpreter(model_content=files[MODEL], experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    reference.allocate_tensors()
    for image, row in zip(images, golden, strict=True):
        assert (net.pixels == image).all(axis=(1, 2, 3)).any(), "an image that it was calibrated on"
        reference.set_tensor(reference.get_input_details()[0]["index"], image[None])
        reference.invoke()
        np.testing.assert_array_equal(reference.get_tensor(reference.get_output_details()[0]["index"])[0], row)


def test_class_names_reach_cpp_as_they_are(tmp_path: Path) -> None:
    main = """
#include <cstdio>
#include "edgetl/contract.h"
int main() { for (const char* name : edgetl::kClassNames) std::printf("%s;", name); }
"""
    contract = Contract.square(8, 1 / 127.5, 128, NAMES)
    made = {f"edgetl/{name}": text for name, text in contract_sources(contract).items()}
    assert printed(tmp_path, main, made) == "".join(f"{name};" for name in NAMES)
    assert all(32 <= ord(letter) < 127 for name in NAMES for letter in literal(name))


def test_its_predictions_are_those_of_litert_reference_kernels(network: GetNetwork) -> None:
    """To the bit: what differs from LiteRT's default kernels is their rounding, not the file or the interpreter."""
    net = network("mobilenet_v2")
    content = parts(net.file("tflm", "int8").read_bytes())[MODEL]
    reference = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    reference.allocate_tensors()
    rows = []
    for image in net.pixels[:20]:
        reference.set_tensor(reference.get_input_details()[0]["index"], image[None])
        reference.invoke()
        rows.append(reference.get_tensor(reference.get_output_details()[0]["index"])[0] / 256)
    np.testing.assert_array_equal(net.predictions("tflm", "int8")[:20], np.array(rows, np.float32))


def test_the_memory_is_in_the_file(network: GetNetwork) -> None:
    path = network("mobilenet_v2").file("tflm", "int8")
    facts, found = facts_of(path.read_bytes()), memory_of(path)
    assert found is not None
    assert (found.arena_bytes, found.flash_bytes, found.macs) == (facts.arena_bytes, facts.flash_bytes, facts.macs)
    assert found.flash_bytes == len(parts(path.read_bytes())[MODEL])
    assert memory_of(network("mobilenet_v2").file("tflite", "int8")) is None


@pytest.mark.parametrize("damage", [lambda content: content[:-50], lambda content: b"PK" + content[2:200], lambda content: b""])
def test_a_damaged_file_is_refused(damage: Callable[[bytes], bytes], content: bytes) -> None:
    with pytest.raises(ExportError, match="not a file for TensorFlow Lite Micro"):
        parts(damage(content))


def test_without_the_interpreter_it_says_what_to_install(network: GetNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tflite_micro", None)
    monkeypatch.setattr(interpreter, "missing", lambda: "it is not there")
    net = network("mobilenet_v2")
    conversion = Conversion(None, net.contract, "int8", FORMATS.load, made={"tflite": net.lite("int8")})
    with pytest.raises(DependencyError) as caught:
        conversion.file("tflm")
    assert caught.value.remedy == install("mcu")


def test_a_file_for_an_npu_holds_what_the_compiler_made_and_calls_its_arena_an_estimate(network: GetNetwork) -> None:
    pytest.importorskip("ethosu", reason="ethos-u-vela is not installed: pip install edgetl[mcu]")
    net = network("mobilenet_v2")
    conversion = replace(net.conversion("int8"), npu="ethos-u65-256", made={"tflite": net.lite("int8")})
    content = conversion.file("ethos_u")
    files, facts = parts(content), facts_of(content)
    made = compiled(net.lite("int8"), "ethos-u65-256")
    assert files[MODEL] == made.content
    assert facts.estimate == made.estimate
    assert facts.operators == ("AddEthosU",)
    assert facts.arena_bytes == made.estimate.sram_bytes
    header = files["edgetl/model_data.h"].decode()
    assert "kEstimatedArenaBytes" in header
    assert "Measured" not in header
    assert files["edgetl/golden.cc"] == parts(net.file("tflm", "int8").read_bytes())["edgetl/golden.cc"], "of the same images"
    with pytest.raises(UsageError, match="no NPU 'ethos-u12'"):
        replace(conversion, npu="ethos-u12", made={"tflite": net.lite("int8")}).file("ethos_u")
