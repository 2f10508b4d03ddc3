"""A trained run to model files."""
