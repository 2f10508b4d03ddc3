"""A head of any shape comes through quantization and into integer-only files."""

from pathlib import Path

import numpy as np
import pytest

from edgetl.export import onnx as onnx_export
from edgetl.export import tflite
from edgetl.quantization.qat_int8 import quantize
from edgetl.runtimes import open_session
from edgetl.training.epochs import Schedule
from edgetl.training.head import Head, attach_head
from tests.quantization.conftest import settings_for
from tests.training.conftest import CONTRACT, coloured, small_backbone


@pytest.mark.parametrize("head", [Head("max", (8,)), Head("flatten", (16, 8))], ids=lambda head: head.pooling)
def test_int8_files_of_other_heads_compute_in_integers_only(head: Head, tmp_path: Path) -> None:
    from edgetl.keras import set_seed

    from edgetl.backbones.fold import fold_batch_norms

    set_seed(1)
    pictures = coloured(45)
    model = attach_head(fold_batch_norms(small_backbone()), 3, head)
    images = CONTRACT.normalize(pictures.pixels.astype(np.float32))
    logits, (kernel, _) = model(images, training=False).numpy(), model.get_layer("logits").get_weights()
    factor = 2 / logits.std(axis=0)  # answers that differ, so that agreement means something
    model.get_layer("logits").set_weights([kernel * factor, -logits.mean(axis=0) * factor])
    schedule = Schedule(1, 4, 1, tmp_path / "checkpoint.npz", "head")
    quantized, _ = quantize(model, pictures, pictures.rows("train")[:16], CONTRACT, settings_for(pictures), schedule)
    fake = quantized.to_keras(model, CONTRACT)
    content = tflite.int8_tflite(fake, CONTRACT)
    tflite.check_integer(content)
    assert tflite.operators(content)["FULLY_CONNECTED"] == len(head.dense) + 1
    answers = []
    for name, file in (("model.tflite", content), ("model.onnx", onnx_export.convert(content, CONTRACT, "int8"))):  # checks for itself
        (tmp_path / name).write_bytes(file)
        answers.append(open_session(tmp_path / name, CONTRACT)(pictures.pixels))
    logits = fake(images, training=False).numpy()
    powers = np.exp(logits - logits.max(1, keepdims=True))
    assert np.ptp(answers[0], axis=0).min() > 0.5
    assert np.abs(answers[0] - answers[1]).max() <= 2 / 256
    assert np.abs(answers[0] - powers / powers.sum(1, keepdims=True)).mean() <= 2 / 256
