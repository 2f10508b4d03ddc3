"""Latency, memory and size of models, on any device."""
