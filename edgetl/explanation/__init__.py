"""Explanations of predictions: where a model looks, and where quantization moved it."""
