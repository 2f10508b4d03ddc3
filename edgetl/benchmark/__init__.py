"""How fast and how big a model is, on any device."""
