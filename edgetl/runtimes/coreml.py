"""Core ML, which runs on Apple's devices only: its files are exported and shipped unverified, and the app's own test is their proof."""

from edgetl.runtimes.base import elsewhere

RUNTIME = elsewhere("Core ML predicts on macOS only")
