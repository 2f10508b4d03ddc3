"""A manifest of small files, without any model."""

import hashlib

from edgetl.ship.manifest import Manifest, dump

CONTENTS = {"labels.txt": b"a\nb\n", "card.md": b"# card\n", "golden/pixels.bin": bytes(12)}
CONTRACT = {
    **{"image_size": 2, "scale": 1 / 127.5, "zero_point": 128, "class_names": ["a", "b"], "crop": "center_square"},
    **{"resize": "antialiased_bilinear", "channels": "RGB", "input_name": "image", "output_name": "probabilities"},
    **{"pixel_dtype": "uint8", "schema": 1},
}


def manifest_of(contents: dict[str, bytes]) -> bytes:
    files = {name: {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)} for name, content in contents.items()}
    texts = {"name": "tiny", "architecture": "tiny_cnn", "version": "1", "licence": "", "scheme": "ptq_int8", "data_fingerprint": "0"}
    validation = {"passed": True, "images": 3, "forced": ""}
    rest = {"schema": 1, "contract": CONTRACT, "models": {}, "files": files, "validation": validation, "software": {}}
    return dump(Manifest.model_validate(texts | rest))
