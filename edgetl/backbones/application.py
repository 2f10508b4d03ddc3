"""A network as keras.applications builds it, but with ReLU layers where that has activations: quantization takes hold of those alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgetl.keras import keras, layers

from edgetl.backbones.base import load_h5
from edgetl.backbones.graph import copied, rebuild


def build(application: Callable[..., Any], image_size: int) -> keras.Model:
    """Return the application with random weights."""
    return _with_relu_layers(_theirs(application, image_size))


def load(model: keras.Model, path: Path, application: Callable[..., Any]) -> None:
    """Keras' HDF5 weights into what `build` made, whose layers may be in another order than those in the file."""
    theirs = _theirs(application, model.input_shape[1])
    load_h5(theirs, path)
    ordered = rebuild(theirs, lambda layer, inputs: _relu(layer)(inputs) if _is_relu(layer) else layer(inputs))
    model.set_weights(ordered.get_weights())


def _theirs(application: Callable[..., Any], image_size: int) -> Any:
    return application(include_top=False, weights=None, input_shape=(image_size, image_size, 3))


def _with_relu_layers(model: keras.Model) -> keras.Model:
    def place(layer: Any, inputs: Any) -> Any:
        return _relu(layer)(inputs) if _is_relu(layer) else copied(layer, inputs)

    return rebuild(model, place)


def _is_relu(layer: Any) -> bool:
    return isinstance(layer, layers.Activation) and layer.activation is keras.activations.relu


def _relu(layer: Any) -> Any:
    return layers.ReLU(name=layer.name)
