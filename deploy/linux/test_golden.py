"""Replays the golden images: this machine runs the model that was validated, with the same inputs and class names."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from classify import Classifier


def test_golden() -> None:
    assert Classifier().self_test()["images"] > 0
