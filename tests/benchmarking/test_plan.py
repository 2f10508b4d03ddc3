"""What can be asked for."""

from pathlib import Path

import numpy as np
import pytest

from edgetl.benchmarking.plan import ModelFile, SentImages, cpus_of
from edgetl.contract import Contract
from edgetl.devices.plan import Plan
from edgetl.errors import UsageError


@pytest.mark.parametrize(("mask", "cpus"), [("", ()), ("0x1", (0,)), ("0xf0", (4, 5, 6, 7)), ("5", (0, 2)), ("F", (0, 1, 2, 3))])
def test_masks_are_tasksets(mask: str, cpus: tuple[int, ...]) -> None:
    assert cpus_of(mask) == cpus


@pytest.mark.parametrize("mask", ["cpu0", "-1", "0x", "0-3"])
def test_what_is_no_mask_is_refused(mask: str) -> None:
    with pytest.raises(UsageError, match="is not a CPU mask"):
        cpus_of(mask)


def test_an_unknown_delegate_gets_a_hint() -> None:
    with pytest.raises(UsageError, match="no delegate 'xnpack'") as caught:
        Plan(delegate="xnpack")
    assert "did you mean 'xnnpack'" in caught.value.remedy


def test_a_job_is_the_plan_for_one_model() -> None:
    plan, model = Plan(runs=7, warmup=3, duration_s=1.5), ModelFile("a", Path("a.onnx"), "onnxruntime")
    job = model.job(plan, SentImages(Path("images.bin"), np.zeros(5), Contract.square(32, 1 / 255, 0, ("a", "b")).output))
    assert (job.model, job.runtime, job.plan, job.images, job.image_count) == (Path("a.onnx"), "onnxruntime", plan, Path("images.bin"), 5)
    assert job.timeout_s > model.job(plan, None).timeout_s > 60, "a slow board gets its time, what hangs does not get for ever"
