"""Tables of a comparison: the runs, best first, and the paired test of every two."""

from edgetl import console
from edgetl.accuracy import figure
from edgetl.evaluation.results import ComparedPair, Comparison
from edgetl.report.plots.comparison import p_value, short_names


def print_comparison(comparison: Comparison) -> None:
    """Print the runs, best first, each tested against the best; then every pair."""
    runs = comparison.best_first
    names = short_names(comparison)
    rows = []
    for run in runs:
        low, high = figure(run).interval_95
        latency = "" if run.latency_p50_ms is None else f"{run.latency_p50_ms:.2f}"
        accuracy = [f"{100 * figure(run).value:.2f}", f"{100 * low:.1f}-{100 * high:.1f}"]
        against_best = _p_values(comparison.pair(runs[0], run))
        rows.append([names[run.run], run.model, *accuracy, f"{run.size_bytes / 1024:,.0f}", latency, *against_best])
    what = "top-1 accuracy" if comparison.metric == "top-1" else "mAP, and p of exact matches,"
    console.note(f"{what} on {comparison.measured_on}; latency as measured by each run's validation")
    console.note("p: exact McNemar test against the best run; Holm p: corrected for the number of comparisons")
    console.table("runs", ["run", "model", f"{comparison.metric} %", "95 % interval", "KiB", "p50 ms", "p", "Holm p"], rows)
    if len({run.model for run in runs}) > 1:
        console.warn("the runs' models have different formats or precisions: choose one, for example with --model model_int8.tflite")
    pairs = []
    for pair in comparison.pairs:
        test = pair.paired
        pairs.append([names[pair.first], names[pair.second], f"{-test.drop_points:+z.2f}", test.only_a, test.only_b, *_p_values(pair)])
    console.note("difference: second minus first in percentage points; only 1st, only 2nd: images that only this run predicts correctly")
    console.table("pairs", ["first", "second", "difference", "only 1st", "only 2nd", "p", "Holm p"], pairs)
    console.note(comparison.summary())


def _p_values(pair: ComparedPair | None) -> list[str]:
    return [p_value(pair.paired.mcnemar_p), p_value(pair.holm_p)] if pair else ["", ""]
