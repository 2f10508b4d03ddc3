"""The manifests are what Kubernetes takes, and their workers find each other."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgetl.training.team import _place

FOLDER = Path(__file__).resolve().parents[1] / "deploy" / "kubernetes"
DOCUMENTS = list(yaml.safe_load_all((FOLDER / "train.yaml").read_text(encoding="utf-8")))
SERVICE, CLAIM, JOB = DOCUMENTS


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document["kind"])
def test_manifests_keep_the_schema(document: Any) -> None:
    kubernetes = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    kubernetes.validate(document, "1.30", strict=True)


def test_the_parts_fit_together() -> None:
    pod = JOB["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert SERVICE["spec"]["selector"] == {"job-name": JOB["metadata"]["name"]}, "the label that Kubernetes gives a Job's pods"
    assert pod["subdomain"] == SERVICE["metadata"]["name"]
    assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == CLAIM["metadata"]["name"]
    assert str(JOB["spec"]["completions"]) == str(JOB["spec"]["parallelism"]) == container["env"][0]["value"]
    assert [port["port"] for port in SERVICE["spec"]["ports"]] == [port["containerPort"] for port in container["ports"]]


@pytest.mark.parametrize("index", [0, 1])
def test_each_pod_knows_its_place(index: int, tmp_path: Path) -> None:
    [container] = JOB["spec"]["template"]["spec"]["containers"]
    program = tmp_path / "edgetl"
    program.write_text('#!/bin/sh\necho "$TF_CONFIG"\n', encoding="utf-8")
    program.chmod(0o755)
    variables = {"PATH": f"{tmp_path}:/usr/bin:/bin", "WORKERS": "2", "JOB_COMPLETION_INDEX": str(index)}
    command = [*container["command"], *container["args"]]
    said = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=True).stdout
    assert _place(said) == (index, 2)
    for number in (0, 1):
        assert f"{JOB['metadata']['name']}-{number}.{SERVICE['metadata']['name']}:2222" in said
