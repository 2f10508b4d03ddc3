"""Why the answers are what they are: where quantization moved them."""
