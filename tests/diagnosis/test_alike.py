"""Copies are found among images that are none."""

import hashlib
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from edgetl.diagnosis.alike import find_pairs, perceptual_hash
from edgetl.diagnosis.base import ImageFacts

COUNT = 40


def image(seed: int) -> Image.Image:
    """Soft shapes over a slope."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (9, 9, 3), np.uint8)
    return Image.fromarray(coarse).resize((320, 240), Image.Resampling.BICUBIC)


def facts(shown: Image.Image) -> ImageFacts:
    thumbnail = np.asarray(shown.convert("L").resize((48, 48), Image.Resampling.BILINEAR))
    return ImageFacts(hashlib.sha256(shown.tobytes()).hexdigest(), shown.size, "RGB", 1, "", 50.0, 9.0, thumbnail)


def encoded(shown: Image.Image) -> Image.Image:
    file = BytesIO()
    shown.save(file, "JPEG", quality=40)
    return Image.open(file).convert("RGB")


ALTERED = {
    "re-encoded": encoded,
    "smaller": lambda shown: shown.resize((160, 120)),
    "brighter": lambda shown: Image.eval(shown, lambda level: min(255, int(1.2 * level))),
    "mirrored": lambda shown: encoded(shown.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
}


@pytest.mark.parametrize("way", ALTERED)
def test_an_altered_copy_is_found_by_the_hash_alone(way: str) -> None:
    found = [*(facts(image(seed)) for seed in range(COUNT)), facts(ALTERED[way](image(7)))]
    pairs = find_pairs(found, None)
    assert [(pair.first, pair.second) for pair in pairs] == [(7, COUNT)]
    assert 0.95 <= pairs[0].likeness < 1


def test_a_cropped_copy_is_found_through_its_features() -> None:
    cropped = image(7).crop((30, 20, 310, 222))
    found = [*(facts(image(seed)) for seed in range(COUNT)), facts(cropped)]
    features = np.random.default_rng(0).normal(size=(COUNT + 1, 32)).astype(np.float32)
    features[COUNT] = features[7] + 0.1
    assert [(pair.first, pair.second) for pair in find_pairs(found, features)] == [(7, COUNT)]


def test_equal_files_are_paired_with_the_first() -> None:
    found = [facts(image(seed)) for seed in (0, 1, 0, 0)]
    assert [(pair.first, pair.second, pair.likeness) for pair in find_pairs(found, None)] == [(0, 2, 1.0), (0, 3, 1.0)]


def test_blank_images_are_no_copies_of_each_other() -> None:
    blanks = [facts(Image.new("RGB", (30, 30), (level, level, level))) for level in range(0, 250, 50)]
    assert find_pairs(blanks, np.zeros((5, 8), np.float32)) == ()
    assert find_pairs([], None) == ()


def test_the_hash_keeps_to_the_scene() -> None:
    thumbnails = np.stack([facts(shown).thumbnail for shown in (image(1), encoded(image(1)), image(2))]).astype(np.float32)
    same, other = (int(np.bitwise_count(perceptual_hash(thumbnails)[0] ^ perceptual_hash(thumbnails)[row])) for row in (1, 2))
    assert same <= 4 < 12 < other


def test_tiny_images_are_compared_by_their_bytes_only() -> None:
    found = [replace(facts(shown), size=(8, 8)) for shown in (image(1), encoded(image(1)), image(1))]
    assert [(pair.first, pair.second) for pair in find_pairs(found, None)] == [(0, 2)]
