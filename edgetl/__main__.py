"""`python -m edgetl`."""

from edgetl.cli.app import entry

entry()
