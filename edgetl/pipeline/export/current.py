"""Tell what a run's model files are made from, and whether they are of its present training, without loading a model."""

from collections.abc import Sequence
from dataclasses import asdict

from edgetl.contract import Contract
from edgetl.errors import RunError, UsageError
from edgetl.export import FORMATS
from edgetl.export.exported import ExportedFile, best_first, exported_files, stage_of
from edgetl.files import fingerprint
from edgetl.int8_record import Int8Request
from edgetl.pipeline.plan import int8_schemes
from edgetl.pipeline.project import Project
from edgetl.quantization import SCHEMES, integer_schemes, scheme_of
from edgetl.run_record import ExportFacts, FloatFacts, QuantizedFacts


def asked_of(project: Project) -> Int8Request:
    """Return what the recipe asks of the int8 model."""
    return Int8Request(project.recipe.export.keep_float, project.recipe.export.max_drop)


def asked_facts(project: Project, formats: Sequence[str] = ()) -> ExportFacts:
    """Return what the recipe asks of the files of a precision, in these formats."""
    return ExportFacts(formats=tuple(formats), about=project.recipe.about, batch=project.recipe.export.batch)


def export_inputs(project: Project, precision: str, facts: ExportFacts) -> str:
    """Return the identity of what files with these facts are made from. Raises RunError while the training behind them is unfinished.

    Of the int8 model the recipe says what is asked, where the facts do not.
    """
    scheme = scheme_of(precision)
    integer = precision if scheme.quantize else scheme.weights_from
    names = int8_schemes(project.run, project.recipe, integer) if integer else [project.models.float_stage]
    stages = [project.run.stage(name) for name in names]
    of_float = project.run.stage(project.models.float_stage).inputs
    stale = any(isinstance(stage.facts, QuantizedFacts) and stage.facts.float_inputs != of_float for stage in stages)
    trained = project.run.read().find("float", FloatFacts)
    stale |= bool(trained and trained.network not in ("", project.recipe.network))
    if stale or Contract.read(project.run.contract).ending_in(project.contract.output.dtype) != project.contract:
        raise RunError(
            f"{project.run.path} was given another recipe and not trained to its end", "run the same 'edgetl train' command again"
        )
    asked = asdict(facts.choice.asked if facts.choice else asked_of(project)) if scheme.quantize else {}
    asked |= {"output": project.contract.output.dtype} if scheme.quantize and project.contract.ends_in_float else {}
    asked |= {"batch": facts.batch} if facts.batch != 1 else {}
    asked |= {"npu": project.recipe.export.npu} if any(FORMATS.load(name).for_npu for name in facts.formats) else {}
    return fingerprint([stage.inputs for stage in stages], list(facts.formats), asked, facts.about.model_dump())


def exported(project: Project) -> list[ExportedFile]:
    """Return the run's exported files. Raises RunError when there is none, or one is stale or changed."""
    files = exported_files(project.run)
    if not files:
        raise RunError(f"{project.run.path} has no exported model yet", f"run: edgetl export {project.run.quoted}")
    for stage, precision in dict.fromkeys((file.stage, file.precision) for file in files):
        if not is_current(project, precision):
            raise RunError(
                f"a file of {project.run.path} is missing, was changed, or is of an earlier training ({stage})",
                f"run: edgetl export {project.run.quoted}",
            )
    return files


def chosen_integers(project: Project, scheme: str = "") -> tuple[str, str]:
    """Return which integer model of a run is meant: under what it is saved, and its name. Raises UsageError or RunError without one.

    Args:
        scheme: that of this scheme as trained; empty: the one that was exported, or the simplest scheme's where none was.
    """
    project.need_images("calibrate an int8 model on")
    run = project.run
    if scheme and SCHEMES.load(scheme).quantize is None:
        raise UsageError(f"{scheme} has no quantization grids of its own", f"choices: {', '.join(integer_schemes())}")
    written = None if scheme else next((file for file in best_first(exported_files(run)) if file.integer), None)
    if written:
        run.intact(written.stage)
        choice = run.facts(written.stage, ExportFacts).choice
        name, saved = choice.chosen.name if choice else "", written.precision
        current = is_current(project, written.precision)
    else:
        name = saved = scheme or integer_schemes(trained=False, own=project.recipe.quantize.own)[0]
        run.intact(name)
        current = run.facts(name, QuantizedFacts).float_inputs == run.stage(project.models.float_stage).inputs
    if not current:
        raise RunError(f"the integer model of {run.path} is of an earlier training", "run the same 'edgetl train' or 'edgetl run' again")
    return saved, name


def is_current(project: Project, precision: str) -> bool:
    """Return whether a precision's files are there as they were exported from the run's present training."""
    stage = stage_of(precision)
    facts = project.run.facts(stage, ExportFacts)
    return project.run.is_done(stage, export_inputs(project, precision, facts))
