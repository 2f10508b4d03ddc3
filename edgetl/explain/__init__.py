"""Why the predictions are what they are: where a model looks, where quantization moved it."""
