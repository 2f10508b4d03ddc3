"""Who ran what, by lists of operators and by LiteRT's logs as they were recorded."""

import pytest

from edgetl.benchmarking.placement import fallback, placement
from edgetl.devices.messages import PlacedOperator, PlacementReport

# ai-edge-litert 2.3 on SwiftShader, GPU and CPU asked for; as benchmark_model writes it on a phone, too.
GPU = """\
INFO: [delegate_webgpu.cc:342] Create WebGPU environment (use_low_power=0, enable_host_mapped_pointer=1)
I0000 00:00:1795997656.586888     474 environment.cc:532] Selected adapter: {adapter}, arch=x, vendor=y, backend=Vulkan, adapterType={kind}
ERROR: Following operations are not supported by GPU delegate:
CAST: Tensor type(INT64) is not supported. Cast
MUL: Can't parse inputs with const tensors.
3 operations will run on the GPU, and the remaining 6 operations will run on the CPU.
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
"""
# The same with OpenVINO 2026.3 in place of an NPU.
NPU = """\
INFO: [compiler_plugin.cc:742] Partitioned subgraph<0>, selected {taken} ops, from a total of 67 ops. resulted in 1 partitions.
INFO: [compiled_model.cc:1397] {plugins} compiler plugins were applied successfully: IntelOpenVINO compiler plugin (ver 0.1.0)
INFO: [invocation_context.cc:293] Using Intel OpenVINO device: {device}
"""


def operators(count: int, by: str = "", kind: str = "CONV_2D") -> tuple[PlacedOperator, ...]:
    return tuple(PlacedOperator(operator=f"net/block_{at}/conv", type=kind, by=by) for at in range(count))


def test_operators_are_counted_by_processor_and_those_left_are_named() -> None:
    found = placement("xnnpack", PlacementReport(operators=operators(5, "XNNPACK") + operators(2, "built-in kernels", "HARD_SWISH")))
    assert [(one.processor, one.by, one.operators) for one in found.shares] == [("CPU", "XNNPACK", 5), ("CPU", "built-in kernels", 2)]
    assert found.fell_back == ("HARD_SWISH (block_0)", "HARD_SWISH (block_1)")
    said = fallback("xnnpack", found)
    assert said == "2 of 7 operators fell back from the delegate xnnpack: HARD_SWISH (block_0); HARD_SWISH (block_1)"


def test_nothing_falls_back_from_what_was_not_asked_for() -> None:
    found = placement("default", PlacementReport(operators=operators(5, "XNNPACK") + operators(2, "built-in kernels")))
    assert not found.fell_back
    assert fallback("default", found) == ""


@pytest.mark.parametrize(
    ("by", "processor"),
    [
        ("CUDAExecutionProvider", "GPU"),
        ("WebGpuExecutionProvider", "GPU"),
        ("JsExecutionProvider", "GPU"),
        ("QNNExecutionProvider", "NPU"),
        ("CPUExecutionProvider", "CPU"),
        ("XnnpackExecutionProvider", "CPU"),
    ],
)
def test_the_providers_of_onnx_runtime_have_processors(by: str, processor: str) -> None:
    found = placement("gpu", PlacementReport(operators=operators(3, by)))
    assert [one.processor for one in found.shares] == [processor]
    assert bool(found.fell_back) == (processor == "CPU")
    assert not found.doubts


def test_a_provider_that_chooses_a_processor_by_itself_proves_none() -> None:
    found = placement("npu", PlacementReport(operators=operators(3, "OpenVINOExecutionProvider")))
    assert found.doubts == ("OpenVINOExecutionProvider does not say which processor it used, and may have joined operators",)


def test_a_gpus_log_counts_and_gives_reasons() -> None:
    log = GPU.format(adapter="Adreno (TM) 740", kind="Integrated GPU")
    found = placement("gpu", PlacementReport(operators=operators(9), log=log))
    assert [(one.processor, one.by, one.operators) for one in found.shares] == [
        ("GPU", "Adreno (TM) 740 by Vulkan", 3),
        ("CPU", "other kernels", 6),
    ]
    assert found.fell_back == ("CAST: Tensor type(INT64) is not supported. Cast", "MUL: Can't parse inputs with const tensors.")
    assert not found.doubts
    assert fallback("gpu", found).startswith("6 of 9 operators fell back from the delegate gpu: CAST: Tensor type(INT64)")


def test_a_gpu_that_is_a_program_is_the_cpu() -> None:
    log = GPU.format(adapter="SwiftShader Device (Subzero)", kind="CPU / Software").split("ERROR")[0]
    found = placement("gpu", PlacementReport(operators=operators(9), alone=True, log=log))
    assert [(one.processor, one.operators) for one in found.shares] == [("CPU", 9)]
    assert found.doubts == ("the GPU is a program on the CPU: SwiftShader Device (Subzero)",)
    assert not found.fell_back


@pytest.mark.parametrize(
    ("taken", "plugins", "shares"), [(67, 1, [("NPU", 67)]), (60, 1, [("NPU", 60), ("CPU", 7)]), (67, 0, [("NPU", 0), ("CPU", 67)])]
)
def test_what_an_npus_compiler_selected_counts_only_where_it_was_applied(taken: int, plugins: int, shares: list[tuple[str, int]]) -> None:
    log = NPU.format(taken=taken, plugins=plugins, device="NPU")
    found = placement("npu", PlacementReport(operators=operators(67), log=log))
    assert [(one.processor, one.operators) for one in found.shares] == shares
    assert bool(found.fell_back) == (len(shares) > 1)


def test_openvino_on_the_cpu_is_no_npu() -> None:
    found = placement("npu", PlacementReport(operators=operators(67), alone=True, log=NPU.format(taken=67, plugins=1, device="CPU")))
    assert [one.processor for one in found.shares] == ["CPU"]
    assert found.doubts == ("the NPU is OpenVINO on the CPU",)


@pytest.mark.parametrize(
    ("delegate", "log", "left", "shares"),
    [
        (
            "gpu",
            "INFO: Explicitly applied GPU delegate, and the model graph will be completely executed by the delegate.",
            (),
            [("GPU", 9)],
        ),
        ("gpu", "will be partially executed by the delegate w/ 2 delegate kernels.", ("CAST", "MUL"), [("GPU", 7), ("CPU", 2)]),
        (
            "nnapi",
            "INFO: Replacing 7 out of 9 node(s) with delegate (TfLiteNnapiDelegate) node, yielding 2 partitions for the whole graph.",
            ("MEAN", "MUL"),
            [("NNAPI", 7), ("CPU", 2)],
        ),
        (
            "xnnpack",
            "INFO: Replacing 9 out of 9 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 1 partitions for subgraph 0 (main).",
            (),
            [("CPU", 9)],
        ),
    ],
)
def test_the_log_of_benchmark_model(delegate: str, log: str, left: tuple[str, ...], shares: list[tuple[str, int]]) -> None:
    found = placement(delegate, PlacementReport(operators=operators(9), log=log, left=left))
    assert [(one.processor, one.operators) for one in found.shares] == shares
    assert found.fell_back == left
    assert bool(found.doubts) == (delegate == "nnapi"), "its driver chooses a processor"
    assert fallback(delegate, found).startswith(f"2 of 9 operators fell back from the delegate {delegate}" if left else "")


def test_a_software_adapter_of_a_browser_is_the_cpu() -> None:
    line = "Selected adapter: google swiftshader, arch=swiftshader, backend=WebGPU, adapterType=CPU\n"
    mixed = operators(5, "WebGpuExecutionProvider") + operators(2, "CPUExecutionProvider")
    found = placement("gpu", PlacementReport(operators=mixed, log=line))
    assert {(one.processor, one.operators) for one in found.shares} == {("CPU", 5), ("CPU", 2)}
    assert len(found.fell_back) == 2
    assert found.doubts == ("the GPU is a program on the CPU: google swiftshader",)
    assert fallback("gpu", found).startswith("2 of 7 operators fell back")
    none = placement("gpu", PlacementReport(operators=operators(5, "CPUExecutionProvider"), log=line))
    assert not none.doubts, "it ran nothing"


def test_a_log_that_counts_nothing_proves_nothing() -> None:
    found = placement("gpu", PlacementReport(operators=operators(9), log="INFO: Initialized."))
    assert not found.shares
    assert found.doubts == ("the runtime does not say which operators the delegate gpu ran",)


def test_a_long_list_is_cut() -> None:
    found = placement("gpu", PlacementReport(operators=operators(30, "CPUExecutionProvider")))
    assert fallback("gpu", found).endswith("CONV_2D (block_4); and 25 more")
