"""The sections of a report in order: each is a file with `section(facts)` and a line here."""

from edgetl.registry import Registry
from edgetl.report.page.facts import MakeSection

SECTIONS: Registry[MakeSection] = Registry(
    "section",
    {
        "summary": ("edgetl.report.page.sections.summary:section", "accuracy, size and latency of the main model, and the verdict"),
        "training": ("edgetl.report.page.sections.training:section", "loss and accuracy, epoch by epoch"),
        "confusion": ("edgetl.report.page.sections.confusion:section", "which classes are confused with which"),
        "classes": ("edgetl.report.page.sections.classes:section", "precision, recall and F1 of each class"),
        "mistakes": (
            "edgetl.report.page.sections.mistakes:section",
            "the images that the main model gets wrong, and unknown ones that pass",
        ),
        "flips": ("edgetl.report.page.sections.flips:section", "images that the int8 model predicts differently from the float model"),
        "calibration": ("edgetl.report.page.sections.calibration:section", "how well probabilities match accuracy"),
        "rejection": ("edgetl.report.page.sections.rejection:section", "which images are kept, and how well unknown ones are rejected"),
        "agreement": ("edgetl.report.page.sections.agreement:section", "whether the exported files give the same predictions"),
        "explain": ("edgetl.report.page.sections.explained:section", "which parts of an image the models respond to"),
        "sensitivity": ("edgetl.report.page.sections.sensitivity:section", "which operators lose most by quantization"),
        "latency": ("edgetl.report.page.sections.latency:section", "latency on each device"),
        "size": ("edgetl.report.page.sections.size:section", "file sizes, and accuracy by latency"),
        "doctor": ("edgetl.report.page.sections.data_quality:section", "what the doctor found in the images"),
        "provenance": ("edgetl.report.page.sections.provenance:section", "recipe, software and hashes"),
    },
)
