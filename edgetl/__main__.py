"""`python -m edgetl`."""

from edgetl.cli.app import main

main()
