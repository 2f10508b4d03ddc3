"""Lists what a bundle was made with, as a CycloneDX 1.6 document (ECMA-424)."""

import json
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from edgetl.ship.manifest import BundledFile

_NOT_PACKAGES = ("python", "platform")


def sbom(name: str, version: str, licence: str, models: Mapping[str, BundledFile], software: Mapping[str, str]) -> bytes:
    """Return the document: models with hashes, and the packages that made and checked them; the same input gives the same bytes."""
    components: list[dict[str, Any]] = [
        {"type": "machine-learning-model", "bom-ref": file, "name": file, "hashes": [{"alg": "SHA-256", "content": facts.sha256}]}
        for file, facts in models.items()
    ]
    for package, release in software.items():
        if package not in _NOT_PACKAGES:
            purl = f"pkg:pypi/{package}@{quote(release, safe='')}"
            components.append({"type": "library", "bom-ref": purl, "name": package, "version": release, "purl": purl})
    subject: dict[str, Any] = {"type": "application", "bom-ref": "bundle", "name": name, "version": version}
    if licence:
        subject["licenses"] = [{"license": {"name": licence}}]
    content = {"metadata": {"component": subject}, "components": components}
    serial = uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(content, sort_keys=True))
    head = {"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{serial}", "version": 1}
    return (json.dumps(head | content, indent=2, ensure_ascii=False) + "\n").encode()
