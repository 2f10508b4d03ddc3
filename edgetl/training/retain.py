"""Keep the features general in fine-tuning: what they no longer need to tell the classes apart, they need to tell unknown images from them.

The loss asks that the features of the network as it was can be computed from the new ones, by a linear regressor that is learned with them
and left out afterwards (the hints of Romero et al. 2015, arXiv:1412.6550, of a network's own past, as Li and Hoiem 2016, arXiv:1606.09282).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgetl.keras import keras, layers, tf

import numpy as np

from edgetl.contract import Contract
from edgetl.data.base import Images
from edgetl.training.fold import fold_batch_norms
from edgetl.training.scoring import scorer

_IMAGES = 512  # to find the features' spread by
_SMALLEST_SHARE = 0.1  # of the mean variance: features that hardly vary would outweigh all others


@dataclass(frozen=True, eq=False)
class Retained:
    """The features to retain.

    Args:
        features: float32 pixels 0..255 [N, H, W, 3] to float32 [N, C].
        variances: of each feature over training images, float32 [C].
        weight: of the loss, which is about 1 where the features are lost.
    """

    features: Callable[[Any], Any]
    variances: np.ndarray
    weight: float

    @classmethod
    def of(cls, trunk: keras.Model, images: Images, contract: Contract, weight: float) -> "Retained":
        """Retain what a network gives for features before training: normalized float32 [N, H, W, 3] to [N, C]."""
        before = fold_batch_norms(trunk)
        before.trainable = False
        rows = images.rows("train")
        some = rows[:: max(1, len(rows) // _IMAGES)]
        variances = scorer(before, contract)(images.pixels, some).var(axis=0)
        least = max(_SMALLEST_SHARE * float(variances.mean()), 1e-9)
        return cls(lambda pixels: before(contract.normalize(pixels), training=False), np.maximum(variances, least), weight)

    def regressor(self) -> Any:
        """Return the layer to learn from the new features [N, C] to the old ones; it begins as the identity."""
        layer = layers.Dense(len(self.variances), kernel_initializer=keras.initializers.Identity(), name="retained")
        layer.build((None, len(self.variances)))
        return layer

    def loss(self, pixels: Any, computed: Any) -> Any:
        """Compute the share of the features' variance that is lost, times the weight.

        Args:
            computed: what the regressor makes of the new features, float32 [N, C].
        """
        return self.weight * tf.reduce_mean(tf.square(computed - self.features(pixels)) / self.variances)
