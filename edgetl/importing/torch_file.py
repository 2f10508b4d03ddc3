"""PyTorch's own files are programs or pickles of them: never opened. The error says how to export what they hold."""

from pathlib import Path

from edgetl.errors import ModelFileError
from edgetl.importing.base import Origin, Wish
from edgetl.importing.graph import Graph, Importer

SUFFIXES = (".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".torchscript")


def _takes(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def _refuse(path: Path, wish: Wish) -> tuple[Graph, Origin]:
    raise ModelFileError(
        f"{path} holds PyTorch's weights, not the network that they belong to, or code",
        "export the network as ONNX where it is defined:\n"
        "  import torch\n"
        "  model.eval()\n"
        f"  torch.onnx.export(model, torch.zeros(1, 3, 224, 224), '{path.stem}.onnx')\n"
        "with its own image size in place of 224",
    )


IMPORTER = Importer(_takes, _refuse)
