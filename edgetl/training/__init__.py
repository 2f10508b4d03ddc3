"""Backbone and images to a trained float model."""
