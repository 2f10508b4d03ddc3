"""The figures that matter, and the verdict."""

from collections.abc import Iterator

from edgetl.evaluation.validation import Validation
from edgetl.report.page.blocks import Absent, Block, Section, Text, Tile, Tiles
from edgetl.report.page.facts import Facts, kib, percent
from edgetl.run_record import DataFacts, ExportFacts, RunRecord


def section(facts: Facts) -> Section | Absent:
    blocks: list[Block] = [Text(_what(facts.record))]
    validation = facts.validation
    if validation is None:
        blocks.append(Text("Not validated yet, or the files have changed since: edgetl validate RUN", warning=True))
    else:
        blocks.append(Tiles(tuple(_tiles(validation))))
        blocks += [Text(failure, warning=True) for failure in validation.failures]
        if validation.passed:
            blocks.append(Text(f"Every pair of models that ought to agree does, on {validation.images:,} validation images."))
    exported = facts.record.find("export_int8", ExportFacts)
    if exported and exported.int8:
        choice = exported.int8
        kept = f"; in float: {', '.join(choice.chosen.kept_float)}" if choice.chosen.kept_float else ""
        blocks.append(Text(f"The int8 files are {choice.chosen.name}: {choice.reason}{kept}."))
    return Section("Summary", blocks)


def _what(record: RunRecord) -> str:
    model, data = record.recipe.model, record.find("data", DataFacts)
    text = f"{model.backbone}, alpha {model.alpha:g}, at {model.image_size} px, from weights {model.weights.rpartition('/')[2]}"
    if data:
        counts, source = data.counts, record.recipe.data.source.rpartition("/")[2]
        images = f"{counts['train']:,} training and {counts['val']:,} validation images"
        text += f"; {images} of {len(data.class_names)} classes from {source}"
    return text + "."


def _tiles(validation: Validation) -> Iterator[Tile]:
    name, shipped, reference = validation.main, validation.main_model, validation.float_model
    yield Tile("passed" if validation.passed else "FAILED", "verdict", f"{len(validation.pairs)} pairs compared", validation.passed)
    low, high = shipped.accuracy.top1_interval_95
    accuracy = shipped.accuracy.top1_accuracy
    yield Tile(f"{percent(accuracy)} %", f"top-1 of {name}", f"{percent(low, 1)} to {percent(high, 1)} % at 95 %")
    if shipped is not reference:
        change = 100 * (accuracy - reference.accuracy.top1_accuracy)
        yield Tile(f"{change:+.2f}", "points against float", f"float: {percent(reference.accuracy.top1_accuracy)} %", change >= 0 or None)
        unquantized = validation.subjects.get(name.replace("int8", "float32"), reference)
        yield Tile(f"{kib(shipped.size_bytes)} KiB", "size", f"{unquantized.size_bytes / shipped.size_bytes:.1f} times smaller than float")
    yield Tile(f"{shipped.latency_ms.p50:.2f} ms", "an image, here", f"median; {validation.cpu.model}, one thread")
