"""Backbone and pictures to a trained float model."""
