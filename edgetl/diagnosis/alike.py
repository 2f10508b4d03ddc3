"""Find copies of images: the same bytes, or the same scene re-encoded, resized, brightened, mirrored or cropped a little.

Candidates are cheap to find among all pairs: a perceptual hash that differs in few bits, and, where a network's features are there, the
nearest neighbours by them, which a crop hardly moves. Each candidate is then judged by the correlation of two thumbnails, the best over
crops of either. On 200 altered flowers (crops of up to a tenth a side, 0.6 to 1.3 times the size, brightness 0.8 to 1.2, JPEG
quality 30 to 70) the hash alone loses many, neighbours and crops together find all.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn
from threadpoolctl import threadpool_limits

from edgetl.diagnosis.base import ImageFacts, ImagePair

_ALIKE = 0.95  # 199 of those 200 are above; of 6.7 million pairs of flowers 58 are, most of them the same scene
_BITS = 14  # of 63: one of 7000 random pairs is a candidate
_NEIGHBOURS = 5
_NEAR = 0.45  # cosine of centred features; the least of those 200 has 0.5
_CROPS = (0.0, 0.04, 0.08, 0.12)  # shares cut off a side
_COMPARED_PX = 16  # fine structure is lost by re-encoding, and finer ones need finer crops
_BLOCK = 512  # rows compared with all others at a time: 4 MB per thousand images
_FLAT = 1e-3  # a thumbnail without structure is like none
_FEWEST_PX = 32  # of the shorter side: digits of 8 or 28 pixels are alike by nature, not copies
_LEAST_DEVIATION = 2.0  # levels of 255: below it a thumbnail holds noise only

Array = NDArray[np.float32]


@threadpool_limits.wrap(limits=1)  # many small products: two threads take ten times as long where others work beside them
def find_pairs(images: Sequence[ImageFacts], features: Array | None) -> tuple[ImagePair, ...]:
    """Return copies and near copies, likest first. Equal files are paired with the first of them, which alone is compared on."""
    first: dict[str, int] = {}
    pairs = []
    for row, image in enumerate(images):
        original = first.setdefault(image.sha256, row)
        if original != row:
            pairs.append(ImagePair(original, row, 1.0))
    structured = (row for row in first.values() if min(images[row].size) >= _FEWEST_PX and images[row].thumbnail.std() >= _LEAST_DEVIATION)
    rows = np.array(list(structured), np.int64)
    if len(rows) > 1:
        thumbnails = np.stack([images[row].thumbnail for row in rows]).astype(np.float32)
        candidates = set(_close_hashes(thumbnails))
        if features is not None:
            candidates |= set(_neighbours(features[rows]))
        for a, b, likeness in _compared(thumbnails, sorted(candidates)):
            if likeness >= _ALIKE:
                pairs.append(ImagePair(int(rows[a]), int(rows[b]), min(likeness, 0.999)))  # 1.0 is for equal files only
    return tuple(sorted(pairs, key=lambda pair: -pair.likeness))


def _close_hashes(thumbnails: Array) -> Iterator[tuple[int, int]]:
    """Yield pairs a < b whose hashes, one of them perhaps mirrored, differ in few bits."""
    hashes, mirrored = perceptual_hash(thumbnails), perceptual_hash(thumbnails[:, :, ::-1])
    for start in range(0, len(hashes), _BLOCK):
        block = hashes[start : start + _BLOCK, None]
        close = np.minimum(np.bitwise_count(block ^ hashes), np.bitwise_count(block ^ mirrored)) <= _BITS
        for a, b in np.argwhere(close):
            if start + a < b:
                yield start + int(a), int(b)


def perceptual_hash(thumbnails: Array) -> NDArray[np.uint64]:
    """Compute uint64 [N]: which of the 63 lowest frequencies are above their median (pHash: Zauner 2010)."""
    lowest = dctn(thumbnails, axes=(1, 2))[:, :8, :8].reshape(len(thumbnails), 64)[:, 1:]
    bits = lowest > np.median(lowest, axis=1, keepdims=True)
    hashes: NDArray[np.uint64] = np.packbits(np.pad(bits, ((0, 0), (1, 0))), axis=1).view(np.uint64)[:, 0]
    return hashes


def _neighbours(features: Array) -> Iterator[tuple[int, int]]:
    """Yield pairs a < b of which one is among the other's nearest neighbours."""
    centred = features - features.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True) + 1e-9
    count = min(_NEIGHBOURS, len(features) - 1)
    for start in range(0, len(features), _BLOCK):
        cosines = centred[start : start + _BLOCK] @ centred.T
        own = np.arange(len(cosines))
        cosines[own, own + start] = -1
        nearest = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
        for place, row in zip(*np.nonzero(np.take_along_axis(cosines, nearest, axis=1) >= _NEAR), strict=True):
            a, b = start + int(place), int(nearest[place, row])
            yield min(a, b), max(a, b)


def _compared(thumbnails: Array, candidates: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, float]]:
    """Yield (a, b, correlation of the likest crops: of either image with all of the other one, as it is or mirrored)."""
    uncropped = _resample(0.0, 0.0, thumbnails.shape[1])
    small = np.matmul(np.matmul(uncropped, thumbnails), uncropped.T, dtype=np.float32)
    upright, mirrored = _normal(small), _normal(small[:, :, ::-1])
    ways = np.concatenate([_resample(near, far, thumbnails.shape[1]) for near in _CROPS for far in _CROPS])
    partners: dict[int, list[int]] = {}
    for a, b in candidates:
        partners.setdefault(a, []).append(b)
        partners.setdefault(b, []).append(a)
    best: dict[tuple[int, int], float] = {}
    for row, others in partners.items():
        crops = _normal(_crops(thumbnails[row], ways))
        likeness = np.maximum((crops @ upright[others].T).max(axis=0), (crops @ mirrored[others].T).max(axis=0))
        for other, value in zip(others, likeness, strict=True):
            pair = min(row, other), max(row, other)
            best[pair] = max(best.get(pair, -1.0), float(value))
    for pair in candidates:
        yield *pair, best[pair]


def _crops(thumbnail: Array, ways: Array) -> Array:
    """Compute float32 [W * W, P, P]: every one of W ways [W * P, T] to crop a line, down and across."""
    count = len(ways) // _COMPARED_PX
    grid = (ways @ thumbnail @ ways.T).reshape(count, _COMPARED_PX, count, _COMPARED_PX)
    return np.ascontiguousarray(grid.transpose(0, 2, 1, 3).reshape(-1, _COMPARED_PX, _COMPARED_PX), np.float32)


def _resample(near: float, far: float, size: int) -> Array:
    """Compute float32 [P, size]: the antialiased linear resampling of a line without its shares `near` and `far` to P values."""
    step = (1 - near - far) * size / _COMPARED_PX
    centres = near * size + (np.arange(_COMPARED_PX) + 0.5) * step
    weights = np.maximum(0, 1 - np.abs(np.arange(size) + 0.5 - centres[:, None]) / max(step, 1.0))
    shares: Array = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares


def _normal(images: Array) -> Array:
    """Compute float32 [N, P * P] of mean 0 and length 1: their products are correlations."""
    flat = images.reshape(len(images), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    normal: Array = flat / (np.linalg.norm(flat, axis=1, keepdims=True) + _FLAT)
    return normal
