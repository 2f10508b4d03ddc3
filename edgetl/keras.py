"""The only module that chooses the Keras generation and sets TensorFlow's switches; all others take `tf`, `keras`, `layers` from here.

tensorflow-model-optimization knows only Keras 2 (tf_keras), which must be chosen before TensorFlow is first imported.
"""

import linecache
import os
import sys
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import AbstractContextManager, contextmanager, redirect_stdout
from http.client import HTTPException
from importlib.abc import ExecutionLoader
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

from edgetl import console, stops
from edgetl.output import Output

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "0" if console.current().verbose else "3")  # what matters arrives as a Python exception too


@contextmanager
def _put(values: MutableMapping[str, Any], key: str, value: object) -> Iterator[None]:
    """Have a value in a mapping for a while."""
    before = values.get(key)
    values[key] = value
    try:
        yield
    finally:
        del values[key]
        if before is not None:
            values[key] = before


def _without_settings_file() -> AbstractContextManager[None]:
    """Keep Keras from reading a keras.json, which may be damaged, and from writing one: below a file there is none, and never will be."""
    return _put(os.environ, "KERAS_HOME", os.devnull)


def without_keras_3() -> AbstractContextManager[None]:
    """Hide Keras 3 from an import: tensorflow-model-optimization looks there in vain, for seconds, and fails where its settings are bad."""
    return _put(sys.modules, "keras", None)  # Python's own way to say that there is none


with console.hushed(), _without_settings_file():
    import tensorflow as tf
    import tf_keras as keras
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel as SavedModelProto
    from tensorflow.python.autograph.pyct import loader as autograph
    from tf_keras import layers

    # What keras.json would set, in a program that imported Keras before too. Our layouts of weights and pixel grids are of these.
    keras.backend.set_image_data_format("channels_last")
    keras.backend.set_floatx("float32")
    keras.backend.set_epsilon(1e-7)

    for _gpu in tf.config.list_physical_devices("GPU"):
        # Take memory as it is needed: a desktop's GPU is shared with its screen.
        tf.config.experimental.set_memory_growth(_gpu, True)

stops.check()  # the import takes seconds
if not console.current().verbose:
    tf.get_logger().setLevel("ERROR")

__all__ = [
    "SavedModelProto",
    "class_probabilities",
    "device_name",
    "download",
    "exact_float32",
    "graph_of_images",
    "keras",
    "layers",
    "set_seed",
    "tf",
    "without_keras_3",
]


class _Generated(ExecutionLoader):
    """Code that TensorFlow generated, as a module with a file's name but without a file."""

    numbers = count()

    def __init__(self, source: str) -> None:
        self.name, self.source = f"__autograph_generated_{next(self.numbers)}", source

    def get_filename(self, fullname: str) -> str:
        return f"<{fullname}>"

    def get_source(self, fullname: str) -> str:
        return self.source


def _in_memory(source: str, *_: object) -> tuple[ModuleType, str]:
    """Return the module of code that TensorFlow generated, and its file's name.

    TensorFlow writes a file into the temporary folder for each function that it traces, and a process that is killed leaves them all there.
    """
    loader = _Generated(source)
    file = loader.get_filename(loader.name)
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file  # for tracebacks and debuggers
    module = sys.modules[loader.name] = ModuleType(loader.name)
    module.__file__ = file
    loader.exec_module(module)
    return module, file


autograph.load_source = _in_memory


def device_name() -> str:
    """Return the devices that TensorFlow will train on, in words."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return f"CPU ({os.cpu_count()} cores)"
    names = [tf.config.experimental.get_device_details(gpu).get("device_name", "GPU") for gpu in gpus]
    return f"{len(names)} x {names[0]}" if len(names) > 1 else names[0]


def download(name: str, address: str, folder: str, file_hash: str | None) -> Path:
    """Return the file at `address` and `name`, downloaded once into a folder of Keras' cache. Raises OSError when it is not to be had."""
    try:
        with redirect_stdout(sys.stderr):  # Keras announces downloads on stdout, which is for results
            return Path(keras.utils.get_file(name, address + name, cache_subdir=folder, file_hash=file_hash))
    except Exception as error:
        # A bare one when an address cannot be reached. What is neither that nor a network's is a fault, and keeps its traceback.
        if type(error) is not Exception and not isinstance(error, (OSError, ValueError, HTTPException)):
            raise
        raise OSError(str(error)) from error


def graph_of_images(shape: tuple[int, int, int], *more: Any) -> Any:
    """Return a decorator: a `tf.function` of images uint8 [N, *shape], any N, and of tensors of the specs `more`.

    Without a signature the last, smaller batch would trace the whole graph once more, which takes seconds.
    """
    return tf.function(input_signature=[tf.TensorSpec((None, *shape), tf.uint8), *more])


# Of a rejected image's probabilities: so many that the classes keep their order in steps of 1/256, so few that nobody takes them for sure.
_ALWAYS_SHARED = 1 / 16


def class_probabilities(logits: Any, output: Output, on_grid: Callable[[Any, float], Any] = lambda values, _: values) -> Any:
    """Return probabilities [N, K] of logits [N, K], or of [N, K + 1], whose last one is that of "none of the classes".

    That one takes its share of the softmax, but for a sixteenth, which the classes share among themselves whatever it says.

    Args:
        output: the contract's: of several classes an image each has a sigmoid of its own.
        on_grid: puts values from 0 to at most this onto the grid of an integer model.
    """
    classes = len(output.class_names)
    if output.several:
        return tf.sigmoid(logits)
    if logits.shape[-1] == classes:
        return tf.nn.softmax(logits)
    beside_unknown = on_grid((1 - _ALWAYS_SHARED) * tf.nn.softmax(logits)[:, :classes], 1 - _ALWAYS_SHARED)
    return on_grid(beside_unknown + on_grid(_ALWAYS_SHARED * tf.nn.softmax(logits[:, :classes]), _ALWAYS_SHARED), 1.0)


def exact_float32() -> None:
    """Compute in float32 throughout: GPUs since Ampere round factors to 10 bits (TF32) otherwise, which cannot serve as a reference."""
    tf.config.experimental.enable_tensor_float_32_execution(False)


def set_seed(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow and ask for deterministic kernels: same seed, same machine, same result."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
