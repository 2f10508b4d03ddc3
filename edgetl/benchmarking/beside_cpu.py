"""Compare an accelerator's predictions with those of the CPU beside it: fast and different is not fast."""

from collections.abc import Sequence

import numpy as np

from edgetl.documents import Count, Part, Share
from edgetl.errors import DeviceError
from edgetl.evaluation.allowance import allowed, near_ties, said, tops
from edgetl.wording import beside, counted

_DIFFERENT = 0.015  # of the images may get another class: near ties that other kernels tip over
_APART = 0.04  # mean over the images of the largest difference in probability, as between two devices' kernels


class BesideCpu(Part):
    """An accelerator's predictions beside the same device's CPU's.

    Args:
        images: number of images that both predicted.
        noise: whether they are noise, since no images were there to be sent.
        same_top1: of how many images the most probable class is the same.
        mean_difference, max_difference: of each image's largest difference in probability.
        failures: what is out of tolerance, in words.
    """

    images: Count
    noise: bool
    same_top1: Count
    mean_difference: Share
    max_difference: Share
    failures: tuple[str, ...] = ()


def beside_cpu(device: str, accelerated: Sequence[Sequence[float]], cpu: Sequence[Sequence[float]], *, noise: bool) -> BesideCpu | None:
    """Compare probabilities [N][K]; None: there are none. Raises DeviceError for another form."""
    if not accelerated and not cpu:
        return None
    try:
        ours, theirs = np.array(accelerated, np.float64), np.array(cpu, np.float64)
    except ValueError as error:
        raise DeviceError(f"the predictions of {device} have several lengths", "report it in an issue") from error
    if ours.ndim != 2 or ours.shape != theirs.shape or not ours.size:
        raise DeviceError(f"{device} predicted {ours.shape} by the accelerator, {theirs.shape} by the CPU", "report it in an issue")
    largest = np.clip(np.nan_to_num(np.abs(ours - theirs), nan=1.0).max(axis=1), 0.0, 1.0)
    same = int((ours.argmax(axis=1) == theirs.argmax(axis=1)).sum())
    mean, others = float(largest.mean()), len(ours) - same
    failures = []
    near = int(near_ties(ours, theirs, tops, _APART).sum())
    if others > (may_be := allowed(_DIFFERENT, len(ours), near)):
        differ = f"{others} of {counted(len(ours), 'image')}{said(near)}"
        failures.append(f"the accelerator predicts another class than the CPU for {differ}, at most {may_be} may differ")
    if mean > _APART:
        failures.append(f"accelerator and CPU differ by {beside(mean, _APART)} in probability on average, at most {_APART:g} is allowed")
    return BesideCpu(
        images=len(ours),
        noise=noise,
        same_top1=same,
        mean_difference=mean,
        max_difference=float(largest.max()),
        failures=tuple(failures),
    )
