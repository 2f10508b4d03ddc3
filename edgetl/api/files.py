"""Functions for files and folders that need not be a run."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from edgetl import recipe as recipes
from edgetl.api.checks import File, as_path, at_least, known, path_of, several, text_of, texts
from edgetl.api.options import BenchmarkOptions, PackOptions, ShipOptions
from edgetl.recipe_values import Overrides
from edgetl.run_folder import RunFolder

if TYPE_CHECKING:
    from edgetl.benchmarking.results import Benchmark
    from edgetl.pipeline.doctor import Examination
    from edgetl.pipeline.pack import Packed
    from edgetl.pipeline.ship.app import Shipped
    from edgetl.pipeline.ship.verify import Verification


def benchmark(files: File | Sequence[File] | RunFolder, **options: Unpack[BenchmarkOptions]) -> "Benchmark":
    """Measure the latency, memory and size of model files, or of a run's files, on devices side by side.

    Args:
        files: model files, or one run; none: the newest run that has been exported.
        options: see `edgetl.BenchmarkOptions`.
    """
    from edgetl.benchmarking.plan import cpus_of
    from edgetl.devices import LOCAL
    from edgetl.devices.plan import Plan
    from edgetl.pipeline import benchmark as stage

    known(options, BenchmarkOptions)
    images = options.get("images", 0)
    at_least(-1, images=images)
    runs = options.get("runs", Plan.runs)
    delegates = several("delegate", options.get("delegate", Plan.delegate)) or [Plan.delegate]
    plan = Plan(
        threads=options.get("threads", Plan.threads),
        runs=runs,
        warmup=options.get("warmup", Plan.warmup),
        duration_s=options.get("duration_s", Plan.duration_s),
        cpus=cpus_of(options.get("cpu_mask", "")),
        profile=runs if options.get("profile") else 0,
    )
    devices = several("devices", options.get("devices", ())) or [LOCAL]
    named = [files.path] if isinstance(files, RunFolder) else [Path(file) for file in several("a model", files)]
    targets = stage.opened(named, text_of("data", options.get("data", "")))
    plans = [replace(plan, delegate=delegate) for delegate in dict.fromkeys(delegates)]
    return stage.benchmark(targets, devices, plans, images=images, out=as_path(options.get("out")))


def ship_bundle(source: File | None, target: str, **options: Unpack[ShipOptions]) -> "Shipped":
    """Make an app of a validated run or a bundle, or update one; files that you changed are kept.

    Args:
        source: a run, or a .edgetl file; None: the newest validated run.
        target: "android", "ios", "web" or "linux", see `edgetl list targets`.
        options: see `edgetl.ShipOptions`; one of `out` and `into` is needed.
    """
    from edgetl.pipeline.ship.app import AppOptions
    from edgetl.pipeline.ship.app import ship as stage

    known(options, ShipOptions)
    texts(target=target)
    asked = AppOptions(
        out=as_path(options.get("out")),
        into=as_path(options.get("into")),
        package=options.get("package", ""),
        runtime=options.get("runtime", ""),
        golden=text_of("golden", options.get("golden", AppOptions.golden)),
        data=text_of("data", options.get("data", "")),
        translations=tuple(map(path_of, options.get("translations", ()))),
    )
    return stage(as_path(source), target, asked)


def doctor(
    data: File, *, out: File | None = None, fast: bool = False, task: str | None = None, settings: Overrides | None = None
) -> "Examination":
    """Check images for damage, copies, leaks across splits, likely wrong labels and small classes, without changing them.

    Args:
        data: images, as for `train`.
        out: folder of doctor.html, doctor.json and exclude.txt; if it is a run, its report shows them; default: doctor/NAME.
        fast: work without a neural network; this finds no wrong labels and fewer near duplicates.
        task: "multi-label" where a CSV file lists any number of classes an image.
        settings: settings of the recipe by dotted key.
    """
    recipe = recipes.load(None, settings, {"data.source": text_of("data", data), "data.task": task})

    from edgetl.pipeline import doctor as stage

    return stage.doctor(recipe, as_path(out), fast=fast)


def verify(bundle: File, *, key: File | None = None) -> "Verification":
    """Check the hashes, the signature and the golden predictions of a bundle, which are computed again on this computer.

    Args:
        bundle: a .edgetl file.
        key: file of the public key that it must be signed with.
    """
    from edgetl.pipeline.ship.verify import verify as stage

    return stage(path_of(bundle), as_path(key))


def pack(data: File, out: File, **options: Unpack[PackOptions]) -> "Packed":
    """Pack labelled images into shuffled TFRecord shards, which `train(out)` reads as a stream.

    Args:
        data: images, as for `train`.
        out: a folder, or a path such as "gs://bucket/folder".
        options: see `edgetl.PackOptions`.
    """
    known(options, PackOptions)
    shards, max_shard_mib, seed = options.get("shards", 1), options.get("max_shard_mib", 256), options.get("seed", 0)
    at_least(1, shards=shards, max_shard_mib=max_shard_mib)
    at_least(0, seed=seed)
    out = text_of("out", out)
    recipe = recipes.load(None, options.get("settings"), {"data.source": text_of("data", data), "data.task": options.get("task")})

    from edgetl.pipeline import pack as stage
    from edgetl.pipeline.recorded_images import listing_of

    return stage.pack(listing_of(recipe), out, shards, max_shard_mib, seed)
