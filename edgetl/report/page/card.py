"""The card of a validated run: what the model is, what was measured, and by which commands; for `models/` and for colleagues."""

import json
from shlex import quote

from pydantic import JsonValue

from edgetl.accuracy import figure
from edgetl.compared import SPLIT_NAMES, right
from edgetl.input import FREE_BATCH
from edgetl.micro import estimate
from edgetl.report.page.results import Results
from edgetl.report.page.tables import markdown_table, plain
from edgetl.runtimes.base import on_this_computer, with_memory
from edgetl.wording import counted, joined

# Settings that an import makes by itself, or that its command says in other words.
_OF_IMPORTS = {
    "data.source",
    "model.backbone",
    "model.weights",
    "model.image_size",
    "imported.preprocessing",
    "imported.resize",
    "teacher.run",
    "train.head_epochs",
    "train.epochs",
    "train.temperature_scaling",
}
_PACKAGES = {"tensorflow": "TensorFlow", "ai-edge-litert": "LiteRT", "onnxruntime": "ONNX Runtime"}


def card(name: str, results: Results) -> str:
    """Return the results as Markdown, with the commands that reproduce them."""
    schemes = [
        [f"`{one.name}`", str(figure(one)), f"{-one.drop_points:+z.2f}", f"{one.lost} / {one.won}", f"{one.mcnemar_p:.2f}"]
        for one in results.candidates
    ]
    files = [
        [
            f"`{model}`" + (f" (batch {one.batch})" if one.batch not in (1, FREE_BATCH) else ""),
            str(figure(one)),
            f"{one.size_bytes / 1024:,.0f}",
            f"{one.latency_ms.p50:.2f}",
            "" if one.against_float is None else f"{100 * one.against_float.same:.2f}",
        ]
        for model, one in results.models.items()
    ]
    memories = {name: one.memory for name, one in results.models.items()}
    several = results.metric == "mAP"
    matches = "exact matches" if several else "images"
    share = f"{right(results.truth, results.metric)} % (95 % interval)"
    columns = ["model", share, "KiB", "p50 ms", f"same {'classes' if several else 'prediction'} as float %"]
    software = ", ".join(f"{title} {results.software[package]}" for package, title in _PACKAGES.items() if package in results.software)
    return "\n".join(
        [
            f"# {name}",
            "",
            *_made(name, results),
            "",
            results.chosen_by or "What chose the models is not recorded: the images that measure may have.",
            "",
            f"int8 minus float, in LiteRT on the images that chose (percentage points; {matches} lost / won; McNemar's p):",
            "",
            *markdown_table(["scheme", share, "int8 minus float", "lost / won", "p"], schemes),
            "",
            f"Exported int8 model: `{results.int8.chosen.name if results.int8 else 'none'}`. Every file, on one thread (Keras: all cores), "
            f"measured on {results.images_in_words}:",
            "",
            *markdown_table(*with_memory(columns, files, [*memories.values()])),
            "",
            *(f"{sentence[0].upper()}{sentence[1:]}.\n" for sentence in on_this_computer(memories)),
            *_rejection(results),
            *_estimates(results),
            f"Verdict of `edgetl validate`: {'passed' if results.passed else 'FAILED'}. Measured on {results.cpu.model}, {software}; "
            "`results.json` has all measurements.",
            "",
        ]
    )


def _estimates(results: Results) -> list[str]:
    """Return what was estimated of the int8 file on an NPU."""
    if not results.npu:
        return []
    of = f", of {results.npu_of}" if results.npu_of else ""
    lines = markdown_table(["NPU", *estimate.COLUMNS], [[f"`{one.accelerator}`", *one.texts] for one in results.npu])
    left = [line for one in results.npu if one.left for line in (plain(f"{one.accelerator}: {one.left}."), "")]
    return [f"{estimate.LEGEND}{of}:", "", *lines, "", *left]


def _rejection(results: Results) -> list[str]:
    """Return what was measured of unknown images and of thresholds."""
    lines: list[str] = []
    if found := results.unknown:
        rows = [[plain(cell) for cell in row] for row in found.rows()]
        lines += ["Images that show none of the classes:", "", *markdown_table(found.COLUMNS, rows), ""]
        lines += [plain(f"{'; '.join([*found.notes(), *found.caveats()])}."), ""]
    if choice := results.thresholds:
        rows = [[plain(cell) for cell in row] for row in choice.rows()]
        lines += [plain(choice.sentence()), "", *markdown_table(choice.COLUMNS, rows), ""]
        lines += [line for note in choice.notes for line in (plain(f"{note}."), "")]
    return lines


def _made(name: str, results: Results) -> list[str]:
    """Return where the network comes from, and the commands that make the run again."""
    network, data = results.network, results.data
    counts = joined([f"{count} {SPLIT_NAMES[split]}" for split, count in data.counts.items() if count])
    images = f"{data.source}: {counts} images of {counted(data.classes, 'class')}"
    run = quote(f"runs/{name}")
    if network.imported and not network.new_head:
        first = f"A network of {network.image_size} px, {network.imported.described}. "
        first += "There were no images." if results.truth == "noise" else f"It was calibrated and measured on {images}."
        fed = f"--preprocessing {quote(network.imported.preprocessing)} --resize {network.imported.resize}"
        asked = [fed] if results.truth == "noise" else [f"--data {quote(data.source)}", fed]
        asked += [f"--set {quote(_assigned(setting, value))}" for setting, value in results.settings.items() if setting not in _OF_IMPORTS]
        commands = [f"edgetl import {quote(str(network))} {' '.join(asked)} --out {run}", f"edgetl export {run}", f"edgetl validate {run}"]
    else:
        if network.imported:
            first = f"A network of {network.image_size} px, {network.imported.described}; under a new head, "
        else:
            first = f"`{network.backbone}`, alpha {network.alpha:g}, {network.image_size} px, starting from weights `{network.weights}`, "
        first += f"trained on {images}."
        commands = [f"edgetl run recipe.toml --out {run}    # in this folder; the recipe says where the images are"]
    return [first, "", "```sh", *commands, f"edgetl card {run} --out .", "```"]


def _assigned(setting: str, value: JsonValue) -> str:
    return f"{setting}={value if isinstance(value, str) else json.dumps(value)}"
