"""From images to int8 files: `edgetl train` and `edgetl export` beside the textbook way, with as many epochs of each kind.

usage: python benchmarks/chain.py DATA [--quick]   DATA/train/CLASS/*, DATA/val/CLASS/*; weights from EDGETL_WEIGHTS_DIR;
                                                   --quick: an epoch of each kind, to see that it runs

The textbook way is what the tutorials of Keras and tfmot add up to: the frozen backbone runs in every epoch of the head, batch norms stay
in, `quantize_model` for two epochs, `from_keras_model` for each file. It makes three TFLite files; edgetl makes float32 and int8 ones for
TFLite and ONNX, and trains with quantization in the loop only where calibration left something to win. Each way runs in processes of its
own, whose start counts. Accuracies are of all of val, taken off the clock.

Then edgetl is trained with its own defaults for 0, 1, 2, ... epochs of fine-tuning, until its float model is as accurate as the textbook's.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

EPOCHS, QUICK = (10, 10, 2), (1, 1, 1)  # of the head, of fine-tuning, with quantization in the loop
UNFREEZE = "10-blocks"  # of edgetl's fine-tuning: no gradient goes into the first seven, whose maps are the largest; "all" is as accurate
ALPHA, SIZE, BATCH, CALIBRATION = 0.35, 128, 32, 200
AS_FAST, REACHED_IN = 3.0, 1 / 6  # the bars: times as fast at no lower accuracy; share of the textbook's time to its float accuracy
MODEL = ("--backbone", "mobilenet_v2", "--alpha", str(ALPHA), "--image-size", str(SIZE), "--batch-size", str(BATCH))
_WEIGHTS = f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{ALPHA}_{SIZE}_no_top.h5"


Figures = dict[str, float]


def main(data: str, epochs: Sequence[int]) -> None:
    from common import cpu_line

    print(cpu_line())
    with tempfile.TemporaryDirectory() as folder:
        ways = {"textbook": _textbook_apart(data, epochs), "edgetl": ours(data, Path(folder, "run"), epochs)}
        for way, (seconds, accuracies) in ways.items():
            print(f"{way:10} {sum(seconds.values()):6.1f} s  {_line(seconds)}")
            print(f"{'':19}  top-1 in %: {_line(accuracies)}")
        (seconds, textbook), (own_seconds, own) = ways.values()
        times = sum(seconds.values()) / sum(own_seconds.values())
        gains = own["keras_float"] - textbook["Keras"], own["tflite_int8"] - max(textbook["PTQ TFLite"], textbook["QAT TFLite"])
        print(f"{times:.2f} times as fast, at least {AS_FAST:g} is wanted, with {gains[0]:+.1f} points float and {gains[1]:+.1f} int8")
        to_float = sum(seconds[name] for name in ("start", "head", "fine-tuning"))
        for count in range(epochs[1] + 1):
            took, accuracy = _float(data, Path(folder, f"float-{count}"), count)
            share = f"{took / to_float:.3f} of the textbook's {to_float:.1f} s, at most {REACHED_IN:.3f} is wanted"
            print(f"float after {count} epochs of fine-tuning: {accuracy:.1f} % in {took:.1f} s, {share}")
            if accuracy >= textbook["Keras"]:
                return
        print(f"the textbook's {textbook['Keras']:.1f} % were not reached")


def _line(figures: Figures) -> str:
    return ", ".join(f"{name} {figure:.1f}" for name, figure in figures.items())


def ours(data: str, run: Path, epochs: Sequence[int]) -> tuple[Figures, Figures]:
    head, tuning, aware = map(str, epochs)
    counts = ("--head-epochs", head, "--epochs", tuning, "--qat-epochs", aware, "--unfreeze", UNFREEZE)
    started = time.perf_counter()
    _edgetl("train", data, "--out", str(run), *MODEL, *counts, "--set", "export.precisions=['float32', 'int8']")
    stages = _stage_seconds(run)
    stages["start"] = time.perf_counter() - started - sum(stages.values())
    started = time.perf_counter()
    _edgetl("export", str(run))
    stages["export"] = time.perf_counter() - started
    subjects = json.loads(_edgetl("validate", str(run), "--json"))["subjects"]
    return stages, {name: 100 * one["accuracy"]["top1_accuracy"] for name, one in subjects.items()}


def _float(data: str, run: Path, epochs: int) -> tuple[float, float]:
    """Return the seconds until the float model of so many epochs is there, and its accuracy in percent."""
    started = time.perf_counter()
    _edgetl("train", data, "--out", str(run), *MODEL, "--epochs", str(epochs), "--no-qat", "--set", "quantize.ranges=minmax")
    after = sum(seconds for name, seconds in _stage_seconds(run).items() if name not in ("data", "float"))
    seconds = time.perf_counter() - started - after
    [scores] = json.loads(_edgetl("evaluate", str(run), "--json"))["models"].values()
    return seconds, 100 * scores["top1_accuracy"]["value"]


def _stage_seconds(run: Path) -> Figures:
    stages = json.loads(run.joinpath("run.json").read_text(encoding="utf-8"))["stages"]
    return {name: stage["seconds"] for name, stage in stages.items()}


def _edgetl(*arguments: str) -> str:
    return subprocess.run([sys.executable, "-m", "edgetl", *arguments], stdout=subprocess.PIPE, check=True, text=True).stdout


def _textbook_apart(data: str, epochs: Sequence[int]) -> tuple[Figures, Figures]:
    started = time.perf_counter()
    command = [sys.executable, __file__, data, "--textbook", *(["--quick"] if epochs == QUICK else [])]
    seconds, accuracies = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()[-1])
    looking = seconds.pop("looking")
    return {"start": time.perf_counter() - started - looking - sum(seconds.values())} | seconds, accuracies


def textbook(data: str, counts: Sequence[int]) -> tuple[Figures, Figures]:
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    import numpy as np
    import tensorflow as tf
    import tensorflow_model_optimization as tfmot
    import tf_keras as keras
    from ai_edge_litert.interpreter import Interpreter

    keras.utils.set_random_seed(0)
    layers, seconds = keras.layers, {"looking": 0.0}
    head_epochs, tuning_epochs, aware_epochs = counts

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
    timed("head", lambda: fit(model, 1e-3, head_epochs, train, val))
    base.trainable = True
    timed("fine-tuning", lambda: fit(model, 1e-4, tuning_epochs, train, val))
    plain = keras.Model(base.input, layers.Dense(classes, weights=head.layers[-1].get_weights())(head.layers[0](base.output)))

    def scaled(dataset: Any) -> Any:
        return dataset.map(lambda pixels, labels: (pixels / 127.5 - 1, labels))

    def aware() -> Any:
        quantized = tfmot.quantization.keras.quantize_model(plain)
        fit(quantized, 1e-4, aware_epochs, scaled(train), scaled(val))
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
    counts = QUICK if "--quick" in sys.argv else EPOCHS
    if "--textbook" in sys.argv:
        print(json.dumps(textbook(sys.argv[1], counts)))
    else:
        main(sys.argv[1], counts)
