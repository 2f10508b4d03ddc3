"""Where an exported file looks: every backbone's last map, and the end of the network behind it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from edgetl.explanation.gradcam import Seen, saliency
from edgetl.output import PROBABILITY_SCALE
from tests.export.conftest import Network
from tests.export.test_formats import every_backbone


def grad_cam(network: Network, image: np.ndarray, label: int) -> Any:
    """Return the map by TensorFlow's own derivative of the Keras model, at the last layer with several places."""
    from edgetl.keras import keras, layers, tf

    model = network.model
    idle = (layers.InputLayer, layers.ZeroPadding2D)
    maps = [one for one in model.layers if len(one.output.shape) == 4 and one.output.shape[1] > 1 and not isinstance(one, idle)]
    both = keras.Model(model.input, [maps[-1].output, model.output])
    with tf.GradientTape() as tape:
        features, logits = both(network.contract.normalize(image[None].astype(np.float32)), training=False)
        logit = logits[0, label]
    weights = tf.reduce_mean(tape.gradient(logit, features), axis=(1, 2), keepdims=True)
    seen = tf.nn.relu(tf.reduce_sum(weights * features, axis=-1))[0]
    return tf.math.divide_no_nan(seen, tf.reduce_max(seen))


@every_backbone
def test_a_file_looks_where_its_network_does(name: str, network: Callable[[str], Network]) -> None:
    net = network(name)
    image, label = net.pixels[0], int(net.expected[0].argmax())
    seen = Seen(net.file("tflite", "float32"))
    np.testing.assert_allclose(seen.probabilities(net.pixels[:4]), net.expected[:4], atol=1e-4)
    np.testing.assert_allclose(seen.cam(image, label), grad_cam(net, image, label), atol=2e-3)
    assert seen.layer
    integers = Seen(net.file("tflite", "int8"))
    apart = np.abs(integers.probabilities(net.pixels[:4]) - net.predictions("tflite", "int8")[:4])
    assert apart.max() <= 2 * PROBABILITY_SCALE, "the file's own, but for the last rounding"
    found = saliency(integers, net.contract, image)
    assert found.map.shape == image.shape[:2]
    assert 0 <= found.map.min() <= found.map.max() <= 1 + 1e-6
    assert 0 <= found.figures.beaten <= 1
