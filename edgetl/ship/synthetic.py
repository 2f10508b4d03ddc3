"""Golden images made of noise, textures and drawings, which hold nothing of anybody's images, and still are each class to the model.

A seeded search changes them by the model's own predictions until each class is named. Drawings (lines, arcs and patches of one colour,
sharp or soft) are far better to begin with than textures, which a model with a logit of unknown images has learned to reject: with them all
classes of flowers, and of cats and dogs, are named after 500 to 1200 images; with textures alone, in an earlier search, one of five was not
after 2600. What is not found soon is made by gradient ascent (`ascent.py`).
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from edgetl.data.unknown import resized
from edgetl.errors import ParityError
from edgetl.output import PROBABILITY_SCALE, Output
from edgetl.ship.golden import IMAGES, MAX_STEPS, UNKNOWN_IMAGES, check, choose_unknown, margins_of

Ascend = Callable[[NDArray[np.uint8], Sequence[int]], NDArray[np.uint8]]  # images and their classes to surer images
Predict = Callable[[NDArray[np.uint8]], NDArray[np.floating]]  # images uint8 [N, H, W, C] to probabilities [N, K]

_SEED = 20  # the same for all models
_POOL = 256  # images to begin with
_CHILDREN = 64  # changed images of a round
_ELITE = 8  # images of each class that the next are made of
_SURE = 1.5  # nats that a class is to lead by: a probability of 0.82
_EFFORT, _MOST = 200e6, 12000  # pixels and images that the search may make
_SOON = 25  # rounds after which what is missing is ascended to: before, flowers, cats and dogs have all that they need
_OF_POOL = 64  # of the images to begin with, what is left to choose from
_NOISE = (1, 2)  # levels of 255
_MOST_MOVED = MAX_STEPS / 2 * PROBABILITY_SCALE
_BLENDS = 7  # between two images of different classes, and between one and an unknown one: the closest calls lie there
_GRIDS = (1, 2, 3, 4, 6, 8, 12, 16, 32)  # random cells along an edge of a texture
_SOFT = (8, 12, 16, 24)  # the same of an image that is made soft
_FILTERS = (Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)

_Random = np.random.Generator
_Pixels = NDArray[np.uint8]


def _leads(predictions: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the logits of probabilities [N, K], float64 [N, K]; of 0 and 1 half a step is left."""
    shares = np.clip(predictions.astype(np.float64), PROBABILITY_SCALE / 2, 1 - PROBABILITY_SCALE / 2)
    return np.log(shares / (1 - shares))


def candidates(predict: Predict, shape: tuple[int, int, int], ascend: Ascend | None = None) -> _Pixels:
    """Return images uint8 [N, H, W, C], among which are sure ones of as many classes as were found, unknown ones and close calls.

    Args:
        predict: the model.
        shape: (H, W, C).
        ascend: makes images of the classes that a search by predictions alone does not find.
    """
    pool = np.stack([_begun(np.random.default_rng([_SEED, number]), shape) for number in range(_POOL)])
    random = np.random.default_rng([_SEED, _POOL])
    images, marks = pool, _leads(predict(pool))
    unknown = pool[marks.max(axis=1).argmin()]
    wanted = np.argsort(-marks.max(axis=0), kind="stable")[:IMAGES]  # more classes cannot be among so few images
    rounds = int(min(_MOST, _EFFORT / (shape[0] * shape[1])) / _CHILDREN)
    for turn in range(rounds):
        best = _best(marks)
        missing = [k for k in wanted.tolist() if marks[best[0, k], k] < _SURE]
        if not missing:
            break
        if ascend and turn == min(_SOON, rounds - 1):
            children = ascend(images[best[0, missing]], missing)
        else:
            parents = [best[:, missing[number % len(missing)]] for number in range(_CHILDREN)]
            children = np.stack([_changed(random, images[random.choice(few)], images[random.choice(few)], pool) for few in parents])
        kept = np.unique(best[:, wanted])
        # What is new comes first, and is taken where it is equal: that leads away from where no change is better.
        images, marks = np.concatenate([children, images[kept]]), np.concatenate([_leads(predict(children)), marks[kept]])
    best = _best(marks)[: _ELITE // 2, wanted]
    ends = [images[row] for row in best[0]]
    pairs = [*pairwise(ends), *((one, unknown) for one in ends)]
    between = [
        _blend(one, other, np.full((1, 1, 1), 255 * part // (_BLENDS + 1))) for one, other in pairs for part in range(1, _BLENDS + 1)
    ]
    return np.concatenate([images[np.unique(best)], np.stack(between), pool[:_OF_POOL]])


def _best(marks: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the rows of the best images of each class by their marks [N, K], the best first."""
    return np.argsort(-marks, axis=0, kind="stable")[:_ELITE]


def steady(predict: Predict, images: _Pixels, predictions: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return the rows of images whose predictions [N, K] a little noise leaves as they are.

    What one or two levels of 255 move, the roundings of another processor's kernels move as well (measured: correlation 0.7 to 0.8).
    """
    random = np.random.default_rng([_SEED, _POOL + 1])
    moved = np.zeros(len(images))
    for levels in _NOISE:
        noisy = _clipped(images + random.integers(-levels, levels + 1, images.shape))
        moved = np.maximum(moved, np.abs(predict(noisy) - predictions).max(axis=1))
    return np.flatnonzero(moved <= _MOST_MOVED)


class Covering(NamedTuple):
    """Rows of the chosen images, unknown ones at the end, and the numbers of the classes that none of them shows."""

    rows: NDArray[np.int64]
    missing: NDArray[np.int64]


def choose_made(predictions: NDArray[np.floating], output: Output, count: int = IMAGES) -> Covering:
    """Return `count` images: the surest one of each class, or the closest call beyond half of them; then other close calls.

    Where an image may show none of the classes, some are unknown; where several, the first are one with none, with one and with more.

    Args:
        predictions: probabilities [N, K] of made images.
    """
    shown, margins = output.present(predictions), margins_of(predictions, output)
    number = shown.sum(axis=1)
    nothing = np.flatnonzero(number == 0) if output.decides and not output.several else np.empty(0, np.int64)
    room = max(count - UNKNOWN_IMAGES, count - len(nothing))
    kinds = [number == 0, number == 1, number > 1, *shown.T] if output.several else list(shown.T)
    chosen: list[int] = []
    for kind in kinds:
        rows = [row for row in np.flatnonzero(kind).tolist() if row not in chosen]
        if rows and len(chosen) < room:
            chosen.append(
                max(rows, key=lambda row: (margins[row], -row)) if len(chosen) < room // 2 else min(rows, key=lambda row: margins[row])
            )
    close = [row for row in np.argsort(margins, kind="stable").tolist() if row not in chosen and (number[row] or output.several)]
    named = (chosen + close)[:room]
    found = np.asarray([*named, *nothing[choose_unknown(predictions[nothing], output, count - len(named))]], np.int64)
    return Covering(found, np.flatnonzero(~shown[found].any(axis=0)))


def overlooked(predict: Predict, images: _Pixels, predictions: NDArray[np.floating], output: Output) -> list[str]:
    """Return the faults of an app that its self-test would not find on these images with their predictions [N, K]."""
    faults = {"swapped channels": images[..., ::-1], "other normalization": images // 2 + 64, "inverted values": 255 - images}
    found = {name: predict(np.ascontiguousarray(wrong)) for name, wrong in faults.items() if images.shape[-1] > 1 or "channels" not in name}
    found["other order of the class names"] = np.roll(predictions, 1, axis=1)
    return [name for name, other in found.items() if _passes(predictions, other, output)]


def _passes(wanted: NDArray[np.floating], found: NDArray[np.floating], output: Output) -> bool:
    try:
        check("", wanted, found, output)
    except ParityError:
        return False
    return True


def _begun(random: _Random, shape: tuple[int, int, int]) -> _Pixels:
    """Return a texture or a drawing, now and then soft, and now and then grey, uint8 [H, W, C]."""
    if random.random() < 0.3:
        made = _texture(random, shape)
    else:
        made = _drawn(random, np.broadcast_to(_colour(random, shape[2]), shape).astype(np.uint8), int(random.integers(1, 5)))
    made = _softened(random, made) if random.random() < 0.3 else made
    return _grey(made) if random.random() < 0.3 else made


def _changed(random: _Random, image: _Pixels, other: _Pixels, pool: _Pixels) -> _Pixels:
    """Return an image with one change: mixed with another by a random mask, textured, coloured, moved, drawn on, softened or made grey."""
    shape, kind = image.shape, random.integers(6)
    other = other if random.random() < 0.6 else pool[random.integers(len(pool))]
    if kind == 0:
        mask = resized(random.integers(0, 256, (3, 3, 1), dtype=np.uint8), (*shape[:2], 1), _FILTERS[random.integers(1, 3)])
        return _blend(image, other, mask)
    if kind == 1:
        return _clipped(image + (_texture(random, shape).astype(np.int32) - 128) * random.choice((16, 48, 96)) // 128)
    if kind == 2:
        return _clipped(image.astype(np.int32) * random.integers(160, 360, shape[2]) // 256 + random.integers(-40, 41, shape[2]))
    if kind == 3:
        return np.roll(image, tuple(random.integers(-(edge // 8), edge // 8 + 1) for edge in shape[:2]), (0, 1))
    drawn = _drawn(random, image, 1)
    return drawn if kind == 4 else _softened(random, drawn) if random.random() < 0.7 else _grey(drawn)


def _texture(random: _Random, shape: tuple[int, ...]) -> _Pixels:
    """Return patches of random colours, or of mixtures of two, sharp or smooth, uint8 [H, W, C]."""
    edge = random.choice(_GRIDS)
    if random.random() < 0.5:
        one, other = random.integers(0, 256, (2, shape[2]))
        cells = _blend(one, other, random.integers(0, 256, (edge, edge, 1)))
    else:
        cells = random.integers(0, 256, (edge, edge, shape[2]), dtype=np.uint8)
    return resized(cells, shape, _FILTERS[random.integers(len(_FILTERS))])


def _drawn(random: _Random, image: _Pixels, strokes: int) -> _Pixels:
    """Return the image with lines, arcs and ellipses of one colour and width."""
    height, width, channels = image.shape
    canvas = Image.fromarray(image[..., 0] if channels == 1 else image)
    draw, colour, thick = ImageDraw.Draw(canvas), _colour(random, channels), int(random.integers(1, max(2, height // 6)))
    ink = int(colour[0]) if channels == 1 else tuple(map(int, colour))
    for _ in range(strokes):
        across, down = random.integers(0, width, 2), random.integers(0, height, 2)
        box = [int(value) for value in (across.min(), down.min(), across.max(), down.max())]
        kind = random.integers(4)
        if kind == 0:
            draw.line([(int(x), int(y)) for x, y in zip(across, down, strict=True)], fill=ink, width=thick)
        elif kind == 1:
            start = int(random.integers(360))
            draw.arc(box, start, start + int(random.integers(60, 361)), fill=ink, width=thick)
        elif kind == 2:
            draw.ellipse(box, fill=ink)
        else:
            draw.ellipse(box, outline=ink, width=thick)
    return np.asarray(canvas, np.uint8).reshape(image.shape)


def _softened(random: _Random, image: _Pixels) -> _Pixels:
    edge = int(random.choice(_SOFT))
    small = resized(image, (edge, edge, image.shape[2]), Image.Resampling.BOX)
    return resized(small, image.shape, _FILTERS[random.integers(1, 3)])


def _colour(random: _Random, channels: int) -> NDArray[np.int64]:
    return random.integers(0, 256, channels) if random.random() < 0.5 else np.full(channels, random.integers(0, 256))


def _grey(image: _Pixels) -> _Pixels:
    return np.broadcast_to(image.mean(axis=2, keepdims=True).astype(np.uint8), image.shape).copy()


def _blend(one: NDArray[np.integer], other: NDArray[np.integer], mask: NDArray[np.integer]) -> _Pixels:
    """Return `one` where the mask is 255, `other` where it is 0, and mixtures between."""
    share = mask.astype(np.int32)
    return ((one.astype(np.int32) * share + other.astype(np.int32) * (255 - share) + 127) // 255).astype(np.uint8)


def _clipped(values: NDArray[np.integer]) -> _Pixels:
    clipped: _Pixels = np.clip(values, 0, 255).astype(np.uint8)
    return clipped
