"""What chose and what measured, in words, from what a run records."""

from collections.abc import Mapping

import pytest

from edgetl.chosen import choice_and_measure, doubt, judged_on, untrained
from edgetl.compared import MeasuredImages
from edgetl.float_record import FloatChoice, Imported
from edgetl.int8_record import NO_BUDGET, Distance, Int8Candidate, Int8Choice, Int8Request
from edgetl.recipe import load
from edgetl.recipe_tables import AboutTable
from edgetl.run_record import (
    CalibrationImages,
    CompressFacts,
    Compression,
    DataFacts,
    Epoch,
    ExportFacts,
    FloatFacts,
    QuantizedFacts,
    RangeMethod,
    RunRecord,
    ScaledTemperature,
    Stage,
    StageFacts,
    Training,
)

EPOCHS = Training((Epoch(1.0, 0.5, 0.6, 1.0), Epoch(0.5, 0.7, 0.8, 0.5)), 2)
FLOAT = FloatFacts(
    device="CPU",
    replicas=1,
    precision="float32",
    class_weights=(1.0, 1.0),
    held_out=100,
    head=EPOCHS,
    fine_tuning=EPOCHS,
    choice=FloatChoice("fine-tuned", 100, 0.9, 0.4, 0.95, 0.3),
    temperature=ScaledTemperature(1.1, 100, 0.1, 0.1, 0.5, 0.5),
)
COMPRESSED = CompressFacts(pruning=EPOCHS, achieved=Compression(10, 0.5, {}, None))
CANDIDATE = Int8Candidate("ptq_int8", 0.9, (0.8, 0.95), 0.4, 0.1, 1, 0, 1.0, 1000)


def record(*, test: int = 0, max_drop: float = NO_BUDGET, patience: int = 0, **stages: StageFacts) -> RunRecord:
    counts = {"train": 800, "val": 150, "test": test}
    choice = Int8Choice(Int8Request((), max_drop), (CANDIDATE, CANDIDATE), CANDIDATE, "best")
    about = AboutTable(name="", version="", licence="", author="")
    facts: Mapping[str, StageFacts] = {
        "data": DataFacts(fingerprint="x", counts=counts, class_names=("a", "b"), rejected=0, excluded=0),
        "float": FLOAT,
        "export": ExportFacts(formats=("tflite",), about=about, choice=choice),
        **stages,
    }
    made = {name: Stage(inputs="x", finished="", seconds=1.0, files={}, facts=one) for name, one in facts.items()}
    return RunRecord(created="", recipe=load(settings=[f"train.patience={patience}"]), software={}, stages=made)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (
            record(),
            "The network or its head, the temperature and the int8 model were chosen on 100 held-out training images, of which one is "
            "1.0 points. The accuracy is measured on images that chose nothing: 150 validation images, of which one is 0.67 points.",
        ),
        (record(test=2000), "measured on images that chose nothing: 2,000 test images."),
        (
            record(max_drop=0.5),
            "The int8 model was chosen on 150 validation images, of which one is 0.67 points. The accuracy is measured on images "
            "that chose too, and may be lower on others: 150 validation images, of which one is 0.67 points.",
        ),
        (
            record(max_drop=0.5, test=2000),
            "The int8 model was chosen on 150 validation images, of which one is 0.67 points. The accuracy is ",
        ),
        (record(max_drop=0.5, test=2000), "on images that chose nothing: 2,000"),
        (record(patience=3, float=FLOAT.model_copy(update={"held_out": 0, "choice": None, "temperature": None})), "The epoch and the int8"),
        (record(compress=COMPRESSED), "the state of the compression, the temperature and the int8 model"),
        (
            record(float=FLOAT.model_copy(update={"trained_again": True})),
            "The network or its head and the temperature were chosen on 100 held-out training images, of which one is 1.0 points, which "
            "were learned from only afterwards. The int8 model was chosen on the same images, when the float model had learned from them.",
        ),
    ],
)
def test_who_chose_and_who_measured(made: RunRecord, said: str) -> None:
    assert said in choice_and_measure(made)


def test_a_run_without_images_says_nothing() -> None:
    assert choice_and_measure(RunRecord(created="", recipe=load(), software={})) == ""


def test_what_is_learned_by_heart_does_not_judge() -> None:
    again = record(float=FLOAT.model_copy(update={"trained_again": True}), compress=COMPRESSED)
    assert judged_on(again, "float") == MeasuredImages(100, "100 held-out images, of which one is 1.0 points")
    assert judged_on(again, "qat_int8") == MeasuredImages(100, "100 training images, of which one is 1.0 points")
    assert judged_on(again, "pruning") == MeasuredImages(150, "150 validation images, of which one is 0.67 points")
    assert "compression" not in choice_and_measure(again)
    assert judged_on(record(compress=COMPRESSED), "pruning").words.startswith("100 held-out images")


def test_the_kept_figure_is_the_heads_where_fine_tuning_did_worse() -> None:
    worse = FLOAT.model_copy(update={"fine_tuning": Training(EPOCHS.epochs, 0), "head": Training((Epoch(1.0, 0.5, 0.85, 1.0),), 1)})
    assert worse.kept is not None
    assert (worse.kept.val_accuracy, FLOAT.kept) == (0.85, EPOCHS.epochs[1])


def test_a_sentence_says_why_nothing_was_trained_with_quantization_in_the_loop() -> None:
    def calibrated(kl: float) -> RunRecord:
        left = Distance(images=250, kl=kl, changed=0.004)
        seen = CalibrationImages(256, "x")
        return record(quantized=QuantizedFacts(float_inputs="x", calibration=seen, ranges=RangeMethod("mse"), distance=left))

    near, far = calibrated(0.0002), calibrated(0.5)
    assert "KL 0.0002 from float" in untrained(near)
    assert "KL 0.00296 from float" in untrained(calibrated(0.00296)), "not 0.0030, which would be run"
    assert untrained(near).startswith(
        "Quantization-aware training was not run, since calibration left it too little to win: "
        "KL 0.0002 from float, 0.4 % of 250 training images predicted otherwise; it is run from 0.0"
    )
    assert choice_and_measure(near).endswith(untrained(near)), "show and the report say it, too"
    assert untrained(far) == untrained(record()) == ""


def test_a_network_that_knows_nothing_is_called_that() -> None:
    network = Imported("a.onnx", "", "", "", "raw", "crop", "as asked", same_at_borders=True, doubt="the network is by chance")
    made = record(float=FLOAT.model_copy(update={"imported": network}))
    assert doubt(made) == "The network is by chance."
    assert choice_and_measure(made).endswith("0.67 points. The network is by chance.")
    assert doubt(record()) == ""
