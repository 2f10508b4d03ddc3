"""From images to int8 files: `edgetl train` and `edgetl export` beside the textbook way, with as many epochs of each kind.

usage: python benchmarks/chain.py DATA     DATA/train/CLASS/*, DATA/val/CLASS/*; weights from EDGETL_WEIGHTS_DIR

The textbook way is what the tutorials of Keras and tfmot add up to: the frozen backbone runs in every epoch of the head, batch norms stay
in, `quantize_model` for two epochs, `from_keras_model` for each file. It makes three TFLite files; edgetl makes float32 and int8 ones for
TFLite and ONNX. Each way runs in processes of its own, whose start counts. Accuracies are of all of val, taken off the clock.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HEAD, FINE_TUNING, QAT = 10, 10, 2  # epochs
UNFREEZE = "10-blocks"  # of edgetl's fine-tuning: no gradient goes into the first seven, whose maps are the largest; "all" is as accurate
ALPHA, SIZE, BATCH, CALIBRATION = 0.35, 128, 32, 200
_WEIGHTS = f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{ALPHA}_{SIZE}_no_top.h5"


def main(data: str) -> None:
    from common import cpu_line

    print(cpu_line())
    with tempfile.TemporaryDirectory() as folder:
        ways = {"textbook": _textbook_apart(data), "edgetl": ours(data, folder)}
    for way, (seconds, accuracies) in ways.items():
        print(f"{way:10} {sum(seconds.values()):6.1f} s  {_line(seconds)}")
        print(f"{'':19}  top-1 in %: {_line(accuracies)}")
    textbook, own = (sum(seconds.values()) for seconds, _ in ways.values())
    print(f"{textbook / own:.2f} times as fast")


def _line(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {figure:.1f}" for name, figure in figures.items())


def ours(data: str, folder: str) -> tuple[dict[str, float], dict[str, float]]:
    run = str(Path(folder, "run"))
    model = ("--backbone", "mobilenet_v2", "--alpha", str(ALPHA), "--image-size", str(SIZE), "--batch-size", str(BATCH))
    epochs = ("--head-epochs", str(HEAD), "--epochs", str(FINE_TUNING), "--qat-epochs", str(QAT), "--unfreeze", UNFREEZE)
    formats = ("--set", "export.precisions=['float32', 'int8']")
    seconds = {}
    started = time.perf_counter()
    _edgetl("train", data, "--out", run, *model, *epochs, *formats)
    seconds["train"] = time.perf_counter() - started
    started = time.perf_counter()
    _edgetl("export", run)
    seconds["export"] = time.perf_counter() - started
    subjects = json.loads(_edgetl("validate", run, "--json"))["subjects"]
    return seconds, {name: 100 * one["accuracy"]["top1_accuracy"] for name, one in subjects.items()}


def _edgetl(*arguments: str) -> str:
    return subprocess.run([sys.executable, "-m", "edgetl", *arguments], stdout=subprocess.PIPE, check=True, text=True).stdout


def _textbook_apart(data: str) -> tuple[dict[str, float], dict[str, float]]:
    started = time.perf_counter()
    command = [sys.executable, __file__, data, "--textbook"]
    seconds, accuracies = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()[-1])
    looking = seconds.pop("looking")
    return {"start": time.perf_counter() - started - looking - sum(seconds.values())} | seconds, accuracies


def textbook(data: str) -> tuple[dict[str, float], dict[str, float]]:
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    import numpy as np
    import tensorflow as tf
    import tensorflow_model_optimization as tfmot
    import tf_keras as keras
    from ai_edge_litert.interpreter import Interpreter

    keras.utils.set_random_seed(0)
    layers, seconds = keras.layers, {"looking": 0.0}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        result = work()
        seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - started
        return result

    def images(split: str, shuffle: bool) -> Any:
        return keras.utils.image_dataset_from_directory(
            Path(data, split), image_size=(SIZE, SIZE), batch_size=BATCH, shuffle=shuffle, seed=0, crop_to_aspect_ratio=True
        ).prefetch(tf.data.AUTOTUNE)

    train, val = images("train", True), images("val", False)
    classes = len(os.listdir(Path(data, "train")))
    base = keras.applications.MobileNetV2(
        (SIZE, SIZE, 3), alpha=ALPHA, include_top=False, weights=str(Path(os.environ["EDGETL_WEIGHTS_DIR"], _WEIGHTS))
    )
    head = keras.Sequential([layers.GlobalAveragePooling2D(), layers.Dropout(0.2), layers.Dense(classes)])
    inputs = keras.Input((SIZE, SIZE, 3))
    augmented = layers.RandomRotation(0.2)(layers.RandomFlip("horizontal")(inputs))
    model = keras.Model(inputs, head(base(layers.Rescaling(1 / 127.5, -1)(augmented), training=False)))

    def fit(one: Any, rate: float, epochs: int, dataset: Any, judged: Any) -> None:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        one.compile(keras.optimizers.Adam(rate), loss, ["accuracy"])
        one.fit(dataset, validation_data=judged, epochs=epochs, verbose=0)

    base.trainable = False
    timed("head", lambda: fit(model, 1e-3, HEAD, train, val))
    base.trainable = True
    timed("fine-tuning", lambda: fit(model, 1e-4, FINE_TUNING, train, val))
    plain = keras.Model(base.input, layers.Dense(classes, weights=head.layers[-1].get_weights())(head.layers[0](base.output)))

    def scaled(dataset: Any) -> Any:
        return dataset.map(lambda pixels, labels: (pixels / 127.5 - 1, labels))

    def aware() -> Any:
        quantized = tfmot.quantization.keras.quantize_model(plain)
        fit(quantized, 1e-4, QAT, scaled(train), scaled(val))
        return quantized

    quantized = timed("QAT", aware)

    def representative() -> Iterator[list[Any]]:
        for pixels, _ in scaled(train).unbatch().batch(1).take(CALIBRATION):
            yield [pixels]

    def converted(one: Any, optimized: bool = True, calibrated: bool = False) -> bytes:
        converter = tf.lite.TFLiteConverter.from_keras_model(one)
        if optimized:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if calibrated:
            converter.representative_dataset = representative
        content: bytes = converter.convert()
        return content

    files = {
        "float TFLite": timed("conversions", lambda: converted(plain, optimized=False)),
        "PTQ TFLite": timed("conversions", lambda: converted(plain, calibrated=True)),
        "QAT TFLite": timed("conversions", lambda: converted(quantized)),
    }

    def accuracy(content: bytes) -> float:
        interpreter = Interpreter(model_content=content)
        interpreter.allocate_tensors()
        taken, given = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
        right = []
        for pixels, label in scaled(val).unbatch().batch(1):
            interpreter.set_tensor(taken, pixels.numpy())
            interpreter.invoke()
            right.append(interpreter.get_tensor(given).argmax() == label.numpy()[0])
        return 100 * float(np.mean(right))

    accuracies = {"Keras": timed("looking", lambda: 100 * model.evaluate(val, verbose=0)[1])}
    for name, content in files.items():
        accuracies[name] = timed("looking", lambda content=content: accuracy(content))
    return seconds, accuracies


if __name__ == "__main__":
    if "--textbook" in sys.argv:
        print(json.dumps(textbook(sys.argv[1])))
    else:
        main(sys.argv[1])
