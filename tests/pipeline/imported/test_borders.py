"""Where a file pads images with another pixel than the run's model, what that costs is measured."""

from dataclasses import replace
from functools import partial

from edgetl.keras import keras, layers

import numpy as np
import pytest

from edgetl.contract import Contract, Frame
from edgetl.data.base import Images
from edgetl.float_record import Imported
from edgetl.importing.base import ImportedModel, Origin, Preprocessing
from edgetl.importing.convention import InputAffine, convention
from edgetl.importing.first_layer import on_pixels
from edgetl.pipeline.imported.borders import measured
from edgetl.pipeline.project import ImportedNetwork
from edgetl.runtimes.base import predict
from edgetl.runtimes.keras import KerasSession


@pytest.mark.parametrize(("name", "same"), [("imagenet", False), ("zero-one", True)])
def test_another_padding_is_measured(name: str, same: bool) -> None:
    keras.utils.set_random_seed(3)
    image = keras.Input((8, 10, 3))
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.Conv2D(4, 3, padding="same")(image)))
    model = keras.Model(image, layers.Dense(3)(x))
    imported = ImportedModel(model, Preprocessing((1.0,) * 3, (0.0,) * 3), "", True, "", Origin("a test"))
    affine = InputAffine.of(convention(name, 3), imported.preprocessing)
    contract = Contract.square(8, affine.scale, affine.zero_point, ("a", "b", "c")).taking(Frame(8, 10))
    pixels = np.random.default_rng(0).integers(0, 256, (40, 8, 10, 3)).astype(np.uint8)
    names = tuple(map(str, range(40)))
    images = Images(pixels, np.zeros(40, np.int32), np.full(40, "val"), names, names, contract.class_names, (), "")
    pixelwise, found = on_pixels(model, affine)
    facts = Imported("a.h5", "", "", "", name, "crop", "as asked", found)
    ours = partial(predict, KerasSession(pixelwise, contract), pixels, description="ours")
    borders = measured(ImportedNetwork(pixelwise, facts), imported, affine, images, ours).facts.borders
    assert found == same
    assert (borders is None) == same
    if borders:
        assert (borders.images, 0 < borders.mean_abs_dp < 0.1) == (40, True)
        assert "predictions change" in str(replace(facts, borders=borders))
