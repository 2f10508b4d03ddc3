"""The parts of a report, in its order: each is one file with `section(facts)`, and one line here."""

from edgetl.registry import Registry
from edgetl.report.facts import MakeSection

SECTIONS: Registry[MakeSection] = Registry(
    "section",
    {
        "summary": ("edgetl.report.sections.summary:section", "the figures that matter, and the verdict"),
        "training": ("edgetl.report.sections.training:section", "loss and accuracy, epoch by epoch"),
        "confusion": ("edgetl.report.sections.confusion:section", "what is taken for what"),
        "classes": ("edgetl.report.sections.classes:section", "precision, recall and F1 of each class"),
        "calibration": ("edgetl.report.sections.calibration:section", "whether a probability means what it says"),
        "agreement": ("edgetl.report.sections.agreement:section", "whether the files give the same predictions"),
        "flips": ("edgetl.report.sections.flips:section", "images that int8 names otherwise than float"),
        "explain": ("edgetl.report.sections.explained:section", "where the models look"),
        "sensitivity": ("edgetl.report.sections.sensitivity:section", "which operator quantization hurts"),
        "latency": ("edgetl.report.sections.latency:section", "how fast, on which device"),
        "size": ("edgetl.report.sections.size:section", "how large, and what is worth its time"),
        "doctor": ("edgetl.report.sections.doctor:section", "what is wrong with the images"),
        "provenance": ("edgetl.report.sections.provenance:section", "how it was made"),
    },
)
