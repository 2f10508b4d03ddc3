"""Write ONNX files of networks of torchvision and timm with random weights, by both of PyTorch's exporters.

It needs torch, torchvision, timm, onnx and onnxscript, which edgetl does not: run it with a Python that has them,
    python -m venv build/torch && build/torch/bin/pip install torch torchvision timm onnx onnxscript onnxruntime
    build/torch/bin/python benchmarks/foreign_models.py build/foreign [NAME...]
A file is NAME.EXPORTER.onnx; nothing is downloaded, and what is there already stays.
"""

import sys
import warnings
from pathlib import Path
from types import ModuleType

import torch

# A torch for processors without GPUs beside a torchvision for those with: its compiled operators do not load, and none is needed here.
sys.modules["torchvision._meta_registrations"] = ModuleType("torchvision._meta_registrations")

import timm  # noqa: E402
import torchvision  # noqa: E402

SIZE, CLASSES = 64, 10
# Of the old exporter: the opset, and whether the batch is dynamic. The dynamo exporter writes 18 or later.
OLD = {"squeezenet1_1": (9, False), "mobilenet_v2": (11, True), "mobilenet_v3_small": (13, True), "resnet18": (17, False)}
TORCHVISION = (
    *(
        "mobilenet_v2",
        "mobilenet_v3_small",
        "mobilenet_v3_large",
        "shufflenet_v2_x0_5",
        "shufflenet_v2_x1_0",
        "mnasnet0_5",
        "squeezenet1_1",
    ),
    *("resnet18", "densenet121", "googlenet", "efficientnet_b0", "regnet_x_400mf"),
)
TIMM = (
    *("mobilenetv4_conv_small", "mobilenetv4_conv_medium", "efficientnet_lite0", "ghostnet_100", "lcnet_050", "tinynet_e", "fbnetc_100"),
    *("hardcorenas_a", "repvgg_a0", "mobileone_s0", "resnet10t", "mobilenetv1_100", "mixnet_s"),
)
WEIGHT_STEPS = 3


def network(name: str) -> torch.nn.Module:
    """Return a network whose batch norms have seen noise, with factors and offsets of their own."""
    torch.manual_seed(0)
    if name in TORCHVISION:
        more = {"init_weights": False, "aux_logits": False} if name == "googlenet" else {}
        model = getattr(torchvision.models, name)(weights=None, num_classes=CLASSES, **more)
    else:
        model = timm.create_model(name, pretrained=False, num_classes=CLASSES)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0.0, 0.2)
            module.momentum = 0.5
    model.train()
    with torch.no_grad():
        for _ in range(WEIGHT_STEPS):
            model(torch.randn(8, 3, SIZE, SIZE))
        model.eval()
        last = [module for module in model.modules() if isinstance(module, torch.nn.Linear | torch.nn.Conv2d)][-1]
        last.weight *= 3 / model(torch.randn(8, 3, SIZE, SIZE)).std()  # logits of a trained network's size
    return model


def export(name: str, path: Path, *, dynamo: bool) -> None:
    image = torch.randn(1, 3, SIZE, SIZE)
    if dynamo:
        torch.onnx.export(network(name), (image,), str(path), dynamo=True, external_data=False, verbose=False)
        return
    opset, dynamic = OLD.get(name, (17, False))
    axes = {"image": {0: "batch"}, "logits": {0: "batch"}} if dynamic else None
    torch.onnx.export(
        network(name),
        (image,),
        str(path),
        dynamo=False,
        opset_version=opset,
        dynamic_axes=axes,
        input_names=["image"],
        output_names=["logits"],
    )


def main() -> None:
    folder, *names = sys.argv[1:]
    Path(folder).mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    for name in names or (*TORCHVISION, *TIMM):
        for exporter in ("old", "dynamo"):
            path = Path(folder) / f"{name}.{exporter}.onnx"
            if not path.exists():
                temporary = path.with_suffix(".partial")
                export(name, temporary, dynamo=exporter == "dynamo")
                temporary.rename(path)
                sys.stdout.write(f"{path} {path.stat().st_size >> 10} KiB\n")


if __name__ == "__main__":
    main()
