"""Say which batch size fits when a batch does not fit into a device's memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from edgetl.keras import device_name, tf

from edgetl.errors import RunError
from edgetl.wording import counted


@contextmanager
def explained_memory_errors(batch_size: int, attempt: Callable[[int], object]) -> Iterator[None]:
    """Raise RunError that names the largest half, quarter and so on of `batch_size` that fits, when the work inside runs out of memory.

    Args:
        attempt: computes gradients of that many images, and changes nothing.
    """
    try:
        yield
    except tf.errors.ResourceExhaustedError:
        size = _largest(batch_size, attempt)
        remedy = f"--batch-size {size} fits" if size else "not even one image fits: choose a smaller --image-size or backbone"
        raise RunError(f"{counted(batch_size, 'image')} per step do not fit into the memory of {device_name()}", remedy) from None


def _largest(too_large: int, attempt: Callable[[int], object]) -> int:
    size = too_large // 2
    while size:
        try:
            attempt(size)
        except tf.errors.ResourceExhaustedError:
            size //= 2
        else:
            return size
    return 0
