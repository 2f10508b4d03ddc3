"""The summary at the top of a report."""

from collections.abc import Iterator

from edgetl.accuracy import figure
from edgetl.compared import SPLIT_NAMES
from edgetl.evaluation.validation import Validation
from edgetl.float_record import NetworkFacts
from edgetl.report.page.blocks import Absent, Block, Section, Text, Tile, Tiles
from edgetl.report.page.facts import Facts, kib, percent
from edgetl.run_record import DataFacts, FloatFacts, RunRecord
from edgetl.wording import counted, joined

_TITLE = "Summary"
_WEIGHTS = {"imagenet": "ImageNet"}


def section(facts: Facts) -> Section | Absent:
    """Return what was trained on what, the main model's accuracy, size and latency, and the verdict of the validation."""
    blocks: list[Block] = [Text(_describe(facts.record))]
    validation = facts.validation
    if validation is None:
        blocks.append(Text("The run is not validated, or its files have changed since. Run:", "edgetl validate RUN", warning=True))
    else:
        blocks.append(Tiles(tuple(_tiles(validation))))
        blocks += [Text(validation.chosen_by)] if validation.chosen_by else []
        blocks += [Text(failure, warning=True) for failure in validation.failures]
        if validation.passed:
            blocks.append(Text(f"All models that should agree do so, on {counted(validation.images, 'image')}."))
        if new := [*facts.record.unvalidated()]:
            blocks.append(Text(f"Exported since, and not validated: {joined(new)}. Run:", "edgetl validate RUN", warning=True))
    choice = facts.record.integer_choice()
    if choice:
        kept = f" In float: {', '.join(choice.chosen.kept_float)}." if choice.chosen.kept_float else ""
        blocks.append(Text(f"The exported int8 model is {choice.chosen.name}: {choice.reason}.{kept}"))
    return Section(_TITLE, blocks)


def _describe(record: RunRecord) -> str:
    model, data = record.recipe.model, record.find("data", DataFacts)
    trained = record.find("float", FloatFacts)
    if trained and trained.imported:
        text = f"{record.recipe.network}: {trained.imported.described}"
    elif start := record.find("network", NetworkFacts):
        text = f"{record.recipe.network}: {start.imported.described}; trained further under a new head"
    else:
        network, weights = f"{model.backbone} with alpha {model.alpha:g} at {model.image_size} px", model.start
        text = f"{network}, " + ("trained from scratch" if weights == "none" else f"starting from {_WEIGHTS.get(weights, weights)} weights")
    if data:
        counts = [f"{count:,} {SPLIT_NAMES[split]}" for split, count in data.counts.items() if count]
        source = record.recipe.data.source.rstrip("/").rpartition("/")[2] or "noise"
        text += f", on {source}: {joined(counts)} images of {counted(len(data.class_names), 'class')}"
    return f"{text}."


def _tiles(validation: Validation) -> Iterator[Tile]:
    name, main, reference = validation.main, validation.main_model, validation.float_model
    verdict = "passed" if validation.passed else "FAILED"
    yield Tile(verdict, "verdict of the validation", f"{len(validation.pairs)} pairs of models compared", validation.passed)
    judged_by = figure(main.accuracy)
    low, high = judged_by.interval_95
    accuracy, metric = judged_by.value, judged_by.metric
    images = counted(validation.images, "image of noise" if validation.truth == "noise" else f"{SPLIT_NAMES[validation.split]} image")
    worth = f"; one image is {100 / validation.images:.2g} points" if metric == "top-1" else ""
    share = "top-1 accuracy of" if metric == "top-1" else f"{metric} of"
    what = share if validation.truth == "labels" else "same class as the imported network by"
    yield Tile(f"{percent(accuracy)} %", f"{what} {name}", f"95 % interval: {percent(low, 1)} to {percent(high, 1)}{worth}; {images}")
    if several := main.accuracy.multi_label:
        low, high = several.exact_match_interval_95
        interval = f"95 % interval: {percent(low, 1)} to {percent(high, 1)} %"
        yield Tile(f"{percent(several.exact_match)} %", "exact match: all classes of an image and no other", interval)
    if main is not reference:
        float_accuracy = figure(reference.accuracy).value
        change = 100 * (accuracy - float_accuracy)
        if validation.truth == "labels":
            note = f"float: {percent(float_accuracy)} %"
            yield Tile(f"{change:+z.2f}", f"points of {metric}, quantized minus float", note, change >= 0 or None)
        alike = (one for one in validation.subjects.values() if (one.runtime, one.precision) == (main.runtime, reference.precision))
        ratio = next(alike, reference).size_bytes / main.size_bytes
        yield Tile(f"{kib(main.size_bytes)} KiB", f"size of {name}", f"{ratio:.1f} times smaller than float")
    yield Tile(f"{main.latency_ms.p50:.2f} ms", "median latency per image", f"on {validation.cpu.model}, one thread")
