"""The parts of a report, in its order: each is one file with `section(facts)`, and one line here."""

from edgetl.registry import Registry
from edgetl.report.page.facts import MakeSection

SECTIONS: Registry[MakeSection] = Registry(
    "section",
    {
        "summary": ("edgetl.report.page.sections.summary:section", "the figures that matter, and the verdict"),
        "training": ("edgetl.report.page.sections.training:section", "loss and accuracy, epoch by epoch"),
        "confusion": ("edgetl.report.page.sections.confusion:section", "what is taken for what"),
        "classes": ("edgetl.report.page.sections.classes:section", "precision, recall and F1 of each class"),
        "calibration": ("edgetl.report.page.sections.calibration:section", "whether a probability means what it says"),
        "agreement": ("edgetl.report.page.sections.agreement:section", "whether the files give the same predictions"),
        "flips": ("edgetl.report.page.sections.flips:section", "images that int8 names otherwise than float"),
        "explain": ("edgetl.report.page.sections.explained:section", "where the models look"),
        "sensitivity": ("edgetl.report.page.sections.sensitivity:section", "which operator quantization hurts"),
        "latency": ("edgetl.report.page.sections.latency:section", "how fast, on which device"),
        "size": ("edgetl.report.page.sections.size:section", "how large, and what is worth its time"),
        "doctor": ("edgetl.report.page.sections.doctor:section", "what is wrong with the images"),
        "provenance": ("edgetl.report.page.sections.provenance:section", "how it was made"),
    },
)
