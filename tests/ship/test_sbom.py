"""The bill of materials, against CycloneDX's own schema."""

import json

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from edgetl.ship.manifest import BundledFile
from edgetl.ship.sbom import sbom
from edgetl.software import software
from tests.ship.repack import HOSTILE

MODELS = {
    "model_int8.tflite": BundledFile(sha256="0" * 64, size_bytes=3),
    "model_float16.mlpackage.zip": BundledFile(sha256="a" * 64, size_bytes=4),
}


def faults(content: bytes) -> str:
    return str(JsonStrictValidator(SchemaVersion.V1_6).validate_str(content.decode()) or "")


@pytest.mark.parametrize("name", ["flowers", *HOSTILE])
@pytest.mark.parametrize("licence", ["", "Apache-2.0", "ask Zoë \U0001f33b"])
def test_it_is_cyclonedx(name: str, licence: str) -> None:
    content = sbom(name, "1.0", licence, MODELS, software() | {"tensorflow": "2.21.0+cpu"})
    assert not faults(content)
    assert content == sbom(name, "1.0", licence, MODELS, software() | {"tensorflow": "2.21.0+cpu"})
    document = json.loads(content)
    assert document["metadata"]["component"]["name"] == name
    assert [one["hashes"][0]["content"] for one in document["components"][:2]] == ["0" * 64, "a" * 64]
    assert "pkg:pypi/tensorflow@2.21.0%2Bcpu" in {one.get("purl") for one in document["components"]}
    names = {one["name"] for one in document["components"]}
    assert "numpy" in names
    assert not names & {"python", "platform"}


def test_the_schema_is_held_against_it() -> None:
    assert "SHA-257" in faults(sbom("a", "1", "", MODELS, {}).replace(b"SHA-256", b"SHA-257"))
