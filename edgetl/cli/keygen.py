"""`edgetl keygen`."""

from pathlib import Path
from typing import Annotated

import typer

from edgetl import console
from edgetl.cli.options import Json


def keygen(
    key: Annotated[
        Path, typer.Argument(metavar="KEY", help="Write the private key to this file, and the public key beside it to KEY.pub.")
    ],
    as_json: Json = False,
) -> None:
    """Make an Ed25519 key pair for signing bundles.

    Example:
      edgetl keygen release.key
    """
    from edgetl.ship.signature import keygen as make

    public = make(key)
    console.result({"private": str(key), "public": str(public)}, f"{key}: keep it secret; {public}: give it to those who verify")
