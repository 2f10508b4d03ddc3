"""A manifest of small files, without any model."""

import hashlib

from edgetl.contract import Contract
from edgetl.ship.manifest import BundledFile, Manifest, Verdict

CONTENTS = {"labels.txt": b"a\nb\n", "card.md": b"# card\n", "golden/pixels.bin": bytes(12)}
CONTRACT = Contract.square(2, 1 / 127.5, 128, ("a", "b"))


def manifest_of(contents: dict[str, bytes]) -> bytes:
    files = {name: BundledFile(sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content)) for name, content in contents.items()}
    manifest = Manifest(
        name="tiny",
        architecture="tiny_cnn",
        version="1",
        licence="",
        scheme="ptq_int8",
        contract=CONTRACT,
        models={},
        files=files,
        validation=Verdict(passed=True, images=3, forced=""),
        data_fingerprint="0",
        software={},
    )
    return manifest.to_bytes()
