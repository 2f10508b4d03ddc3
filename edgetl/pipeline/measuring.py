"""Compare two models on the images that measure: they chose neither."""

import numpy as np
from numpy.typing import NDArray

from edgetl.compared import Compared
from edgetl.evaluation.measures import measures_of
from edgetl.evaluation.statistics import gain_interval, paired
from edgetl.pipeline.project import Project
from edgetl.runtimes.base import Session, predict


def rightly(project: Project, session: Session) -> NDArray[np.bool_]:
    """Return which of the images that measure the model gets right, bool [N]."""
    images, rows = project.data.trained_images(), project.data.measuring_rows()
    found = predict(session, images.pixels, rows, "images that measure")
    return measures_of(project.contract.output).right(found, images.label_ids[rows])


def compared(project: Project, right: NDArray[np.bool_], other_right: NDArray[np.bool_]) -> Compared:
    """Compare by which of the images that measure each gets right, both bool [N]."""
    found = paired(right, other_right)
    return Compared(
        split=project.data.measuring_split,
        images=len(right),
        accuracy=float(right.mean()),
        other_accuracy=float(other_right.mean()),
        won=found.only_a,
        lost=found.only_b,
        interval_95=gain_interval(found.only_a, found.only_b, len(right)),
        mcnemar_p=found.mcnemar_p,
        what="exact match" if project.contract.output.several else "top-1",
    )
