"""Keras' configuration of a network as the neutral graph: its layers called in order, models inside of models too."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from edgetl.errors import ModelFileError
from edgetl.importing import keras_call, keras_layers
from edgetl.importing.base import Wish
from edgetl.importing.graph import MOST_NODES, Graph, Sketch
from edgetl.importing.keras_call import Config, Json
from edgetl.importing.operators import FIRST, LAST

_DEEPEST = 8  # models inside of models
_MODELS = ("Functional", "Model", "Sequential")


class Weights(Protocol):
    """Where a file has the arrays of its layers."""

    def find(self, kinds: tuple[str, ...], name: str, order: tuple[str, ...]) -> dict[str, np.ndarray]: ...


@dataclass(frozen=True, eq=False)
class KerasModel:
    """Holds what a Keras file says: its configuration as JSON, the release that wrote it, its weights."""

    config: Json
    version: str
    weights: Weights


@dataclass
class _Scope:
    """One model: the path of its kinds of layers, how many of each kind there were, and the values of its layers' calls."""

    path: tuple[str, ...]
    counts: dict[str, int] = field(default_factory=dict)
    calls: dict[tuple[str, int], str] = field(default_factory=dict)

    def place(self, kind: str) -> tuple[str, ...]:
        """Return the path of the next layer of a kind."""
        name = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", kind))).lower()
        number = self.counts[name] = self.counts.get(name, -1) + 1
        return (*self.path, f"{name}_{number}" if number else name)


def graph_of(model: KerasModel, path: Path, wish: Wish) -> Graph:
    """Return the neutral graph. Raises ModelFileError, Unsupported, or what Python raises on JSON of other kinds."""
    config = model.config["config"]
    if model.config["class_name"] not in _MODELS:
        raise ModelFileError(
            f"{path} holds a {str(model.config['class_name'])[:80]}", "save a functional or sequential model: no code is read"
        )
    text = str(config)
    layout = FIRST if "'channels_first'" in text else LAST
    sketch = Sketch(path, layout)
    walk = _Walk(sketch, model)
    output = walk.model(model.config, _Scope(()), None, wish)
    return sketch.graph(output)


@dataclass
class _Walk:
    sketch: Sketch
    file: KerasModel
    number: int = 0

    def model(self, config: Config, scope: _Scope, given: str | None, wish: Wish) -> str:
        """Add a model's layers; `given` is what it reads, None for the outermost. Returns its output."""
        if len(scope.path) > _DEEPEST:
            raise ValueError("its models are nested too deeply")
        inside = config["config"]
        layers = inside if isinstance(inside, list) else inside["layers"]
        if len(layers) > MOST_NODES:
            raise ValueError("it has too many layers")
        if config["class_name"] == "Sequential":
            return self._sequential(layers, scope, given, wish)
        inputs, outputs = (_ends(inside[key]) for key in ("input_layers", "output_layers"))
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelFileError(
                f"{self.sketch.path} has {len(inputs)} inputs and {len(outputs)} outputs", "save the network with one image and one output"
            )
        places = {id(layer): scope.place(layer["class_name"]) for layer in layers if _is_layer(layer)}
        waiting = list(layers)
        while waiting:
            left = [layer for layer in waiting if not self._called(layer, scope, places.get(id(layer), ()), (given, wish))]
            if len(left) == len(waiting):
                raise ValueError(f"its layer {str(left[0].get('name'))[:80]!r} reads layers that are not there")
            waiting = left
        return scope.calls[outputs[0]]

    def _sequential(self, layers: list[Json], scope: _Scope, given: str | None, wish: Wish) -> str:
        value = given
        for layer in layers:
            place = scope.place(layer["class_name"])
            if value is None:
                shape = layer["config"].get("batch_input_shape") or layer["config"].get("batch_shape")
                value = self._begin("image", shape, wish)
            if layer["class_name"] != "InputLayer":
                value = self._layer(layer, place, keras_call.Arguments([value]), wish)
        if value is None:
            raise ValueError("it has no layers")
        return value

    def _begin(self, name: str, shape: Json, wish: Wish) -> str:
        if isinstance(shape, list) and len(shape) == 1 and isinstance(shape[0], list):
            shape = shape[0]
        if not isinstance(shape, list) or len(shape) != 4:
            raise ModelFileError(f"{self.sketch.path} reads {shape}, which is not an image", "edgetl imports image classifiers")
        size, channels = self.sketch.layout.split(tuple(extent or 0 for extent in shape))
        if 0 in size:
            size = wish.open_size(self.sketch.path)
        self.sketch.start(name, self.sketch.layout.join(size, channels))
        return name

    def _called(self, layer: Config, scope: _Scope, place: tuple[str, ...], start: tuple[str | None, Wish]) -> bool:
        """Add all calls of a layer; False where one reads what is not there yet."""
        name, (given, wish) = layer.get("name") or layer["config"]["name"], start
        if layer["class_name"] == "InputLayer":
            shape = layer["config"].get("batch_input_shape") or layer["config"].get("batch_shape")
            scope.calls[name, 0] = given if given is not None else self._begin(name, shape, wish)
            return True
        calls = [keras_call.arguments(call, scope.calls) for call in layer["inbound_nodes"]]
        if any(call is None for call in calls):
            return False
        for number, call in enumerate(calls):
            if call is not None:
                scope.calls[name, number] = self._layer(layer, place, call, wish)
        return True

    def _layer(self, layer: Config, place: tuple[str, ...], call: keras_call.Arguments, wish: Wish) -> str:
        name = str(layer["config"].get("name") or layer.get("name"))
        self.number += 1
        if self.number > MOST_NODES:
            raise ValueError("it has too many layers")
        output = f"{name}#{self.number}"
        kind = keras_call.kind_of(layer)
        what = f"{kind[:80]} {name[:80]!r}"
        if self.sketch.lost & {one for one in call.values if isinstance(one, str)} and kind in keras_layers.KNOWN:
            self.sketch.lost.add(output)
            return output
        if kind in _MODELS:
            [value] = call.values
            return self.model(layer, _Scope(place), str(value), wish)
        with self.sketch.noting(what, [output]):
            order = keras_call.weight_names(layer)
            arrays = self.file.weights.find(place, name, order) if order else {}
            keras_layers.add(self.sketch, keras_call.Layer(layer, arrays, self.file.version), call, output)
        return output


def _is_layer(layer: Config) -> bool:
    """Return whether it is a layer, which Keras counts, and no bare operation."""
    return not str(layer.get("module") or "").startswith("keras.src.ops")


def _ends(entry: Json) -> list[tuple[str, int]]:
    """Return (layer, call) of a model's inputs or outputs: one of a list, or a list of them."""
    every = [entry] if entry and isinstance(entry[0], str) else list(entry.values()) if isinstance(entry, dict) else entry
    return [(str(one[0]), int(one[1])) for one in every]
