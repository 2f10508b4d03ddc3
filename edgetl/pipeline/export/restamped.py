"""Give a run other thresholds: in its contracts, and in the contract that each model file carries. No graph and no stage changes."""

from edgetl.benchmarking.results import NAME, Benchmark
from edgetl.contract import Contract
from edgetl.export import FORMATS
from edgetl.files import atomic, sha256
from edgetl.output import Thresholds
from edgetl.pipeline.export.current import exported
from edgetl.pipeline.export.stamped import about
from edgetl.pipeline.plan import VALIDATE
from edgetl.pipeline.project import Project
from edgetl.run_record import ExportFacts, RunRecord


def restamp(project: Project, thresholds: Thresholds | None) -> None:
    """Put thresholds of the classes (None: none) into the run's contracts and exported files, and their new hashes into its record.

    The graphs stay as they are, so that every stage stays done but the validation, which compared decisions; a benchmark of these files
    goes on to count, but for the decisions in it.
    """
    run, files, record = project.run, exported(project), project.run.read()
    contract, beside = project.contract.with_thresholds(thresholds), run.export / run.contract.name
    written = {
        run.contract: Contract.read(run.contract).with_thresholds(thresholds).to_bytes(),
        beside: contract.in_batches(Contract.read(beside).input.batch).to_bytes(),
    }
    for file in files:
        said = run.facts(file.stage, ExportFacts).about
        written[file.path] = FORMATS.load(file.form).stamp(file.path.read_bytes(), contract.in_batches(file.batch), about(project, said))
    before = {path: sha256(path) for path in written}
    benchmark = Benchmark.read(run.path / NAME) if (run.path / NAME).is_file() else None
    for path, content in written.items():
        with atomic(path) as temporary:
            temporary.write_bytes(content)
    renamed = {old: sha256(path) for path, old in before.items()}
    _renamed(record, renamed).write(run.record)
    if benchmark:
        models = {name: one.model_copy(update={"sha256": renamed.get(one.sha256, one.sha256)}) for name, one in benchmark.models.items()}
        results = tuple(result.model_copy(update={"predictions": None}) for result in benchmark.results)
        benchmark.model_copy(update={"models": models, "results": results}).write(run.path / NAME)
    project.contract = contract


def _renamed(record: RunRecord, renamed: dict[str, str]) -> RunRecord:
    """Return the record with other hashes of the same files, without the validation."""
    stages = {}
    for name, stage in record.stages.items():
        if name != VALIDATE:
            stages[name] = stage.model_copy(update={"files": {file: renamed.get(digest, digest) for file, digest in stage.files.items()}})
    return record.model_copy(update={"stages": stages})
