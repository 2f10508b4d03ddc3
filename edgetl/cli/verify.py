"""`edgetl verify`."""

from pathlib import Path
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Json


def verify(
    bundle: Annotated[Path, typer.Argument(metavar="FILE.edgetl", help="Verify this bundle.")],
    require_signature: Annotated[
        Path | None, typer.Option(metavar="KEY.pub", help="Require a signature by this public key's owner (default: none).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a bundle: hashes, signature, golden predictions.

    The golden predictions are computed again on this computer.

    Exit codes: 5 the bundle is damaged, or not signed with that key; 7 its models give other predictions than when it was made.

    Example:
      edgetl verify flowers.edgetl --require-signature release.key.pub
    """
    from edgetl.api import files

    found = files.verify(bundle, key=require_signature)
    rows = [[name, f"{facts.max_steps:g}", f"{facts.mean_steps:g}", facts.other_decisions] for name, facts in found.golden.items()]
    console.note("the predictions for the golden images here against the bundle's, in steps of 1/256 of probability")
    console.table(f"{found.name}, version {found.version}", ["model", "max", "mean", "other decisions"], rows)
    for name, reason in found.unverified.items():
        console.warn(f"{name} is unverified: {reason}")
    if found.signed and not found.signature_checked:
        console.note("it is signed; name the key to check that: --require-signature KEY.pub")
    console.result(found.to_json(), f"{bundle} passed: files, class names and predictions are those that were bundled")
