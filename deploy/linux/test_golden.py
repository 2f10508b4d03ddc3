"""Replays the golden images: this machine runs the model that was validated, with the same inputs and class names."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from classify import Classifier


def test_golden() -> None:
    assert Classifier().self_test()["images"] > 0


def test_real_images_where_there_are_some() -> None:
    images = Path(__file__).resolve().parent / "test" / "golden_test"
    assert not images.is_dir() or Classifier().self_test(images)["images"] > 0
