"""Say what chose the models of a run, and what measured them."""

from edgetl.compared import MeasuredImages, Truth, of_split
from edgetl.int8_record import Distance
from edgetl.output import metric_of
from edgetl.run_record import CompressFacts, DataFacts, FloatFacts, QuantizedFacts, RunRecord
from edgetl.wording import beside, counted, counted_for, joined

_INT8 = "the int8 model"
_MEASURED: dict[Truth, str] = {
    "labels": "The accuracy is measured {among}: {measuring}.",
    "original": "There are no labels: accuracy is not measured, but agreement with the imported network, {among}: {measuring}.",
    "noise": "There are no images: accuracy is not measured, and agreement with the imported network only on {measuring}.",
}


def judged_on(record: RunRecord, training: str) -> MeasuredImages:
    """Return the images that the figures after each epoch of a training are of; none: the run has none yet."""
    data, trained = record.find("data", DataFacts), _trained(record)
    if data is None or trained is None:
        return MeasuredImages()
    if trained.held_out and not (trained.trained_again and training in ("pruning", "clustering")):  # which then learn from all
        learned = trained.trained_again and training not in ("head", "float")  # by the float model, which later trainings start from
        words = counted_for(trained.held_out, "training image" if learned else "held-out image", metric_of(data.task))
        return MeasuredImages(trained.held_out, words)
    return MeasuredImages(data.images("val"), of_split(data.images("val"), "val"))


def choice_and_measure(record: RunRecord, images: int = 0) -> str:
    """Return in some sentences what chose the models and what measures them; empty: the run has no images yet.

    Args:
        images: that measured; 0: all of the split that measures.
    """
    data, trained = record.find("data", DataFacts), _trained(record)
    if data is None or trained is None:
        return ""
    metric = metric_of(data.task)
    by_held_out, by_validation = _by_held_out(record, trained), _by_validation(record, trained)
    sentences = []
    later = [name for name in by_held_out if trained.trained_again and name == _INT8]  # than the second training
    if earlier := [name for name in by_held_out if name not in later]:
        learned = ", which were learned from only afterwards" if trained.trained_again else ""
        sentences.append(f"{_were_chosen(earlier)} on {counted_for(trained.held_out, 'held-out training image', metric)}{learned}.")
    if later:
        these = "the same images" if earlier else counted_for(trained.held_out, "training image", metric)
        sentences.append(f"{_were_chosen(later)} on {these}, when the float model had learned from them.")
    if by_held_out and trained.teacher and record.recipe.teacher.run == "auto":
        sentences.append("The teacher had learned from them.")
    if by_validation:
        sentences.append(f"{_were_chosen(by_validation)} on {of_split(data.images('val'), 'val')}.")
    split = data.measuring_split
    measuring = of_split(images or data.images(split), split, data.truth)
    among = "on images that chose too, and may be lower on others" if by_validation and split == "val" else "on images that chose nothing"
    sentences.append(_MEASURED[data.truth].format(among=among, measuring=measuring))
    if split == "test" and not by_validation:
        sentences.append(f"The {counted(data.images('val'), 'validation image')} chose and measured nothing.")
    return " ".join(filter(None, [*sentences, untrained(record), doubt(record)]))


def doubt(record: RunRecord) -> str:
    """Return a sentence on why an imported network may be of no use here; empty: it knows the classes, or nothing says whether."""
    trained = record.find("float", FloatFacts)
    found = trained.imported.doubt if trained and trained.imported else ""
    return f"{found[0].upper()}{found[1:]}." if found else ""


def left_by_calibration(record: RunRecord) -> Distance | None:
    """Return the calibrated model's distance from float; None: nothing was calibrated, or nobody asked for it."""
    found = (stage.facts.distance for stage in record.stages.values() if isinstance(stage.facts, QuantizedFacts))
    return next((distance for distance in found if distance), None)


def untrained(record: RunRecord) -> str:
    """Return a sentence on why no quantization-aware training followed; empty: it did, or the recipe did not leave that open."""
    asked, left = record.recipe.quantize, left_by_calibration(record)
    if asked.own:
        return (
            f"The integers of the int8 model are those of {record.recipe.model.start}: nothing was calibrated or trained, and keras_float "
            "is not an original, but what they stand for in real numbers."
        )
    if asked.qat != "auto" or left is None or asked.trains(left.kl):
        return ""
    kl = f"{left.kl:.4f}" if round(left.kl, 4) < asked.qat_above else beside(left.kl, asked.qat_above)
    least = f"it is run from {asked.qat_above:g} on"
    return f"Quantization-aware training was not run, since calibration left it too little to win: {left.with_kl(kl)}; {least}."


def _trained(record: RunRecord) -> FloatFacts | None:
    return record.find("float", FloatFacts) or record.find("backbone", FloatFacts)


def _by_held_out(record: RunRecord, trained: FloatFacts) -> list[str]:
    """Return what held-out training images chose."""
    compressed, integers = record.find("compress", CompressFacts), record.integer_choice()
    found = {
        "the network or its head": trained.choice,
        "the epoch": _epoch_chosen(record, trained),
        "the state of the compression": compressed and not trained.trained_again,
        "the thresholds": trained.thresholds,
        "the temperature": trained.temperature or (compressed and compressed.temperature),
        _INT8: integers and len(integers.candidates) > 1 and not integers.asked.has_budget,
    }
    return [name for name, chosen in found.items() if chosen and trained.held_out]


def _epoch_chosen(record: RunRecord, trained: FloatFacts) -> bool:
    """Return whether images chose the epoch that is kept; where it is the last one, the schedule did."""
    training = trained.fine_tuning
    return training is not None and bool(record.recipe.train.patience or 0 < training.best_epoch < len(training.epochs))


def _by_validation(record: RunRecord, trained: FloatFacts) -> list[str]:
    """Return what validation images chose: a drop is promised of them, and without held-out images they have to."""
    integers = record.integer_choice()
    found = {
        "the epoch": not trained.held_out and _epoch_chosen(record, trained),
        _INT8: integers and len(integers.candidates) > 1 and (integers.asked.has_budget or not trained.held_out),
    }
    return [name for name, chosen in found.items() if chosen]


def _were_chosen(names: list[str]) -> str:
    text = f"{joined(names)} {'was' if len(names) == 1 else 'were'} chosen"
    return text[0].upper() + text[1:]
