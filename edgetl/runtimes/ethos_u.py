"""Arm's Ethos-U, which is in microcontrollers only: its files are exported unverified, and the program's self-test is their proof."""

from edgetl.runtimes.base import elsewhere

RUNTIME = elsewhere("only a chip with an Ethos-U runs it")
