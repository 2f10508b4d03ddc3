"""Makes and checks Ed25519 signatures (RFC 8032) over a bundle's manifest, which holds the sha256 of all else."""

import os
from pathlib import Path
from types import ModuleType

from edgetl.errors import DependencyError, RunError, UsageError
from edgetl.files import atomic
from edgetl.software import install


def _ed25519() -> ModuleType:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise DependencyError("signatures need the Python package cryptography", install("sign")) from error
    return ed25519


def keygen(path: Path) -> Path:
    """Write a new private key to `path`, readable by its owner alone, and its public key beside it; return the latter's path (.pub).

    Raises UsageError when there is a key already.
    """
    ed25519 = _ed25519()
    from cryptography.hazmat.primitives import serialization as form

    public_path = path.with_name(f"{path.name}.pub")
    for taken in (path, public_path):
        if taken.exists():
            raise UsageError(f"{taken} exists already", "name another file: a key is never overwritten")
    key = ed25519.Ed25519PrivateKey.generate()
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    public = key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    for target, content, mode in ((path, private, 0o600), (public_path, public, 0o644)):
        with atomic(target) as temporary:
            temporary.touch(mode)
            temporary.write_bytes(content)
            os.chmod(temporary, mode)
    return public_path


def sign(content: bytes, key_file: Path) -> bytes:
    """Return the signature, 64 bytes. Raises UsageError when the file is not an Ed25519 private key."""
    ed25519 = _ed25519()
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(key_file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"cannot read the key {key_file}: {error}", "make one with 'edgetl keygen'") from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise UsageError(f"{key_file} is a key of another kind", "make one with 'edgetl keygen'")
    signature: bytes = key.sign(content)
    return signature


def check(content: bytes, signature: bytes | None, key_file: Path) -> None:
    """Raise RunError unless the signature is there and made with this key's private one, UsageError when the file is not such a key."""
    ed25519 = _ed25519()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(key_file.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the public key {key_file}: {error}", "name the .pub file that 'edgetl keygen' made") from error
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise UsageError(f"{key_file} is a key of another kind", "name the .pub file that 'edgetl keygen' made")
    if signature is None:
        raise RunError("the bundle is not signed", "ask its maker to bundle it with --sign")
    try:
        key.verify(signature, content)
    except InvalidSignature as error:
        raise RunError("the bundle was not signed with this key, or its manifest was changed", "get it again from its maker") from error
