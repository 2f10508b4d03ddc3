"""The public Python API: what `import edgetl` gives, and what the commands call."""
