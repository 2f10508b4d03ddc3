"""The section on unknown images: there where something is known of them, whatever folders and files are called."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from edgetl.contract import Contract
from edgetl.evaluation.per_class import ClassMetrics
from edgetl.evaluation.rejection import Scored, rejection
from edgetl.evaluation.unknowns import ClassThreshold, Rejecting, ThresholdChoice, UnknownFolder, UnknownImage, Unknowns
from edgetl.output import Output, Rejection, Thresholds
from edgetl.report.page.blocks import Absent, Gallery, Plot, Section, Table, Text
from edgetl.report.page.facts import Rejects
from edgetl.report.page.sections.rejection import section
from edgetl.report.page.write import write
from tests.report.page.test_write import HOSTILE, check_self_contained, facts

Of = Literal["nothing", "threshold", "unknown", "all"]


def rejects(folder: Path, of: Of) -> Rejects:
    output: Output = Contract.square(8, 1.0, 0, HOSTILE).output
    if of in ("threshold", "all"):
        per_class = Thresholds(per_class=(0.2,) * len(HOSTILE))
        chosen = Rejection(threshold=0.1, keep=0.95, inside_the_model=False)
        output = output.model_copy(update={"rejection": chosen, "thresholds": per_class})
    known, other = Scored(np.array([0.9, 0.5]), np.array([True, True])), Scored(np.array([0.6, 0.1]), np.array([True, False]))
    scores = rejection(known, np.array([True, True]), [other])
    found = Rejecting(measured_on="2 images", folders=(UnknownFolder(name=HOSTILE[0], images=2),), models={"tflite_int8": scores})
    (folder / "01.jpg").write_bytes(b"\xff\xd8 a JPEG")
    surest = UnknownImage(
        folder=HOSTILE[0], image=HOSTILE[1], class_name=HOSTILE[2], probability=0.6, passes=output.decides or None, file="01.jpg"
    )
    gone = surest.model_copy(update={"file": "02.jpg"})
    metrics = ClassMetrics(10, 0.5, 0.5, 0.5)
    choice = ThresholdChoice(
        target="best-f1",
        model="tflite_int8",
        chosen_on="9 images",
        measured_on="2 images",
        made_for="0",
        classes=tuple(ClassThreshold(name, 0.2, metrics, metrics) for name in HOSTILE),
        notes=("few images",),
    )
    unknowns = Unknowns(files="0", main="tflite_int8", found=found, most_sure=(surest, gone))
    return Rejects(output, unknowns if of in ("unknown", "all") else None, choice if of == "all" else None, folder)


@pytest.mark.parametrize(
    ("of", "blocks"),
    [("threshold", [Plot, Text]), ("unknown", [Plot, Text, Text, Table, Text, Gallery])],
)
def test_it_shows_what_there_is(of: Of, blocks: list[type], tmp_path: Path) -> None:
    found = section(facts(rejects=rejects(tmp_path, of)))
    assert isinstance(found, Section)
    assert [type(block) for block in found.blocks] == blocks
    if of == "unknown":
        gallery = found.blocks[-1]
        assert isinstance(gallery, Gallery)
        assert len(gallery.photos) == 1, "a thumbnail is missing"
        assert gallery.photos[0].lines == [f"{HOSTILE[2]} (60 %)"], "without a threshold nothing passes or is rejected"
        assert any(isinstance(block, Text) and "No threshold is set" in block.text for block in found.blocks)


def test_without_threshold_and_unknown_images_it_is_absent(tmp_path: Path) -> None:
    for nothing in (None, rejects(tmp_path, "nothing")):
        found = section(facts(rejects=nothing))
        assert isinstance(found, Absent)
        assert found.command == "edgetl evaluate RUN --unknown DIR"


def test_names_are_data_and_predictions_may_be_missing(tmp_path: Path) -> None:
    shown = facts(rejects=rejects(tmp_path, "all"))
    write(replace(shown, predictions=Absent("", "the images are elsewhere")), tmp_path / "r.html", "html")
    page = check_self_contained((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert HOSTILE[0] in page.text
    assert "chosen to keep 95 %" in page.text
    assert "Few images" in page.text


def test_thresholds_of_several_classes_are_listed_once(tmp_path: Path) -> None:
    chosen = rejects(tmp_path, "all")
    output = Contract.square(8, 1.0, 0, HOSTILE).for_task("multi-label").output
    output = output.model_copy(update={"thresholds": Thresholds(per_class=(0.2,) * len(HOSTILE))})
    for choice, columns in ((chosen.choice, ThresholdChoice.COLUMNS), (None, ("class", "threshold"))):
        found = section(facts(rejects=Rejects(output, None, choice, tmp_path)))
        assert isinstance(found, Section)
        assert [block.columns for block in found.blocks if isinstance(block, Table)] == [columns]
