"""A card of a validated run: what it is, what was measured, and by which commands; for the zoo in `models/` and for colleagues."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from edgetl.errors import RunError
from edgetl.evaluation.parity import REFERENCE
from edgetl.evaluation.validation import Validation
from edgetl.report.terminal.tables import markdown_table
from edgetl.run_record import DataFacts, ExportFacts, RunRecord

_INT8 = ("ptq_int8", "qat_int8")


def results(record: RunRecord, validation: Validation) -> dict[str, Any]:
    """The figures of a run (run.json) and its validation (validation.json) in one document, with every interval and paired cost."""
    exported, data = record.find("export_int8", ExportFacts), record.find("data", DataFacts)
    if data is None:
        raise RunError("the run has read no images", "run the same 'edgetl train' command again")
    int8, recipe = exported and exported.int8, record.recipe.model_dump(mode="json")
    candidates = {one.name: asdict(one) for one in int8.candidates} if int8 else {}
    for one in candidates.values():
        del one["name"], one["kept_float"]
    costs = {name: asdict(pair.paired) | {"same_top1": pair.agreement.top1_agreement} for name, pair in validation.costs.items()}
    models = {
        name: {
            "top1_accuracy": subject.accuracy.top1_accuracy,
            "top1_interval_95": list(subject.accuracy.top1_interval_95),
            "loss": subject.accuracy.loss,
            "size_bytes": subject.size_bytes,
            "latency_ms": subject.latency_ms.model_dump(),
            "against_float": costs.get(name),
        }
        for name, subject in validation.subjects.items()
    }
    return {
        "recipe": recipe | {"data": recipe["data"] | {"source": record.recipe.data.source.rpartition("/")[2]}},
        "data": {"fingerprint": data.fingerprint, "counts": data.counts, "classes": len(data.class_names)},
        "training_seconds": {name: stage.seconds for name, stage in record.stages.items()},
        "schemes": {name: candidates[name] for name in _INT8 if name in candidates},
        "shipped": {"shipped": int8.chosen.name, "reason": int8.reason, "kept_float": list(int8.chosen.kept_float)} if int8 else {},
        "models": models,
        "engines": [
            {"first": pair.tolerance.first, "second": pair.tolerance.second, "same_top1": pair.agreement.top1_agreement}
            for pair in validation.pairs
            if pair.tolerance.first != REFERENCE
        ],
        "passed": validation.passed,
        "latency": validation.latency.model_dump(),
        "cpu": asdict(validation.cpu),
        "software": validation.software,
    }


def card(name: str, results: Mapping[str, Any]) -> str:
    """The results as Markdown, with the commands that make them again."""
    model, counts = results["recipe"]["model"], results["data"]["counts"]
    source = results["recipe"]["data"]["source"]
    schemes = [
        [f"`{scheme}`", _accuracy(facts), f"{facts['drop_points']:+.2f}", f"{facts['lost']} / {facts['won']}", f"{facts['mcnemar_p']:.2f}"]
        for scheme, facts in results["schemes"].items()
    ]
    files = [
        [
            f"`{subject}`",
            _accuracy(facts),
            f"{facts['size_bytes'] / 1024:,.0f}",
            f"{facts['latency_ms']['p50']:.2f}",
            "" if facts["against_float"] is None else f"{100 * facts['against_float']['same_top1']:.2f}",
        ]
        for subject, facts in results["models"].items()
    ]
    return "\n".join(
        [
            f"# {name}",
            "",
            f"`{model['backbone']}` alpha {model['alpha']:g} at {model['image_size']} px from weights `{model['weights']}`, on {source}: "
            f"{counts['train']} training and {counts['val']} validation images of {results['data']['classes']} classes.",
            "",
            "```sh",
            f"edgetl run models/{name}/recipe.toml --out runs/{name}    # with the images in ./{source}",
            f"edgetl card runs/{name} --out models/{name}",
            "```",
            "",
            "What int8 costs, in LiteRT, image by image against the float model (points; images lost / won; McNemar's p):",
            "",
            *markdown_table(["scheme", "top-1 % (95 %)", "drop", "lost / won", "p"], schemes),
            "",
            f"Shipped: `{results['shipped'].get('shipped', 'nothing')}`. Every file, one thread (Keras: all cores):",
            "",
            *markdown_table(["model", "top-1 % (95 %)", "KiB", "p50 ms", "same prediction as float %"], files),
            "",
            f"Verdict of `edgetl validate`: {'passed' if results['passed'] else 'FAILED'}. Measured on {results['cpu']['model']}, "
            f"TensorFlow {results['software']['tensorflow']}, LiteRT {results['software']['ai-edge-litert']}, "
            f"ONNX Runtime {results['software']['onnxruntime']}; all figures are in `results.json`.",
            "",
        ]
    )


def _accuracy(facts: Mapping[str, Any]) -> str:
    low, high = facts["top1_interval_95"]
    return f"{100 * facts['top1_accuracy']:.2f} ({100 * low:.1f} to {100 * high:.1f})"
